-- Calls per service and UTC day, by the clock of the database.

-- name: reserve
-- Takes so many calls from the day's quota, all or none; no row when they are not there. Cannot overshoot: the row is locked.
insert into quota_usage as q (service, day, used)
select %(service)s, (clock_timestamp() at time zone 'UTC')::date, %(calls)s where coalesce(%(limit)s::integer, %(calls)s) >= %(calls)s
on conflict (service, day) do update set used = q.used + excluded.used
where q.exhausted is null and (%(limit)s::integer is null or q.used + excluded.used <= %(limit)s)
returning day;

-- name: used
-- What is used of today, what the service said about it, the clock, and the calls of the last hour.
select clock_timestamp() as now, coalesce(q.used, 0) as used, q.exhausted, q.told, q.drift_percent, q.told_at,
       (select count(*) from api_call c
        where c.service = %(service)s and c.called_at > clock_timestamp() - interval '1 hour') as last_hour
from (select (clock_timestamp() at time zone 'UTC')::date as day) d
left join quota_usage q on q.service = %(service)s and q.day = d.day;

-- name: exhaust
-- The service says that its quota of the day is gone.
insert into quota_usage as q (service, day, exhausted) values (%(service)s, (clock_timestamp() at time zone 'UTC')::date, %(reason)s)
on conflict (service, day) do update set exhausted = excluded.exhausted;

-- name: lock_day
-- The day's row, held until the transaction ends, made when it is not there.
insert into quota_usage as q (service, day) values (%(service)s, (clock_timestamp() at time zone 'UTC')::date)
on conflict (service, day) do update set used = q.used
returning day, used, reconciled;

-- name: note_told
-- What the service's own counter says: it can raise our count, and never lowers it.
update quota_usage
set used = %(used)s, reconciled = %(reconciled)s, told = %(told)s, drift_percent = %(drift_percent)s, told_at = clock_timestamp()
where service = %(service)s and day = %(day)s;
