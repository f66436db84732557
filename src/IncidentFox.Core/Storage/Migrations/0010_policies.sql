-- Policies that people set, every version of them; the latest is in force. team_id null: the organization's, which its teams' go over.
create table app.policies (
  id         uuid primary key,
  org_id     text not null references app.orgs,
  team_id    text,
  version    int not null check (version > 0),
  json       text not null check (length(json) <= 262144),
  digest     text not null check (digest ~ '^[0-9a-f]{64}$'),
  changed_by text not null,
  changed_at timestamptz not null default app.clock(),
  note       text,
  foreign key (org_id, team_id) references app.teams (org_id, id)
);
create unique index policies_once on app.policies (org_id, coalesce(team_id, ''), version);
create trigger signal after insert on app.policies for each row execute function app.signal('policy', 'id');
create trigger append_only before update or delete on app.policies for each row execute function app.append_only();
create trigger append_only_truncate before truncate on app.policies for each statement execute function app.append_only();

grant select on app.policies to incidentfox_bot, incidentfox_gateway;
grant insert (id, org_id, team_id, version, json, digest, changed_by, note) on app.policies to incidentfox_bot;
