namespace IncidentFox.Core.Tests.Storage;

[Trait("kind", "check")]
public sealed class SchemaTests(TestPostgres postgres)
{
    [Fact]
    public async Task The_schema_with_its_grants_and_triggers_is_the_one_on_file()
    {
        await using var db = await postgres.CreateAsync();
        var lines = await db.QueryAsync<string>(
            """
            select line from (
              select 1 as part, format('column %s.%s %s%s%s', table_name, column_name, data_type,
                       case is_nullable when 'NO' then ' not null' else '' end, coalesce(' default ' || column_default, '')) as line
                from information_schema.columns where table_schema = 'app'
              union all
              select 2, format('constraint %s.%s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint where connamespace = 'app'::regnamespace and contype in ('p', 'u', 'f', 'c')
              union all
              select 3, indexdef from pg_indexes where schemaname = 'app'
              union all
              select 4, format('trigger %s on %s: %s', tgname, tgrelid::regclass, pg_get_triggerdef(t.oid))
                from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'app'::regnamespace and not tgisinternal
              union all
              select 5, format('grant %s %s on %s', grantee, privilege_type, table_name) from information_schema.role_table_grants where table_schema = 'app' and grantee like 'incidentfox%'
              union all
              select 6, format('grant %s %s on %s.%s', g.grantee, g.privilege_type, g.table_name, g.column_name) from information_schema.column_privileges g
               where g.table_schema = 'app' and g.grantee like 'incidentfox%'
                 and not exists (select from information_schema.role_table_grants t where t.table_schema = 'app'
                                  and (t.grantee, t.table_name, t.privilege_type) = (g.grantee, g.table_name, g.privilege_type))
              union all
              select 7, format('function %s %s', p.oid::regprocedure, case when prosecdef then 'security definer' else 'security invoker' end) from pg_proc p where pronamespace = 'app'::regnamespace
            ) s order by part, line collate "C"
            """);
        Golden.Matches("schema.golden.txt", string.Join('\n', lines) + "\n");
    }

    [Fact]
    public async Task Lines_of_the_audit_trail_are_compressed_with_LZ4()
    {
        await using var db = await postgres.CreateAsync();
        Assert.Equal("l", Assert.Single(await db.QueryAsync<string>("select attcompression::text from pg_attribute where attrelid = 'app.audit_lines'::regclass and attname = 'lines'")));
    }

    [Fact]
    public async Task Migrating_again_changes_nothing_and_leaves_no_lock_behind()
    {
        await using var db = await postgres.CreateAsync();
        Migrator.Migrate(db.OwnerConnectionString, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        Assert.True(Assert.Single(await db.QueryAsync<bool>("select pg_try_advisory_lock(hashtext('incidentfox:migrate'))")));
    }
}
