-- What people are told of: each cause once, until it is over.

-- name: note
-- A cause is seen. No row when it is known already, or when it happened before it was last seen to be over.
insert into alert (cause, title, text, severe, happened_at)
select %(cause)s, %(title)s, %(text)s, %(severe)s, %(at)s
where not exists (select from alert a where a.cause = %(cause)s and (a.over_at is null or a.over_at >= %(at)s))
on conflict (cause) where over_at is null do nothing
returning alert_id;

-- name: over
-- A cause is gone; an older sign of that changes nothing.
update alert set over_at = %(at)s where cause = %(cause)s and over_at is null and happened_at <= %(at)s;

-- name: next_unsent
-- The oldest alert after this one that has not reached everybody, held by this sender alone.
select alert_id, title, text, severe, reached from alert
where sent_at is null and alert_id > %(after)s
order by alert_id limit 1 for update skip locked;

-- name: sent
-- Everybody has it.
update alert set sent_at = clock_timestamp(), attempts = attempts + 1, reached = %(reached)s, last_problem = null
where alert_id = %(alert_id)s;

-- name: not_sent
-- Somebody does not have it yet.
update alert set attempts = attempts + 1, reached = %(reached)s, last_problem = %(problem)s where alert_id = %(alert_id)s;

-- name: counts
-- Alerts that were ever raised, and those that wait to be sent.
select count(*) as raised, count(*) filter (where sent_at is null) as waiting from alert;

-- name: failed_months
-- Months that nobody tries again, with the run that tried last.
select b.year, b.month, b.retry_count, b.error_message, b.claim, coalesce(b.last_retry_at, b.updated_at) as failed_at,
       (select s.run_id from stage_log s where (s.year, s.month) = (b.year, b.month) order by s.ended_at desc limit 1) as run_id
from backfill_log b where b.status = 'failed' order by b.year, b.month;

-- name: shut_services
-- Services whose breaker is not closed, and since when nothing has come back from them: since the first failure after the
-- last answer, or since the breaker opened (each failed probe opens it anew, so that alone would never be an hour).
select h.service, h.openings, h.last_error, clock_timestamp() as now,
       coalesce((select min(c.called_at) from api_call c
                 where c.service = h.service and c.outcome in ('failed', 'refused')
                   and c.called_at > coalesce((select max(a.called_at) from api_call a
                                               where a.service = h.service and a.outcome in ('answered', 'empty')), '-infinity')),
                h.opened_at) as since
from provider_health h where h.breaker <> 'closed' order by h.service;
