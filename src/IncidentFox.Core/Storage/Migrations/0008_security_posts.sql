-- Which security alerts were posted to Slack. The alert itself is the audit row; this is the bot's note that people were told.
create table app.security_posts (
  event_id        uuid primary key references app.audit_events,
  attempts        int not null default 1,
  next_attempt_at timestamptz not null,
  posted_at       timestamptz
);
grant select, insert, update on app.security_posts to incidentfox_bot;

-- Looked for every few seconds among everything that was audited.
create index audit_events_security on app.audit_events (at) where event_type = 'security_alert';
