-- Queries of the monitoring application, and its two changes: months become due or get their row.

-- name: months
-- All months with their current books; a month without books shows the figures of its last run.
select b.year, b.month, b.status, coalesce(g.books, b.books_generated) as books, coalesce(g.resolved, b.isbns_resolved) as resolved,
       coalesce(g.deferred, 0) as deferred, b.isbns_queued as queued, b.retry_count, b.error_message as error, b.started_at, b.completed_at, b.next_attempt_at,
       b.owner_run, b.owner, b.updated_at
from backfill_log b
left join (select year, month, count(*) as books, count(*) filter (where outcome = 'resolved') as resolved,
           count(*) filter (where outcome = 'deferred') as deferred
           from generated_book group by year, month) g using (year, month)
order by b.year, b.month;

-- name: calls
-- The ledger by service and outcome.
select service, outcome, sum(calls)::bigint as calls, sum(input_tokens)::bigint as input_tokens, sum(output_tokens)::bigint as output_tokens,
       coalesce(sum(cost_usd), 0) as cost_usd, sum(unpriced)::bigint as unpriced
from ledger_total group by service, outcome order by service, outcome;

-- name: replies
-- The cost of stored replies.
select provider as service, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, coalesce(sum(cost_usd), 0) as cost_usd,
       count(*) filter (where cost_usd is null) as unpriced
from generation_reply group by provider order by provider;

-- name: used_today
-- The calls of today by service.
select service, used from quota_usage where day = quota_day(service, clock_timestamp()) order by service;

-- name: due
-- The most recent of these months that may start: pending (with or without a row) and due retries (a time beyond
-- the longest back-off comes from a clock that was set back); with %(force)s also
-- waiting retries and failed months.
select w.year, w.month
from unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month)
left join backfill_log b using (year, month)
where b.status is null or b.status = 'pending' or (b.status in ('retry', 'failed') and %(force)s)
   or (b.status = 'retry' and (b.next_attempt_at > now() and b.next_attempt_at <= now() + %(max_backoff)s) is not true)
order by w.year desc, w.month desc limit %(limit)s;

-- name: schedule
-- Makes the same months due now: adds missing rows, ends waiting, and resets failed months. Skips a month that a run is
-- claiming at this moment.
with picked as materialized (
    select w.year, w.month, b.status
    from unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month)
    left join backfill_log b using (year, month)
    where b.status is null or b.status = 'pending' or (b.status in ('retry', 'failed') and %(force)s)
       or (b.status = 'retry' and (b.next_attempt_at > now() and b.next_attempt_at <= now() + %(max_backoff)s) is not true)
    order by w.year desc, w.month desc limit %(limit)s
), made as (
    insert into backfill_log (year, month) select year, month from picked where status is null
    on conflict do nothing
    returning year, month
), free as materialized (
    select b.year, b.month
    from backfill_log b join picked p on (b.year, b.month, b.status) = (p.year, p.month, p.status)
    order by b.year, b.month
    for update of b skip locked
), marked as (
    update backfill_log b
    set retry_count = case b.status when 'failed' then 0 else b.retry_count end,
        status = case b.status when 'failed' then 'retry' else b.status end, next_attempt_at = null, updated_at = now()
    from free f
    where (b.year, b.month) = (f.year, f.month) and (b.status = 'failed' or b.next_attempt_at is not null)
)
select year, month from made union all select year, month from free order by year desc, month desc;

-- name: seed
-- Adds missing rows and returns their months.
insert into backfill_log (year, month)
select * from unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month)
on conflict do nothing
returning year, month;

-- name: answers
-- Whether the database responds.
select 1 as alive;
