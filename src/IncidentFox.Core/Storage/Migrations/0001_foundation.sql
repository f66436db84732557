-- Two application roles, one per trust boundary. They are given a login (or granted to a login) by whoever installs the product.
do $$
begin
  create role incidentfox_bot nologin;
exception when duplicate_object or unique_violation then null;
end $$;
do $$
begin
  create role incidentfox_gateway nologin;
exception when duplicate_object or unique_violation then null;
end $$;

create schema app;
revoke all on schema public from public;
grant usage on schema app to incidentfox_bot, incidentfox_gateway;

-- The only clock that deadlines are judged by. Only the owner can replace it; tests do.
create function app.clock() returns timestamptz language sql volatile
  return clock_timestamp();

-- Wakes whoever waits for a row to change. A wake-up carries an id and nothing else; readers re-read.
create function app.signal() returns trigger language plpgsql as $$
begin
  perform pg_notify('incidentfox', tg_argv[0] || ':' || (to_jsonb(new) ->> tg_argv[1]));
  return null;
end $$;

-- Who is who --------------------------------------------------------------------------------------------------------

create table app.orgs (
  id   text primary key check (id ~ '^[a-z0-9_-]{1,40}$'),
  name text not null
);

create table app.teams (
  org_id text not null references app.orgs,
  id     text not null check (id ~ '^[a-z0-9_-]{1,40}$'),
  name   text not null,
  primary key (org_id, id)
);

create table app.slack_workspaces (
  workspace_id text primary key,
  org_id       text not null references app.orgs
);

create table app.slack_channels (
  workspace_id text not null references app.slack_workspaces,
  channel_id   text not null,
  name         text not null,
  org_id       text not null,
  team_id      text not null,
  primary key (workspace_id, channel_id),
  foreign key (org_id, team_id) references app.teams (org_id, id)
);

create table app.people (
  id           uuid primary key,
  org_id       text not null references app.orgs,
  display_name text not null,
  email        text
);

create table app.person_identities (
  provider  text not null check (provider in ('slack', 'oidc')),
  subject   text not null,
  person_id uuid not null references app.people,
  primary key (provider, subject)
);

-- team_id null: a grant for the whole organization, and the only kind that can carry org_admin.
create table app.role_grants (
  id         uuid primary key,
  person_id  uuid not null references app.people,
  org_id     text not null references app.orgs,
  team_id    text,
  role       text not null check (role in ('viewer', 'operator', 'admin', 'org_admin')),
  granted_by text not null,
  granted_at timestamptz not null default app.clock(),
  expires_at timestamptz,
  foreign key (org_id, team_id) references app.teams (org_id, id),
  check (role <> 'org_admin' or team_id is null)
);
create unique index role_grants_once on app.role_grants (person_id, org_id, coalesce(team_id, ''), role);

grant select, insert, update on app.orgs, app.teams, app.slack_workspaces, app.slack_channels, app.people, app.person_identities to incidentfox_bot;
grant select, insert, delete on app.role_grants to incidentfox_bot;
grant select on app.orgs, app.teams, app.slack_workspaces, app.slack_channels, app.people, app.person_identities, app.role_grants to incidentfox_gateway;
