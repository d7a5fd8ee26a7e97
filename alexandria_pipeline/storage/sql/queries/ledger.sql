-- The ledger of calls: one statement before each attempt and one after it.
-- Both wait for the disk, so that a crash of the database loses no counted call and no response.

-- name: reserve
-- Reserves one attempt: the breaker is closed or due for a probe, the quota of the day has a call left, the rate limit has
-- a slot, and the ledger gets its row. All or nothing, in this order. `refused_by` names what refused; `clock`: the clock was
-- set back, see `clock_set_back`. No row: the service is not in provider_health yet. The call counts for the day of its slot.
-- Services that share an allowance lock all their rows, in one order, and keep a distance from each other's latest slot.
with sharing as materialized (
    select * from provider_health where service = any(%(sharing)s::text[]) order by service for update
), health as materialized (
    select h.*, breaker = 'closed' or coalesce(case breaker when 'open' then retry_at else probe_until end, '-infinity') <= clock_timestamp()
               as passes,
           updated_at > clock_timestamp() + interval '1 second' as set_back,
           greatest(next_slot_at, hold_until, clock_timestamp() + make_interval(secs => %(lead)s),
                    (select max(greatest(o.last_slot_at + make_interval(secs => %(shared_spacing)s), o.hold_until)) from sharing o
                     where o.service <> %(service)s and o.updated_at <= clock_timestamp() + interval '1 second')) as at
    from sharing h where service = %(service)s
), gate as materialized (
    select *, quota_day(service, at) as slot_day from health
), counted as (
    insert into quota_usage as q (service, day, used)
    select service, slot_day, 1 from gate where passes and not set_back and coalesce(%(safe_limit)s::integer, 1) >= 1
    on conflict (service, day) do update set used = q.used + 1
    where q.exhausted is null and (%(safe_limit)s::integer is null or q.used < %(safe_limit)s)
    returning day
), slot as (
    update provider_health h
    set next_slot_at = gate.at + make_interval(secs => %(spacing)s), last_slot_at = gate.at,
        breaker = case h.breaker when 'closed' then 'closed' else 'half_open' end,
        probe_until = case when h.breaker <> 'closed' then clock_timestamp() + make_interval(secs => %(probe_seconds)s) end,
        updated_at = clock_timestamp()
    from counted, gate
    where h.service = %(service)s
    returning h.next_slot_at - make_interval(secs => %(spacing)s) as at, h.delayed
), opened as (
    insert into api_call (service, operation, year, month, stage, run_id, work_id, method, url, attempt, called_at)
    select %(service)s, %(purpose)s, %(year)s, %(month)s, %(stage)s, %(run_id)s, %(work_id)s, %(method)s, %(url)s, %(number)s, at from slot
    returning call_id
)
select call_id, slot.at, slot.delayed, day, gate.breaker <> 'closed' as probe, extract(epoch from slot.at - clock_timestamp())::float8 as wait,
       case when set_back then 'clock' when passes then case when day is null then 'quota' end
            when gate.breaker = 'half_open' then 'probe' else 'breaker' end as refused_by,
       greatest(gate.retry_at, gate.probe_until) as retry_at, gate.last_error
from gate left join counted on true left join slot on true left join opened on true;

-- name: ensure
-- Adds the row of a service before its first call.
insert into provider_health (service) values (%(service)s) on conflict do nothing;

-- name: clock_set_back
-- The clock of the database was set back: the row of the service was changed in what is now the future. Moves its times by the
-- same step, limits what lies ahead, and counts the calls of future days for today, when they were really made.
with ahead as materialized (
    select service, updated_at - clock_timestamp() as step, quota_day(service, clock_timestamp()) as today
    from provider_health
    where service = %(service)s and updated_at > clock_timestamp() + interval '1 second'
    for update
), health as (
    update provider_health h
    set next_slot_at = h.next_slot_at - step, last_slot_at = h.last_slot_at - step, hold_until = least(h.hold_until, clock_timestamp() + make_interval(secs => %(max_pause)s)),
        retry_at = least(h.retry_at, clock_timestamp() + make_interval(secs => %(max_cooldown)s)),
        probe_until = least(h.probe_until, clock_timestamp()), updated_at = clock_timestamp()
    from ahead where h.service = ahead.service
), future as (
    delete from quota_usage q using ahead where q.service = ahead.service and q.day > today
    returning q.used
)
insert into quota_usage as q (service, day, used)
select service, today, (select coalesce(sum(used), 0) from future) from ahead
on conflict (service, day) do update set used = q.used + excluded.used;

-- name: check
-- A slot shortly before its time: the remaining wait, whether a pause or midnight cancelled it, and whether the breaker has opened.
select at, extract(epoch from at - clock_timestamp())::float8 as wait, delayed,
       coalesce(hold_until > %(at)s, false) or quota_day(service, at) <> %(day)s as cancelled,
       breaker <> 'closed' and not %(probe)s as breaker_open, retry_at
from provider_health, lateral (select %(at)s + make_interval(secs => greatest(0, delayed - %(delayed)s))) moved (at)
where service = %(service)s;

