-- Live runs: each has a connection with its name (at most 63 characters).

-- name: start
-- Gives this connection the name of a run.
select set_config('application_name', %(name)s, false);

-- name: live_runs
-- The names of such connections.
select application_name as name from pg_stat_activity
where datname = current_database() and starts_with(application_name, %(prefix)s);
