-- The chain goes by blocks: one link for all events that were waiting, with a digest for each, made when the event was written. Sealing reads no event back.
-- (Before the first release: what a test installation has sealed is sealed anew.)

-- Stored as written: the digest covers exactly this text.
alter table app.audit_events
  alter column parameters type json using parameters::text::json,
  alter column details type json using details::text::json,
  add column digest bytea constraint audit_events_digest_size check (octet_length(digest) = 32),
  drop constraint audit_events_parameters_object,
  drop constraint audit_events_details_object,
  drop constraint audit_events_event_type_check,
  add constraint audit_events_parameters_object check (json_typeof(parameters) = 'object'),
  add constraint audit_events_details_object check (json_typeof(details) = 'object'),
  -- A regular expression took a third of the time of an insert.
  add constraint audit_events_event_type check (length(event_type) between 1 and 60 and translate(event_type, 'abcdefghijklmnopqrstuvwxyz_', '') = '');
grant insert (digest) on app.audit_events to incidentfox_bot, incidentfox_gateway;

drop trigger audit_enqueue on app.audit_events;
drop table app.audit_unsealed;
drop table app.audit_chain;

-- One row for the events of one statement.
create table app.audit_unsealed (
  position  bigint generated always as identity primary key,
  event_ids uuid[] not null,
  times     timestamptz[] not null,
  digests   bytea[] not null   -- null: the sealer makes it from the event
);

create table app.audit_chain (
  sequence  bigint primary key,   -- of the block's last event
  first     bigint not null,      -- of its first
  event_ids uuid[] not null,
  seals     bytea not null,       -- 40 bytes for each event: microseconds since 1970, digest
  prev_hash bytea not null,
  hash      bytea not null,
  sealed_at timestamptz not null default app.clock(),
  constraint audit_chain_sizes check (octet_length(prev_hash) = 32 and octet_length(hash) = 32 and first > 0 and sequence >= first
    and cardinality(event_ids) = sequence - first + 1 and octet_length(seals) = 40 * cardinality(event_ids))
);
-- Hashes can't be compressed: no time is spent on trying.
alter table app.audit_chain alter column event_ids set storage external, alter column seals set storage external;
alter table app.audit_unsealed alter column event_ids set storage external, alter column times set storage external, alter column digests set storage external;
create trigger append_only before update or delete on app.audit_chain for each row execute function app.append_only();
create trigger append_only_truncate before truncate on app.audit_chain for each statement execute function app.append_only();
grant select on app.audit_chain, app.audit_unsealed to incidentfox_bot;
grant select, insert on app.audit_chain to incidentfox_gateway;
grant select, delete on app.audit_unsealed to incidentfox_gateway;

-- Nobody waits for a notification of an audit row: sealing and posting look for themselves.
create or replace function app.audit_enqueue() returns trigger language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into app.audit_unsealed (event_ids, times, digests)
  select array_agg(id), array_agg(at), array_agg(digest) from added having count(*) > 0;
  return null;
end $$;
create trigger audit_enqueue after insert on app.audit_events referencing new table as added for each statement execute function app.audit_enqueue();

insert into app.audit_unsealed (event_ids, times, digests)
select array_agg(id order by id), array_agg(at order by id), array_agg(digest order by id)
  from (select id, at, digest, (row_number() over (order by id) - 1) / 1000 as block from app.audit_events) e group by block order by block;
