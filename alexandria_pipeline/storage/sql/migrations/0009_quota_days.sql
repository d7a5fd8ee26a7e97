-- The quota day of a service ends at midnight in the service's own time zone. The zones are also in the declarations of the
-- services (`quota_zone`); a test compares both.

create function quota_zone(service text) returns text
language sql immutable as $$
    select case when service in ('google-books', 'gemini') then 'America/Los_Angeles' else 'UTC' end
$$;
comment on function quota_zone is 'The time zone in which the quota day of a service ends.';

create function quota_day(service text, at timestamptz) returns date
language sql stable as $$ select (at at time zone quota_zone(service))::date $$;
comment on function quota_day is 'The quota day of a service at a time: the date in the zone of the service.';

comment on table quota_usage is
    'Calls per service and quota day; each is reserved before it is made, by one statement that cannot exceed the limit.';
comment on column quota_usage.exhausted is
    'The message of the service when its quota was used up: it is not called again on this day, unless it is reopened.';
