-- Alerts: one per cause, until the cause has ended.

-- name: raise
-- Raises an alert. No row if the cause is known, or if it happened before it last ended.
insert into alert (cause, title, text, severe, happened_at, kind, badness)
select %(cause)s, %(title)s, %(text)s, %(severe)s, %(at)s, %(kind)s, %(badness)s
where not exists (select from alert a where a.cause = %(cause)s and (a.over_at is null or a.over_at >= %(at)s))
on conflict (cause) where over_at is null do nothing
returning alert_id;

-- name: end
-- A cause has ended; an older end changes nothing.
update alert set over_at = %(at)s where cause = %(cause)s and over_at is null and happened_at <= %(at)s;

-- name: next_unsent
-- The oldest alert after this one that has not reached all receivers and does not wait for a digest, locked for this sender.
select alert_id, title, text, severe, reached, happened_at from alert
where sent_at is null and alert_id > %(after)s and alert_id <> all(%(held)s::bigint[])
order by alert_id limit 1 for update skip locked;

-- name: lock_digests
-- One sender collects digests at a time.
select pg_advisory_xact_lock(hashtext('alexandria.alerts'));

-- name: singles_sent
-- How many alerts of each kind were sent singly in the last day (to one receiver at least), and whether a digest of the kind was made.
select kind, count(*) filter (where cause not like 'digest:%%' and digest_id is null and (sent_at is not null or reached <> '{}')) as singles,
       bool_or(cause like 'digest:%%') as digest
from alert where coalesce(sent_at, first_seen_at) > now() - interval '1 day' and kind <> '' group by kind;

-- name: unsent
-- Alerts that no receiver has, by kind, oldest first. Those that a receiver has got stay single.
select alert_id, kind, title, text, severe, badness, happened_at, over_at is not null as is_over, now() - first_seen_at as age
from alert where sent_at is null and reached = '{}' and cause not like 'digest:%%' and kind <> ''
order by kind, alert_id;

-- name: add_digest
-- A digest in place of other alerts: its cause is over at once.
with digest as (
    insert into alert (cause, title, text, severe, happened_at, over_at, kind)
    values (%(cause)s, %(title)s, %(text)s, %(severe)s, %(at)s, %(at)s, %(kind)s) returning alert_id
)
update alert a set sent_at = clock_timestamp(), digest_id = digest.alert_id from digest where a.alert_id = any(%(members)s::bigint[]);

-- name: sent
-- All receivers have the alert.
update alert set sent_at = clock_timestamp(), attempts = attempts + 1, reached = %(reached)s, last_problem = null
where alert_id = %(alert_id)s;

-- name: not_sent
-- A receiver does not have the alert yet.
update alert set attempts = attempts + 1, reached = %(reached)s, last_problem = %(problem)s where alert_id = %(alert_id)s;

-- name: failed_months
-- Failed months, which are not tried again, with their last run.
select b.year, b.month, b.retry_count, b.error_message, b.claim, coalesce(b.last_retry_at, b.updated_at) as failed_at,
       (select s.run_id from stage_log s where (s.year, s.month) = (b.year, b.month) order by s.ended_at desc limit 1) as run_id
from backfill_log b where b.status = 'failed' order by b.year, b.month;

-- name: paused_services
-- Services whose breaker is not closed, and the time without a response: since the first failure after the last response, or
-- since the breaker opened (each failed probe opens it again, so `opened_at` alone is too late).
select h.service, h.openings, h.last_error, clock_timestamp() as now,
       coalesce((select min(c.called_at) from api_call c
                 where c.service = h.service and c.outcome in ('failed', 'refused')
                   and c.called_at > coalesce((select max(a.called_at) from api_call a
                                               where a.service = h.service and a.outcome in ('answered', 'empty')), '-infinity')),
                h.opened_at) as since
from provider_health h where h.breaker <> 'closed' order by h.service;