-- name: renew
-- Another slot for an attempt whose slot was cancelled. If it is on another day, the call counts for that day instead; no row
-- if the quota of that day is used up.
with sharing as materialized (
    select * from provider_health where service = any(%(sharing)s::text[]) order by service for update
), gate as materialized (
    select service,
           greatest(next_slot_at, hold_until, clock_timestamp() + make_interval(secs => %(lead)s),
                    (select max(greatest(o.last_slot_at + make_interval(secs => %(shared_spacing)s), o.hold_until)) from sharing o
                     where o.service <> %(service)s and o.updated_at <= clock_timestamp() + interval '1 second')) as at
    from sharing where service = %(service)s
), dated as materialized (
    select *, quota_day(service, at) as slot_day from gate
), counted as (
    insert into quota_usage as q (service, day, used)
    select service, slot_day, 1 from dated where slot_day <> %(day)s and coalesce(%(safe_limit)s::integer, 1) >= 1
    on conflict (service, day) do update set used = q.used + 1
    where q.exhausted is null and (%(safe_limit)s::integer is null or q.used < %(safe_limit)s)
    returning day
), granted as materialized (
    select * from dated where slot_day = %(day)s or exists (select from counted)
), uncounted as (
    update quota_usage q set used = greatest(q.used - 1, 0)
    from granted g where q.service = g.service and q.day = %(day)s and g.slot_day <> %(day)s
), slot as (
    update provider_health h
    set next_slot_at = g.at + make_interval(secs => %(spacing)s), last_slot_at = g.at, updated_at = greatest(updated_at, clock_timestamp())
    from granted g where h.service = g.service
    returning g.at, g.slot_day, h.delayed
), moved as (
    update api_call c set called_at = at from slot where call_id = %(call_id)s
)
select at, slot_day as day, delayed, extract(epoch from at - clock_timestamp())::float8 as wait from slot;

-- name: postpone_later
-- A request was sent late: all later slots move by the same time, minus what they have been moved since.
update provider_health
set next_slot_at = next_slot_at + make_interval(secs => greatest(0, %(late)s - (delayed - %(delayed)s))),
    delayed = delayed + greatest(0, %(late)s - (delayed - %(delayed)s))
where service = %(service)s;

-- name: release
-- Nothing was sent: removes the row and the count of the attempt, and lets another call be the probe.
with gone as (
    delete from api_call where call_id = %(call_id)s and outcome = 'sent' returning service
), uncounted as (
    update quota_usage q set used = greatest(used - 1, 0) from gone where (q.service, q.day) = (gone.service, %(day)s)
)
update provider_health h set probe_until = clock_timestamp()
from gone where h.service = gone.service and %(probe)s and h.breaker = 'half_open';

-- name: record
-- Stores how an attempt ended: its row, the breaker, a pause, an exhausted quota, and the response to cache.
-- The row of a healthy service is not touched, so that results do not queue behind reservations.
with gate as materialized (
    select * from provider_health
    where service = %(service)s
      and (%(healthy)s::boolean is not true or %(pause)s::float8 is not null or %(open_breaker)s::float8 is not null
           or breaker <> 'closed' or failures > 0 or openings > 0)
    for update
), decision as (
    select *,
           %(open_breaker)s::float8 is not null
           or (%(healthy)s::boolean is false and ((breaker = 'closed' and failures + 1 >= %(max_failures)s)
                                                  or (breaker = 'half_open' and %(probe)s))) as opens,
           %(healthy)s::boolean is true and breaker <> 'open' as closes
    from gate
), next as (
    select service, opens, closes,
           case when opens then 'open' when closes then 'closed' else breaker end as breaker,
           case when closes then 0 when %(healthy)s::boolean is false and breaker = 'closed' then failures + 1 else failures end as failures,
           case when opens then openings + 1 when closes then 0 else openings end as openings,
           clock_timestamp() + make_interval(secs => coalesce(%(open_breaker)s::float8,
               least(%(max_cooldown)s, %(cooldown)s * 2 ^ least(openings, 20)))) as retry_at
    from decision
), health as (
    update provider_health h
    set breaker = n.breaker, failures = n.failures, openings = n.openings,
        opened_at = case when opens then clock_timestamp() when closes then null else h.opened_at end,
        retry_at = case when opens then greatest(h.retry_at, n.retry_at) when closes then null else h.retry_at end,
        probe_until = case when opens or closes then null when %(probe)s then clock_timestamp() else h.probe_until end,
        last_error = case when %(healthy)s::boolean is false then %(reason)s else h.last_error end,
        hold_until = greatest(h.hold_until, clock_timestamp() + make_interval(secs => %(pause)s::float8)),
        updated_at = greatest(h.updated_at, clock_timestamp())
    from next n
    where h.service = n.service
), spent as (
    insert into quota_usage as q (service, day, exhausted)
    select %(service)s, %(day)s::date, %(reason)s where %(exhausted)s
    on conflict (service, day) do update set exhausted = excluded.exhausted
), cached as (
    insert into http_cache (cache_key, service, status, negative, body, expires_at)
    select %(key)s, %(service)s, %(status)s, %(negative)s, %(body)s::bytea, clock_timestamp() + make_interval(secs => %(ttl)s)
    where %(key)s::text is not null
    on conflict (cache_key) do update
    set status = excluded.status, negative = excluded.negative, body = excluded.body, stored_at = excluded.stored_at,
        expires_at = excluded.expires_at
)
update api_call
set outcome = %(outcome)s, status = %(status)s, error = %(reason)s, latency_ms = %(latency_ms)s, bytes = %(size)s,
    input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s, cost_usd = %(cost_usd)s
where call_id = %(call_id)s and service = %(service)s and outcome = 'sent'
  and called_at between %(day)s::date - interval '2 days' and %(day)s::date + interval '3 days';
