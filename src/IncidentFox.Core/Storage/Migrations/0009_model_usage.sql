-- What models took: one row for every turn, made before it is asked. `tokens` and `cost_micros` are what counts against the budgets: the most that the turn
-- can take until it has ended, then what it took; where that can't be known they stay.
create table app.model_turns (
  id               uuid primary key,
  org_id           text not null,
  team_id          text not null,
  investigation_id uuid not null references app.investigations,
  sandbox_id       uuid not null references app.sandboxes,
  provider         text not null,
  model            text not null,
  state            text not null default 'reserved' check (state in ('reserved', 'answered', 'not_asked', 'unknown')),
  tokens           bigint not null check (tokens >= 0),
  cost_micros      bigint not null check (cost_micros >= 0),
  input_tokens     bigint check (input_tokens >= 0),
  output_tokens    bigint check (output_tokens >= 0),
  at               timestamptz not null default app.clock(),
  ended_at         timestamptz,
  foreign key (org_id, team_id) references app.teams (org_id, id)
);
create index model_turns_by_team on app.model_turns (org_id, team_id, at);
create index model_turns_by_investigation on app.model_turns (investigation_id);

grant select on app.model_turns to incidentfox_bot;
grant select on app.model_turns to incidentfox_gateway;
grant insert (id, org_id, team_id, investigation_id, sandbox_id, provider, model, tokens, cost_micros) on app.model_turns to incidentfox_gateway;
grant update (state, tokens, cost_micros, input_tokens, output_tokens, ended_at) on app.model_turns to incidentfox_gateway;
