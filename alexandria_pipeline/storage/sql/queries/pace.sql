-- name: reserve
-- The next slot of a service is the caller's; returns how long to wait for it.
update provider_health
set next_slot_at = greatest(next_slot_at, hold_until, clock_timestamp() + make_interval(secs => %(lead)s)) + make_interval(secs => %(spacing)s)
where service = %(service)s
returning next_slot_at - make_interval(secs => %(spacing)s) as at,
          extract(epoch from next_slot_at - clock_timestamp())::float8 - %(spacing)s as wait;

-- name: push_back
-- Nobody asks the service for so many seconds.
insert into provider_health as h (service, hold_until) values (%(service)s, clock_timestamp() + make_interval(secs => %(seconds)s))
on conflict (service) do update set hold_until = greatest(h.hold_until, excluded.hold_until);
