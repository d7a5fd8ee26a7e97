-- The state that a rollout plan depends on, and the starts and decisions of operators. Times are parameters, for tests.

-- name: lock
-- One planner at a time; released at the end of the transaction. The number is arbitrary but fixed.
select pg_advisory_xact_lock(4148102023);

-- name: now
-- The database's clock, the same for all processes.
select clock_timestamp() as now;

-- name: months
-- All months: status, current books, the calls of the run that owns the month, and the services that owe answers to its deferred
-- books: those whose newest attempt for a book was none.
select b.year, b.month, b.status, b.next_attempt_at, b.claim, b.completed_at, coalesce(d.deferred, 0) as deferred,
       coalesce(d.waits_for, '{}') as waits_for, coalesce(g.generated, 0) as generated, coalesce(g.resolved, 0) as resolved,
       case when b.status = 'processing'
            then (select count(*) from api_call c
                  where (c.year, c.month) = (b.year, b.month) and c.service = %(service)s and c.called_at >= b.started_at)
            else 0 end as calls
from backfill_log b
left join (
    select year, month, count(*) as generated, count(*) filter (where outcome = 'resolved') as resolved
    from generated_book group by year, month
) g using (year, month)
left join (
    select g.year, g.month, count(distinct g.book_id)::int as deferred,
           array_agg(distinct a.provider order by a.provider) filter (where a.provider is not null) as waits_for
    from generated_book g
    left join lateral (
        select distinct on (provider) provider, outcome from resolution_attempt r
        where r.work_id = g.work_id order by provider, attempt_id desc
    ) a on a.outcome in ('unavailable', 'failed')
    where g.outcome = 'deferred'
    group by g.year, g.month
) d using (year, month)
order by b.year, b.month;

-- name: unavailable
-- The services that cannot be called at this time: circuit breaker open, pause requested, or quota of the day used up.
select h.service
from provider_health h
left join quota_usage q on q.service = h.service and q.day = quota_day(h.service, %(at)s)
left join unnest(%(services)s::text[], %(limits)s::integer[]) as l (service, safe) on l.service = h.service
where (h.breaker <> 'closed' and h.retry_at > %(at)s) or h.hold_until > %(at)s or q.exhausted is not null or q.used >= l.safe
order by h.service;

-- name: starts
-- All starts.
select year, month, attempt, claim, phase, requested_by, requested_at from rollout_start order by year, month, attempt;

-- name: decisions
-- All operator decisions, in order.
select kind, phase, decided_by, why, seen, decided_at from rollout_decision order by decision_id;

-- name: usage
-- The service's calls of a day: as the quota counts them, and those made by runs of months (the daily enhancement has the
-- purpose `cron`); and the average of the most recent months that made calls.
select coalesce((select used from quota_usage where service = %(service)s and day = %(day)s), 0) as used,
       (select exhausted from quota_usage where service = %(service)s and day = %(day)s) as exhausted,
       (select count(*) from api_call
        where service = %(service)s and called_at >= %(since)s and called_at < %(until)s
          and year is not null and operation <> 'cron') as for_months,
       (select avg(isbndb_calls)::float8 from (
            select isbndb_calls from backfill_log where status = 'completed' and isbndb_calls > 0
            order by completed_at desc limit %(recent)s) as recent_months) as per_month;

-- name: ensure
-- Adds the row of a month.
insert into backfill_log (year, month) values (%(year)s, %(month)s) on conflict do nothing;

-- name: record
-- Stores a start; the same one again changes nothing.
insert into rollout_start (year, month, attempt, claim, phase, requested_by, requested_at)
values (%(year)s, %(month)s, %(attempt)s, %(claim)s, %(phase)s, %(by)s, %(at)s)
on conflict do nothing;

-- name: decide
-- Stores an operator decision.
insert into rollout_decision (kind, phase, decided_by, why, seen, decided_at)
values (%(kind)s, %(phase)s, %(by)s, %(why)s, %(seen)s, %(at)s);
