-- name: states
-- The state of each service that was ever called. `is_open` is false during a probe (callers wait for its
-- result), and after the clock was set back (the next reservation corrects the times).
select h.service, h.breaker, h.failures, h.openings, h.last_error, coalesce(q.used, 0) as used, q.exhausted,
       coalesce(h.hold_until > clock_timestamp(), false) as on_hold,
       case h.breaker when 'open' then h.retry_at when 'half_open' then h.probe_until end as retry_at,
       h.breaker = 'open' and h.retry_at > clock_timestamp() and h.updated_at <= clock_timestamp() + interval '1 second' as is_open
from provider_health h
left join quota_usage q on q.service = h.service and q.day = quota_day(h.service, clock_timestamp())
where %(services)s::text[] is null or h.service = any(%(services)s)
order by h.service;

-- name: reopen
-- Ends everything that keeps a service closed: the circuit breaker, a pause, and a used-up quota that the service reported.
-- Returns what was closed; no row if the service was never called.
with before as materialized (
    select h.service, h.breaker, h.retry_at, h.hold_until > clock_timestamp() as paused, h.last_error,
           q.exhausted, q.day
    from provider_health h
    left join quota_usage q on q.service = h.service and q.day = quota_day(h.service, clock_timestamp())
    where h.service = %(service)s
    for update of h
), health as (
    update provider_health h
    set breaker = 'closed', failures = 0, openings = 0, opened_at = null, retry_at = null, probe_until = null, hold_until = null,
        last_error = null
    from before b where h.service = b.service
), quota as (
    update quota_usage q set exhausted = null from before b where q.service = b.service and q.day = b.day
)
select breaker, retry_at, coalesce(paused, false) as paused, last_error, exhausted from before;
