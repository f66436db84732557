-- The applications look at start-up, and when asked whether they are ready, whether the schema is their version's: a program that meets an older one must say so
-- before it fails at some statement. The journal itself is in a schema that they can't use.
create view app.migrations as select scriptname as name from schemaversions;
grant select on app.migrations to incidentfox_bot, incidentfox_gateway;
