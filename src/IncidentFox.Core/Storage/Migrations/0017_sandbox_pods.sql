-- Sandbox pods on Kubernetes: which pod is whose. The bot makes and claims them, the gateway knows a caller's sandbox by the UID of its pod.

create table app.sandbox_pods (
  uid        text primary key check (uid ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'),
  namespace  text not null check (length(namespace) between 1 and 63),
  name       text not null check (length(name) between 1 and 253),
  image      text not null check (length(image) between 1 and 500),
  state      text not null check (state in ('starting', 'idle', 'claimed', 'gone')),
  sandbox_id uuid unique references app.sandboxes,
  created_at timestamptz not null default app.clock(),
  caged_at   timestamptz,
  claimed_at timestamptz,
  gone_at    timestamptz,
  owner      text not null check (length(owner) between 1 and 100),
  check (state <> 'claimed' or sandbox_id is not null),
  check (state not in ('starting', 'idle') or sandbox_id is null),
  check (state <> 'idle' or caged_at is not null),
  check ((state = 'gone') = (gone_at is not null))
);
create index sandbox_pods_present on app.sandbox_pods (state, created_at) where state <> 'gone';
create trigger signal after insert or update on app.sandbox_pods for each row execute function app.signal('sandbox_pod', 'uid');

-- One pod, one sandbox, once: a pod never changes hands and never comes back. Who may not claim pods (the gateway) may only report that one is caged.
create function app.sandbox_pod_guard() returns trigger language plpgsql as $$
begin
  if (old.sandbox_id is not null and new.sandbox_id is distinct from old.sandbox_id)
     or (new.uid, new.namespace, new.name, new.image, new.created_at) is distinct from (old.uid, old.namespace, old.name, old.image, old.created_at) then
    raise exception 'a pod never changes hands' using errcode = '42501';
  end if;
  if new.state <> old.state and (old.state, new.state) not in (
       ('starting', 'idle'), ('starting', 'gone'), ('idle', 'claimed'), ('idle', 'gone'), ('claimed', 'gone')) then
    raise exception 'a pod does not go from % to %', old.state, new.state using errcode = '42501';
  end if;
  if new.state <> old.state and new.state <> 'idle' and not has_column_privilege('app.sandbox_pods', 'sandbox_id', 'update') then
    raise exception 'only the bot claims and removes pods' using errcode = '42501';
  end if;
  return new;
end $$;
create trigger guard before update on app.sandbox_pods for each row execute function app.sandbox_pod_guard();

grant select on app.sandbox_pods to incidentfox_bot, incidentfox_gateway;
grant insert (uid, namespace, name, image, state, sandbox_id, claimed_at, owner), update (state, sandbox_id, claimed_at, gone_at, owner) on app.sandbox_pods to incidentfox_bot;
grant update (state, caged_at) on app.sandbox_pods to incidentfox_gateway;
