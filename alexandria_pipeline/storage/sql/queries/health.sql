-- The state of the database itself, for `alexandria doctor`.

-- name: facts
-- Version, size, clock, and the rights of this role that the pipeline needs.
select current_setting('server_version_num')::int as version, current_setting('server_version') as version_text,
       pg_database_size(current_database()) as bytes, clock_timestamp() as now,
       has_schema_privilege(current_schema(), 'create') as may_create,
       coalesce(has_table_privilege(to_regclass('backfill_log'), 'insert, update'), false) as may_write,
       exists (select from pg_extension where extname = 'pg_trgm') as has_trigrams,
       pg_is_in_recovery() as read_only;

-- name: unsent_alerts
-- Alerts that some receiver has not got yet.
select count(*) as count from alert where sent_at is null;
