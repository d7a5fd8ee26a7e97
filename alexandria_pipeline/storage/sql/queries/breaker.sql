-- name: states
-- Where each service that was ever asked stands now; no line for one that never was. While one request finds out whether
-- a service is back, it is not shut: who asks waits for what that one finds.
select h.service, h.breaker, h.failures, h.openings, h.last_error, coalesce(q.used, 0) as used, q.exhausted,
       case h.breaker when 'open' then h.retry_at when 'half_open' then h.probe_until end as retry_at,
       h.breaker = 'open' and h.retry_at > clock_timestamp() as shut
from provider_health h
left join quota_usage q on q.service = h.service and q.day = (clock_timestamp() at time zone 'UTC')::date
where %(services)s::text[] is null or h.service = any(%(services)s)
order by h.service;

-- name: reset
-- A person says that the service is well.
update provider_health
set breaker = 'closed', failures = 0, openings = 0, opened_at = null, retry_at = null, probe_until = null, hold_until = null,
    last_error = null, updated_at = clock_timestamp()
where service = %(service)s;
