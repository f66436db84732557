-- Channels that configuration no longer lists lose their team.
grant delete on app.slack_channels to incidentfox_bot;

-- When an event happened is the database's word: neither role may set it.
revoke insert on app.audit_events from incidentfox_bot, incidentfox_gateway;
grant insert (id, event_type, org_id, team_id, user_id, tool, parameters, duration_ms, status, investigation_id, approval_id, sandbox_id,
              correlation_id, details, payload_digest)
  on app.audit_events to incidentfox_bot, incidentfox_gateway;

-- What could not be read back could not be sealed: one such row would stop the chain.
alter table app.audit_events
  add constraint audit_events_parameters_object check (parameters is null or jsonb_typeof(parameters) = 'object'),
  add constraint audit_events_details_object check (details is null or jsonb_typeof(details) = 'object'),
  add constraint audit_events_payload_digest_size check (payload_digest is null or octet_length(payload_digest) = 32);
alter table app.audit_chain
  add constraint audit_chain_sizes check (octet_length(digest) = 32 and octet_length(prev_hash) = 32 and octet_length(hash) = 32);
