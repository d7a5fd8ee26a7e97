-- name: states
-- The state of each service that was ever called. `is_open` is false during a probe (callers wait for its
-- result), and after the clock was set back (the next reservation corrects the times).
select h.service, h.breaker, h.failures, h.openings, h.last_error, coalesce(q.used, 0) as used, q.exhausted,
       case h.breaker when 'open' then h.retry_at when 'half_open' then h.probe_until end as retry_at,
       h.breaker = 'open' and h.retry_at > clock_timestamp() and h.updated_at <= clock_timestamp() + interval '1 second' as is_open
from provider_health h
left join quota_usage q on q.service = h.service and q.day = (clock_timestamp() at time zone 'UTC')::date
where %(services)s::text[] is null or h.service = any(%(services)s)
order by h.service;
