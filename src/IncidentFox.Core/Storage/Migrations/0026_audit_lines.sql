-- What a gateway writes by itself, call by call, is stored as lines: one row for all lines of an investigation that became durable together. An event that
-- belongs to a change (a vote, an approval, an investigation's end) stays a row of audit_events, in the transaction of that change. The chain seals both alike.
create table app.audit_lines (
  id               uuid primary key,
  at               timestamptz not null default app.clock(),
  org_id           text,
  team_id          text,
  investigation_id uuid,
  sandbox_id       uuid,
  events           integer not null check (events > 0),
  lines            bytea not null check (octet_length(lines) > 0),   -- UTF-8: a JSON object for each event, separated by line feeds
  digest           bytea not null check (octet_length(digest) = 32)
);
create index audit_lines_by_time on app.audit_lines (at, id);
create index audit_lines_by_investigation on app.audit_lines (investigation_id, at) where investigation_id is not null;

create trigger append_only before update or delete on app.audit_lines for each row execute function app.append_only();
create trigger append_only_truncate before truncate on app.audit_lines for each statement execute function app.append_only();
create trigger audit_enqueue after insert on app.audit_lines referencing new table as added for each statement execute function app.audit_enqueue();

grant select on app.audit_lines to incidentfox_bot, incidentfox_gateway;
-- When it happened is the database's word, as for events.
grant insert (id, org_id, team_id, investigation_id, sandbox_id, events, lines, digest) on app.audit_lines to incidentfox_gateway;

-- The whole trail, an event a row, for people with SQL. A line that is no JSON can't have been written by the product: its row says so instead of failing everybody's query.
create function app.audit_line(line text) returns jsonb language plpgsql immutable as $$
begin
  return line::jsonb;
exception when others then
  return jsonb_build_object('event_type', 'unreadable', 'details', jsonb_build_object('unreadable', line));
end $$;

create function app.audit_line_id(line jsonb) returns uuid language plpgsql immutable as $$
begin
  return (line ->> 'event_id')::uuid;
exception when others then
  return null;
end $$;

create view app.audit_trail as
select id, at, event_type, org_id, team_id, user_id, tool, app.audit_line(parameters::text) as parameters, duration_ms, status, investigation_id, approval_id, sandbox_id, correlation_id, app.audit_line(details::text) as details,
       id as row_id
  from app.audit_events
union all
select app.audit_line_id(e.line), l.at, e.line ->> 'event_type', l.org_id, l.team_id, e.line ->> 'user_id', e.line ->> 'tool', e.line -> 'parameters',
       case when jsonb_typeof(e.line -> 'duration_ms') = 'number' then (e.line ->> 'duration_ms')::numeric::bigint end,
       e.line ->> 'status', l.investigation_id, null, l.sandbox_id, e.line ->> 'correlation_id', e.line -> 'details', l.id
  from app.audit_lines l
  cross join lateral string_to_table(convert_from(l.lines, 'UTF8'), E'\n') as t (json)
  cross join lateral (select app.audit_line(t.json) as line) e;
grant select on app.audit_trail to incidentfox_bot, incidentfox_gateway;

-- Calls that began and were not seen to end, up to the time the sweep has read to.
create table app.calls_swept (
  one   boolean primary key default true check (one),
  until timestamptz not null
);
insert into app.calls_swept (until) values (app.clock());
create table app.calls_open (
  correlation_id text primary key,
  row_id         uuid not null,   -- of audit_lines or audit_events
  at             timestamptz not null
);
create index calls_open_by_time on app.calls_open (at);
grant select, update on app.calls_swept to incidentfox_gateway;
grant select, insert, delete on app.calls_open to incidentfox_gateway;
