-- What the bot remembers of Slack. The gateway has no part in it.

-- One delivery of Slack's makes one investigation, however often it is sent and wherever a process dies in between.
alter table app.investigations add column delivery_key text unique check (length(delivery_key) <= 300);

-- Which bot process holds a sandbox: it keeps an advisory lock of this name while it lives.
alter table app.sandboxes add column owner uuid;

-- Which deliveries were seen, shared by all replicas.
create table app.slack_requests (
  key        text primary key check (length(key) <= 200),
  expires_at timestamptz not null
);
create index slack_requests_by_expiry on app.slack_requests (expires_at);
grant select, insert, update, delete on app.slack_requests to incidentfox_bot;

-- Requests refused at the door: one row, and one audit row, per source and minute.
create table app.slack_refusals (
  source text not null check (length(source) <= 64),
  minute timestamptz not null,
  count  bigint not null,
  primary key (source, minute)
);
create index slack_refusals_by_minute on app.slack_refusals (minute);
grant select, insert, update, delete on app.slack_refusals to incidentfox_bot;

-- Cards: one message each, rendered from the database, never the other way round.
create table app.slack_messages (
  id              uuid primary key,
  kind            text not null check (kind in ('investigation', 'approval')),
  subject_id      uuid not null,
  channel_id      text,                -- null until it is known where it goes
  ts              text,                -- null until it was posted
  shown_hash      bytea,               -- of what Slack shows now
  dirty           boolean not null default true,
  settled         boolean not null default false,   -- final, and Slack shows it
  lease_owner     uuid,                -- the bot process that is sending it
  lease_until     timestamptz,
  next_attempt_at timestamptz not null default app.clock(),
  checked_at      timestamptz,
  failures        int not null default 0,
  last_error      text,
  note            text,                -- why it is not where it should be
  created_at      timestamptz not null default app.clock(),
  unique (kind, subject_id)
);
create index slack_messages_open on app.slack_messages (next_attempt_at) where not settled;
grant select, insert, update on app.slack_messages to incidentfox_bot;

-- Replies in an investigation's thread: each key once.
create table app.slack_replies (
  investigation_id uuid not null references app.investigations,
  key              text not null check (length(key) <= 120),
  ts               text not null,
  posted_at        timestamptz not null default app.clock(),
  primary key (investigation_id, key)
);
grant select, insert on app.slack_replies to incidentfox_bot;

-- Cards are found for what is new.
create index approvals_by_time on app.approvals (created_at);
create index investigations_by_time on app.investigations (created_at);
