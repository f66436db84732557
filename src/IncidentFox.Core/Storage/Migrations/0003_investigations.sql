create table app.investigations (
  id                 uuid primary key,
  org_id             text not null,
  team_id            text not null,
  status             text not null default 'queued'
                     check (status in ('queued', 'starting', 'running', 'waiting', 'completed', 'failed', 'stopped')),
  question           bytea not null,
  requested_by       uuid not null references app.people,
  requester_label    text not null,
  workspace_id       text not null,
  channel_id         text not null,
  sandbox_id         uuid,
  attempt            int not null default 0,
  waiting_for        uuid,
  report             bytea,
  report_final       boolean not null default false,
  failure_code       text,
  failure            text,
  created_at         timestamptz not null default app.clock(),
  started_at         timestamptz,
  ended_at           timestamptz,
  foreign key (org_id, team_id) references app.teams (org_id, id)
);
create index investigations_open on app.investigations (status) where status in ('queued', 'starting', 'running', 'waiting');
create index investigations_by_team on app.investigations (org_id, team_id, created_at desc);
create trigger signal after insert or update on app.investigations for each row execute function app.signal('investigation', 'id');

-- Everybody whose words reached the sandbox: none of them may approve what it asks for.
create table app.investigation_requesters (
  investigation_id uuid not null references app.investigations,
  person_id        uuid not null references app.people,
  since            timestamptz not null default app.clock(),
  primary key (investigation_id, person_id)
);

create table app.sandboxes (
  id               uuid primary key,
  investigation_id uuid not null references app.investigations,
  driver           text not null,
  state            text not null default 'starting' check (state in ('starting', 'caged', 'working', 'ended')),
  created_at       timestamptz not null default app.clock(),
  caged_at         timestamptz,
  task_at          timestamptz,
  first_call_at    timestamptz,
  ended_at         timestamptz,
  end_reason       text
);
create index sandboxes_by_investigation on app.sandboxes (investigation_id);

-- The timeline: what the agent said it does, in its words, encrypted.
create table app.investigation_events (
  investigation_id uuid not null references app.investigations,
  position         bigint generated always as identity,
  sandbox_id       uuid not null references app.sandboxes,
  sequence         bigint not null,
  kind             text not null,
  body             bytea not null,
  received_at      timestamptz not null default app.clock(),
  primary key (investigation_id, position),
  unique (sandbox_id, sequence)
);
create trigger signal after insert on app.investigation_events for each row execute function app.signal('investigation', 'investigation_id');

grant select, insert, update on app.investigations to incidentfox_bot;
grant select, insert on app.investigation_requesters to incidentfox_bot;
grant select, insert, update on app.sandboxes to incidentfox_bot;
grant select on app.investigation_events to incidentfox_bot;

grant select on app.investigations, app.investigation_requesters, app.sandboxes to incidentfox_gateway;
grant update (report, report_final) on app.investigations to incidentfox_gateway;
grant update (state, caged_at, task_at, first_call_at) on app.sandboxes to incidentfox_gateway;
grant select, insert on app.investigation_events to incidentfox_gateway;
