-- The terms that people were asked under, whole. Null: asked before there were any but the three columns that were always there.
alter table app.approvals add column terms jsonb check (jsonb_typeof(terms) = 'object');
create index approvals_pending_by_team on app.approvals (org_id, team_id) where status = 'pending';
create index approvals_denied_digests on app.approvals (org_id, team_id, digest, decided_at) where status = 'denied';

create or replace function app.approval_guard() returns trigger language plpgsql as $$
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
      new.required_approvers, new.approver_role, new.notify_channel, new.terms, new.created_at, new.expires_at)
     is distinct from
     (old.id, old.org_id, old.team_id, old.investigation_id, old.tool, old.integration, old.digest, old.frozen, old.effect,
      old.required_approvers, old.approver_role, old.notify_channel, old.terms, old.created_at, old.expires_at) then
    raise exception 'approval %: what was shown can''t be changed', old.id using errcode = 'check_violation';
  end if;
  return new;
end $$;

-- A vote can be withdrawn while people are still asked. It stays as a row: withdrawn_at says that it does not count.
alter table app.approval_votes add column reason text, add column withdrawn_at timestamptz;
grant update (at, identity, reason, withdrawn_at) on app.approval_votes to incidentfox_bot;
create trigger signal_update after update on app.approval_votes for each row execute function app.vote_signal();

-- Somebody acted alone. The row is the act and its review task: open until another admin closes it.
create table app.break_glass_reviews (
  approval_id uuid primary key references app.approvals,
  person_id   uuid not null references app.people,
  identity    text not null,
  reason      text not null check (reason <> ''),
  at          timestamptz not null default app.clock(),
  closed_at   timestamptz,
  closed_by   uuid references app.people,
  close_note  text,
  check ((closed_at is null) = (closed_by is null)),
  check (closed_by is distinct from person_id)
);
create index break_glass_reviews_open on app.break_glass_reviews (at) where closed_at is null;
create trigger signal after insert or update on app.break_glass_reviews for each row execute function app.vote_signal();
grant select on app.break_glass_reviews to incidentfox_bot, incidentfox_gateway;
grant insert (approval_id, person_id, identity, reason), update (closed_at, closed_by, close_note) on app.break_glass_reviews to incidentfox_bot;

-- What a channel is told besides the card: reminders, escalation, broken glass. Each key once per approval.
create table app.approval_notices (
  approval_id     uuid not null references app.approvals,
  key             text not null check (length(key) <= 60),
  due_at          timestamptz not null,
  created_at      timestamptz not null default app.clock(),
  attempts        int not null default 0,
  next_attempt_at timestamptz not null default app.clock(),
  posted_at       timestamptz,
  given_up        boolean not null default false,
  primary key (approval_id, key)
);
create index approval_notices_open on app.approval_notices (next_attempt_at) where posted_at is null and not given_up;
grant select on app.approval_notices to incidentfox_bot;
grant insert (approval_id, key, due_at), update (attempts, next_attempt_at, posted_at, given_up) on app.approval_notices to incidentfox_bot;
