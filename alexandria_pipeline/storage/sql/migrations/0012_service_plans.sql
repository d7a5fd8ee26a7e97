-- The plans of keys, as the services report them: asked once a day, and used for host, rate and daily limit.

create table service_plan (
    service              text primary key,
    plan_name            text not null,
    host                 text,
    requests_per_second  double precision not null check (requests_per_second > 0),
    daily_limit          integer not null check (daily_limit >= 0),
    key_digest           text not null,
    asked_at             timestamptz not null default clock_timestamp()
);
comment on table service_plan is 'The plan of the key of each service that reports one. Settings override it.';
comment on column service_plan.key_digest is 'The first characters of a hash of the key: another key has another plan.';
