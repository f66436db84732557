namespace IncidentFox.Chaos.World;

/// <summary>
/// Writes down, independently of the product, every change of an approval and every vote, in the order in which the row's lock let them happen, with the
/// transaction that made it: that transaction must hold the audit row as well.
/// </summary>
internal static class Witness
{
    public const string Sql = """
        create schema chaos;
        create table chaos.witnessed (
          position    bigint generated always as identity primary key,
          approval_id uuid not null,
          what        text not null,
          person_id   uuid,
          xid         text not null
        );
        create index on chaos.witnessed (approval_id);
        create function chaos.approval_changed() returns trigger language plpgsql security definer set search_path = chaos, pg_temp as $$
        begin
          if tg_op = 'INSERT' then
            insert into chaos.witnessed (approval_id, what, xid) values (new.id, new.status, pg_current_xact_id()::xid::text);
          elsif new.status <> old.status or new.execution_attempts <> old.execution_attempts then
            insert into chaos.witnessed (approval_id, what, xid) values (new.id, new.status, pg_current_xact_id()::xid::text);
          end if;
          return null;
        end $$;
        create trigger chaos after insert or update on app.approvals for each row execute function chaos.approval_changed();
        create function chaos.vote_changed() returns trigger language plpgsql security definer set search_path = chaos, pg_temp as $$
        begin
          if tg_op = 'INSERT' or new.withdrawn_at is null and old.withdrawn_at is not null then
            insert into chaos.witnessed (approval_id, what, person_id, xid) values (new.approval_id, 'vote', new.person_id, pg_current_xact_id()::xid::text);
          elsif new.withdrawn_at is not null and old.withdrawn_at is null then
            insert into chaos.witnessed (approval_id, what, person_id, xid) values (new.approval_id, 'unvote', new.person_id, pg_current_xact_id()::xid::text);
          end if;
          return null;
        end $$;
        create trigger chaos after insert or update on app.approval_votes for each row execute function chaos.vote_changed();
        """;
}
