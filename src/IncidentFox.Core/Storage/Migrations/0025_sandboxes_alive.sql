-- Asked for once a second: sandboxes that count as alive although their investigation is over.
create index sandboxes_alive on app.sandboxes (investigation_id) where state <> 'ended';
