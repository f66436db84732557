-- What else a tool may be called by, separated by spaces: docker_exec is also pod_exec.
alter table app.tools add column other_names text not null default '' check (length(other_names) <= 260);
