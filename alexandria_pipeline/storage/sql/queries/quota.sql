-- Calls per service and quota day, by the clock of the database.

-- name: used
-- The calls of today, what the service reported about them, the time, and the calls of the last hour.
select clock_timestamp() as now, coalesce(q.used, 0) as used, q.exhausted, q.told, q.drift_percent, q.told_at,
       (select count(*) from api_call c
        where c.service = %(service)s and c.called_at between clock_timestamp() - interval '1 hour' and clock_timestamp() + interval '1 hour') as last_hour
from (select quota_day(%(service)s, clock_timestamp()) as day) d
left join quota_usage q on q.service = %(service)s and q.day = d.day;

-- name: exhaust
-- Marks the day's quota as used up.
insert into quota_usage as q (service, day, exhausted) values (%(service)s, quota_day(%(service)s, clock_timestamp()), %(reason)s)
on conflict (service, day) do update set exhausted = excluded.exhausted;

-- name: lock_day
-- Today's row, created if it is missing, locked until the transaction ends.
insert into quota_usage as q (service, day) values (%(service)s, quota_day(%(service)s, clock_timestamp()))
on conflict (service, day) do update set used = q.used
returning day, used, reconciled;

-- name: store_reported
-- Stores the service's own count. It can raise our count and never lowers it.
update quota_usage
set used = %(used)s, reconciled = %(reconciled)s, told = %(reported)s, drift_percent = %(drift_percent)s, told_at = clock_timestamp()
where service = %(service)s and day = %(day)s;
