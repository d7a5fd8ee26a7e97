-- Months of dead owners: in `processing`, and no connection holds the advisory lock.

-- name: orphans
-- Finds them without taking a lock, so that no claim is refused because of this query. The lock of a month is a small bigint
-- key: classid holds its upper half, objid its lower half, and objsubid is 1 (PostgreSQL, pg_locks).
select b.year, b.month, b.claim, b.owner_run, b.owner, b.started_at
from backfill_log b
where b.status = 'processing' and not exists (
    select from pg_locks l
    where l.locktype = 'advisory' and l.granted and l.database = (select oid from pg_database where datname = current_database())
      and l.classid = 0 and l.objid = (b.year * 100 + b.month)::oid and l.objsubid = 1)
order by b.year, b.month;

-- name: recover
-- Returns the months that still have that claim, and whose lock is free, to `retry`, or to `failed` after the last attempt. The
-- claim number changes, so that an owner that is alive after all is refused at its next write.
with named as (
    select * from unnest(%(years)s::smallint[], %(months)s::smallint[], %(claims)s::bigint[]) as w (year, month, claim)
), rows as materialized (
    select b.year, b.month, b.owner_run, b.owner, b.started_at
    from backfill_log b join named using (year, month, claim)
    where b.status = 'processing'
    order by b.year, b.month
    for update of b skip locked
), free as materialized (
    select * from rows where pg_try_advisory_xact_lock(year * 100 + month)
), figures as (
    select n.* from (select array_agg(year) as years, array_agg(month) as months from free) f, month_figures(f.years, f.months) n
), ended as (
    update backfill_log b
    set retry_count = least(%(max_retries)s, b.retry_count + 1), claim = b.claim + 1,
        status = case when b.retry_count + 1 >= %(max_retries)s then 'failed' else 'retry' end,
        next_attempt_at = now() + make_interval(secs => %(first_backoff)s * 2 ^ b.retry_count * (0.75 + random() / 2)),
        last_retry_at = clock_timestamp(), completed_at = null, updated_at = now(), owner_run = null, owner = null,
        error_message = 'its run died: ' || f.owner_run || ' (' || f.owner || '), started '
                        || to_char(f.started_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC',
        books_generated = n.generated, isbns_resolved = n.resolved, isbns_queued = least(b.isbns_queued, n.resolved),
        resolution_rate = resolution_rate(n.resolved, n.generated)
    from free f join figures n using (year, month)
    where (b.year, b.month) = (f.year, f.month)
    returning b.year, b.month, b.status, b.retry_count, b.next_attempt_at, b.error_message
), released as (
    update month_claim c set released_at = greatest(clock_timestamp(), c.claimed_at), ended_as = 'owner died'
    from ended where (c.year, c.month) = (ended.year, ended.month) and c.released_at is null
)
select year, month, status, retry_count, next_attempt_at, error_message from ended order by year, month;
