-- What people and programs that watch the backfill ask, and the two things they may change: which months are due.

-- name: months
-- Every month that has a row, with its books counted now; a month without books shows the figures of its last run.
select b.year, b.month, b.status, coalesce(g.books, b.books_generated) as books, coalesce(g.resolved, b.isbns_resolved) as resolved,
       b.isbns_queued as queued, b.retry_count, b.error_message as error, b.started_at, b.completed_at, b.next_attempt_at,
       b.owner_run, b.owner, b.updated_at
from backfill_log b
left join (select year, month, count(*) as books, count(*) filter (where outcome = 'resolved') as resolved
           from generated_book group by year, month) g using (year, month)
order by b.year, b.month;

-- name: calls
-- The ledger by service and outcome.
select service, outcome, count(*) as calls, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
       sum(cost_usd) as cost_usd
from api_call group by service, outcome order by service, outcome;

-- name: replies
-- What the kept answers of generators cost, as their own rows say.
select provider as service, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(cost_usd) as cost_usd
from generation_reply group by provider order by provider;

-- name: used_today
-- Calls of today's quota, service by service.
select service, used from quota_usage where day = (clock_timestamp() at time zone 'UTC')::date order by service;

-- name: due
-- The most recent of these months that may be started: pending (also without a row yet) and retries whose time has come;
-- with %(force)s also retries that still wait, and failed months.
select w.year, w.month
from unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month)
left join backfill_log b using (year, month)
where b.status is null or b.status = 'pending' or (b.status in ('retry', 'failed') and %(force)s)
   or (b.status = 'retry' and coalesce(b.next_attempt_at, now()) <= now())
order by w.year desc, w.month desc limit %(most)s;

-- name: schedule
-- Takes the same months and makes them due now: rows for those without, no more waiting, and a fresh start for failed ones.
-- A month that somebody is claiming at this moment is left out.
with picked as materialized (
    select w.year, w.month, b.status
    from unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month)
    left join backfill_log b using (year, month)
    where b.status is null or b.status = 'pending' or (b.status in ('retry', 'failed') and %(force)s)
       or (b.status = 'retry' and coalesce(b.next_attempt_at, now()) <= now())
    order by w.year desc, w.month desc limit %(most)s
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
-- Gives every month its row; only those that had none are returned.
insert into backfill_log (year, month)
select * from unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month)
on conflict do nothing
returning year, month;

-- name: answers
-- Whether anybody is there.
select 1 as alive;
