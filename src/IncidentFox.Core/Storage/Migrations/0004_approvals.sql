create table app.approvals (
  id                 uuid primary key,
  org_id             text not null,
  team_id            text not null,
  investigation_id   uuid not null references app.investigations,
  status             text not null default 'pending'
                     check (status in ('pending', 'approved', 'executing', 'executed', 'failed', 'unknown', 'denied', 'expired', 'cancelled')),
  tool               text not null,
  integration        text not null,
  digest             bytea not null check (octet_length(digest) = 32),
  frozen             bytea not null,   -- the gateway's key: the bot can't read what will be sent
  effect             bytea not null,   -- plain data for the card, the shared key
  required_approvers int not null check (required_approvers between 1 and 20),
  approver_role      text not null check (approver_role in ('viewer', 'operator', 'admin', 'org_admin')),
  notify_channel     text not null,
  created_at         timestamptz not null default app.clock(),
  expires_at         timestamptz not null,
  decided_at         timestamptz,
  decided_by         uuid references app.people,
  decision_reason    text,
  lease_owner        text,
  lease_until        timestamptz,
  execution_attempts int not null default 0,
  started_at         timestamptz,
  ended_at           timestamptz,
  duration_ms        bigint,
  outcome            text
);
create index approvals_open on app.approvals (expires_at) where status in ('pending', 'approved', 'executing');
create index approvals_by_investigation on app.approvals (investigation_id);
create unique index approvals_one_open_per_digest on app.approvals (investigation_id, digest) where status in ('pending', 'approved', 'executing');
create trigger signal after insert or update on app.approvals for each row execute function app.signal('approval', 'id');

-- Votes to approve. A denial is a transition of its own: deny wins.
create table app.approval_votes (
  approval_id uuid not null references app.approvals,
  person_id   uuid not null references app.people,
  identity    text not null,
  at          timestamptz not null default app.clock(),
  primary key (approval_id, person_id)
);
create function app.vote_signal() returns trigger language plpgsql as $$
begin
  perform pg_notify('incidentfox', 'approval:' || new.approval_id);
  return null;
end $$;
create trigger signal after insert on app.approval_votes for each row execute function app.vote_signal();

-- The state machine, held by the database whatever the application believes. Only the gateway's role approves and executes.
create function app.approval_guard() returns trigger language plpgsql as $$
declare
  gateway boolean := pg_has_role(current_user, 'incidentfox_gateway', 'member');
begin
  if new.status = old.status then
    if old.status not in ('pending', 'executing') then
      raise exception 'approval % is %: it can''t be changed', old.id, old.status using errcode = 'check_violation';
    end if;
  elsif not (
       (old.status = 'pending'   and new.status in ('approved', 'denied', 'expired', 'cancelled'))
    or (old.status = 'approved'  and new.status in ('executing', 'denied', 'cancelled'))
    or (old.status = 'executing' and new.status in ('executed', 'failed', 'unknown'))) then
    raise exception 'approval %: % can''t become %', old.id, old.status, new.status using errcode = 'check_violation';
  end if;
  if new.status in ('approved', 'executing', 'executed', 'failed', 'unknown') and not gateway then
    raise exception 'approval %: only the gateway may make it %', old.id, new.status using errcode = 'insufficient_privilege';
  end if;
  if (new.id, new.org_id, new.team_id, new.investigation_id, new.tool, new.integration, new.digest, new.frozen, new.effect,
      new.required_approvers, new.approver_role, new.created_at, new.expires_at)
     is distinct from
     (old.id, old.org_id, old.team_id, old.investigation_id, old.tool, old.integration, old.digest, old.frozen, old.effect,
      old.required_approvers, old.approver_role, old.created_at, old.expires_at) then
    raise exception 'approval %: what was shown can''t be changed', old.id using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger guard before update on app.approvals for each row execute function app.approval_guard();

grant select on app.approvals to incidentfox_bot;
grant update (status, decided_at, decided_by, decision_reason, ended_at) on app.approvals to incidentfox_bot;
grant select, insert on app.approval_votes to incidentfox_bot;
grant select, insert on app.approvals to incidentfox_gateway;
grant update (status, decided_at, decided_by, decision_reason, lease_owner, lease_until, execution_attempts, started_at, ended_at, duration_ms, outcome)
  on app.approvals to incidentfox_gateway;
grant select on app.approval_votes to incidentfox_gateway;
