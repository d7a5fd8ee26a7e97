-- Which runs live: each has a connection that bears its name (at most 63 characters).

-- name: appear
-- From now on this connection is a run's sign of life.
select set_config('application_name', %(name)s, false);

-- name: living
-- The names on such connections.
select application_name as name from pg_stat_activity
where datname = current_database() and starts_with(application_name, %(prefix)s);
