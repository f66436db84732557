-- Many audit rows in one statement: what was done per row is done per statement. A notification only says "look again", so one is enough.
create or replace function app.audit_enqueue() returns trigger language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into app.audit_unsealed (event_id) select id from added;
  if found then
    perform pg_notify('incidentfox', 'audit:' || (select id from added limit 1));
  end if;
  return null;
end $$;
drop trigger audit_enqueue on app.audit_events;
create trigger audit_enqueue after insert on app.audit_events referencing new table as added for each statement execute function app.audit_enqueue();

-- The queue is filled by the insert itself and events are never deleted: a foreign key would prove, row by row, what can't be otherwise.
-- The sealer takes the oldest first: that is its key.
alter table app.audit_unsealed drop constraint audit_unsealed_event_id_fkey;
alter table app.audit_unsealed drop constraint audit_unsealed_pkey;
alter table app.audit_unsealed add primary key (position);
