-- Who is on call, by schedule, as the gateway last read it: `<integration>/<schedule id>`, as policies name it. Who has no row is not on call, and a row
-- that was not confirmed for a while says nothing.
create table app.on_call_people (
  org_id    text not null references app.orgs,
  schedule  text not null check (schedule ~ '^[a-z0-9_-]{1,64}/[^/].{0,199}$'),
  person_id uuid not null references app.people,
  as_of     timestamptz not null default app.clock(),
  primary key (org_id, schedule, person_id)
);

grant select on app.on_call_people to incidentfox_bot;
grant select, delete on app.on_call_people to incidentfox_gateway;
grant insert (org_id, schedule, person_id), update (as_of) on app.on_call_people to incidentfox_gateway;
