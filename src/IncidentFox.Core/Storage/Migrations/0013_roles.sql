-- Roles ------------------------------------------------------------------------------------------------------------

-- What configuration gives and what people give stand side by side: neither takes away or lengthens the other.
drop index app.role_grants_once;
create unique index role_grants_once on app.role_grants (person_id, org_id, coalesce(team_id, ''), role, (granted_by = 'configuration'));
alter table app.role_grants add column reason text check (length(reason) <= 500);

-- Members of Slack user groups, as the bot last read them. One statement confirms a whole group, so that all its rows have one age.
create table app.slack_group_members (
  org_id    text not null references app.orgs,
  group_id  text not null check (group_id ~ '^[A-Z0-9]{2,40}$'),
  handle    text not null check (handle ~ '^[^ @:]{1,100}$'),
  person_id uuid not null references app.people,
  as_of     timestamptz not null default app.clock(),
  primary key (org_id, group_id, person_id)
);

-- Which user group gives which role: from configuration, by the group's id. A handle can be taken over by whoever may make groups; an id can't.
create table app.slack_group_roles (
  org_id   text not null references app.orgs,
  group_id text not null check (group_id ~ '^[A-Z0-9]{2,40}$'),
  team_id  text,
  role     text not null check (role in ('viewer', 'operator', 'admin', 'org_admin')),
  foreign key (org_id, team_id) references app.teams (org_id, id),
  check (role <> 'org_admin' or team_id is null)
);
create unique index slack_group_roles_once on app.slack_group_roles (org_id, group_id, coalesce(team_id, ''), role);

-- Membership that counts: confirmed in the last 15 minutes. When Slack can't be asked, nobody is in a group.
create view app.slack_groups_in_force as
  select org_id, group_id, handle, person_id, as_of from app.slack_group_members
   where as_of > app.clock() - interval '15 minutes';

-- Every role that counts now, wherever it comes from. Whoever decides about roles reads this and nothing else.
create view app.roles_in_force as
  select g.org_id, g.person_id, g.team_id, g.role, 'grant'::text as source, g.granted_by, g.expires_at
    from app.role_grants g where g.expires_at is null or g.expires_at > app.clock()
  union all
  select r.org_id, m.person_id, r.team_id, r.role, 'group ' || m.group_id, 'configuration', null
    from app.slack_group_roles r join app.slack_groups_in_force m on m.org_id = r.org_id and m.group_id = r.group_id;

-- When somebody last used the product: for access reviews.
alter table app.people add column last_used_at timestamptz;

grant select on app.slack_groups_in_force, app.roles_in_force to incidentfox_bot, incidentfox_gateway;
grant select, delete on app.slack_group_members to incidentfox_bot;
grant insert (org_id, group_id, handle, person_id), update (handle, as_of) on app.slack_group_members to incidentfox_bot;
grant select, insert, delete on app.slack_group_roles to incidentfox_bot;

-- Stop --------------------------------------------------------------------------------------------------------------

-- A stop in force has no lifted_at. Safe mode is a stop of the whole organization that the product itself ordered.
create table app.stops (
  id               uuid primary key,
  org_id           text not null references app.orgs,
  team_id          text,                -- null: the whole organization
  kind             text not null check (kind in ('freeze', 'safe_mode')),
  reason           text not null check (length(reason) between 1 and 500),
  ordered_by       text not null,
  ordered_at       timestamptz not null default app.clock(),
  evidence         jsonb,
  lifted_at        timestamptz,
  lifted_by        text,
  lift_reason      text check (length(lift_reason) between 1 and 500),
  announced_at     timestamptz,
  lift_announced_at timestamptz,
  foreign key (org_id, team_id) references app.teams (org_id, id),
  check (kind = 'freeze' or team_id is null),
  check ((lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lift_reason is null))
);
create unique index stops_once on app.stops (org_id, coalesce(team_id, ''), kind) where lifted_at is null;
create trigger signal after insert or update on app.stops for each row execute function app.signal('stop', 'id');

-- After the transaction that orders a stop nothing starts any more, whatever was read before: who orders takes this lock alone, who starts something shares it,
-- and the question is asked after the lock.
create function app.stop_guard() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(hashtext('incidentfox:stop'));
  if exists (select from app.stops s where s.lifted_at is null and s.org_id = new.org_id and (s.team_id is null or s.team_id = new.team_id)) then
    raise exception 'everything of team % is stopped: nothing is started', new.team_id using errcode = 'IF001';
  end if;
  return new;
end $$;
create trigger stop_guard before update of status, execution_attempts on app.approvals for each row
  when (new.status in ('approved', 'executing') and (new.status <> old.status or new.execution_attempts <> old.execution_attempts))
  execute function app.stop_guard();
create trigger stop_guard_ask before insert on app.approvals for each row execute function app.stop_guard();
create trigger stop_guard before insert on app.investigations for each row execute function app.stop_guard();
create trigger stop_guard_start before update of status on app.investigations for each row
  when (new.status = 'starting' and new.status <> old.status)
  execute function app.stop_guard();

grant select, insert (id, org_id, team_id, kind, reason, ordered_by, evidence),
  update (lifted_at, lifted_by, lift_reason, announced_at, lift_announced_at) on app.stops to incidentfox_bot;
grant select, insert (id, org_id, team_id, kind, reason, ordered_by, evidence) on app.stops to incidentfox_gateway;
