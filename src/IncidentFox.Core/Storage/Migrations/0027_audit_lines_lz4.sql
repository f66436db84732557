-- Lines are compressed when they are written, at every call: LZ4 takes a fraction of the time of PostgreSQL's own method. A server that was built without it keeps that one.
do $$
begin
  alter table app.audit_lines alter column lines set compression lz4;
exception when feature_not_supported then
  raise notice 'This server has no LZ4: audit lines are compressed with pglz, which costs more time at every call.';
end $$;
