-- Every link asked, row by row, whether its event is there. It is: the sealer has just read it, and events are never deleted (0002). Should an owner delete one
-- all the same, verification says so ("its event is gone").
alter table app.audit_chain drop constraint audit_chain_event_id_fkey;
