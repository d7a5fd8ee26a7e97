-- Alerts: what people were told, so that nobody is told twice and nothing is forgotten.

create table alert (
    alert_id      bigint generated always as identity primary key,
    cause         text not null check (cause <> ''),
    title         text not null,
    text          text not null,
    severe        boolean not null default true,
    happened_at   timestamptz not null,
    first_seen_at timestamptz not null default clock_timestamp(),
    over_at       timestamptz,
    attempts      integer not null default 0 check (attempts >= 0),
    reached       text[] not null default '{}',
    last_problem  text,
    sent_at       timestamptz
);
comment on table alert is 'One row per cause that somebody is to know of. Inserted first, sent then: what is not sent yet is tried again.';
comment on column alert.over_at is 'When the cause was seen to be gone; the same cause after that is a new one.';
comment on column alert.reached is 'Receivers that have it, as digests of their addresses: each gets it once, however often others fail.';
create unique index alert_cause on alert (cause) where over_at is null;
create index alert_causes on alert (cause, over_at);
create index alert_unsent on alert (alert_id) where sent_at is null;
