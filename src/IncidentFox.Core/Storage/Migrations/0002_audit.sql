-- The audit trail: append-only for both application roles, sealed into a hash chain by one elected sealer.

create table app.audit_events (
  id               uuid primary key,
  at               timestamptz not null default app.clock(),
  event_type       text not null check (event_type ~ '^[a-z_]{1,60}$'),
  org_id           text,
  team_id          text,
  user_id          text,
  tool             text,
  parameters       jsonb,
  duration_ms      bigint,
  status           text,
  investigation_id uuid,
  approval_id      uuid,
  sandbox_id       uuid,
  correlation_id   text,
  details          jsonb,
  payload_digest   bytea
);
create index audit_events_by_time on app.audit_events (at, id);
create index audit_events_by_investigation on app.audit_events (investigation_id, at) where investigation_id is not null;
create index audit_events_by_approval on app.audit_events (approval_id, at) where approval_id is not null;
create index audit_events_by_correlation on app.audit_events (correlation_id) where correlation_id is not null;

-- What people asked, encrypted and detachable: retention deletes it here and the chain stays valid.
create table app.audit_payloads (
  event_id   uuid primary key references app.audit_events,
  salt       bytea not null,
  ciphertext bytea not null
);

create table app.audit_chain (
  sequence  bigint primary key,
  event_id  uuid not null unique references app.audit_events,
  digest    bytea not null,
  prev_hash bytea not null,
  hash      bytea not null,
  sealed_at timestamptz not null default app.clock()
);

create table app.audit_unsealed (
  event_id uuid primary key references app.audit_events,
  position bigint generated always as identity
);

create function app.audit_enqueue() returns trigger language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into app.audit_unsealed (event_id) values (new.id);
  perform pg_notify('incidentfox', 'audit:' || new.id);
  return null;
end $$;
create trigger audit_enqueue after insert on app.audit_events for each row execute function app.audit_enqueue();

-- Grants already refuse it; this also stops the owner's slip of the hand.
create function app.append_only() returns trigger language plpgsql as $$
begin
  raise exception 'app.% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger append_only before update or delete on app.audit_events for each row execute function app.append_only();
create trigger append_only_truncate before truncate on app.audit_events for each statement execute function app.append_only();
create trigger append_only before update or delete on app.audit_chain for each row execute function app.append_only();
create trigger append_only_truncate before truncate on app.audit_chain for each statement execute function app.append_only();

grant select, insert on app.audit_events, app.audit_payloads to incidentfox_bot, incidentfox_gateway;
grant select on app.audit_chain, app.audit_unsealed to incidentfox_bot;
grant select, insert on app.audit_chain to incidentfox_gateway;
grant select, delete on app.audit_unsealed to incidentfox_gateway;
