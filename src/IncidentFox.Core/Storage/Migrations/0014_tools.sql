-- Which tools there are, as the gateway last read them from its rules: for people who look at or change a policy. Nothing is decided by it.
create table app.tools (
  team_id        text not null,   -- '': of an integration that every team has
  integration    text not null check (length(integration) between 1 and 64),
  tool           text not null check (length(tool) between 1 and 64),
  effect         text not null check (effect in ('read', 'write', 'exec')),
  description    text not null check (length(description) <= 500),
  has_credential boolean not null,
  primary key (team_id, integration, tool)
);

grant select on app.tools to incidentfox_bot;
grant select, insert, delete on app.tools to incidentfox_gateway;
