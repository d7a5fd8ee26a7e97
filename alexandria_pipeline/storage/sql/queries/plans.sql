-- The plans of keys, as the services report them.

-- name: find
-- The plan of a service for this key, and whether it was asked for within a day.
select service, plan_name, host, requests_per_second, daily_limit,
       asked_at > clock_timestamp() - interval '1 day' and asked_at <= clock_timestamp() + interval '1 hour' as fresh
from service_plan where service = %(service)s and key_digest = %(key_digest)s;

-- name: store
-- Stores the plan of a service.
insert into service_plan (service, plan_name, host, requests_per_second, daily_limit, key_digest)
values (%(service)s, %(plan_name)s, %(host)s, %(requests_per_second)s, %(daily_limit)s, %(key_digest)s)
on conflict (service) do update
set plan_name = excluded.plan_name, host = excluded.host, requests_per_second = excluded.requests_per_second,
    daily_limit = excluded.daily_limit, key_digest = excluded.key_digest, asked_at = excluded.asked_at;
