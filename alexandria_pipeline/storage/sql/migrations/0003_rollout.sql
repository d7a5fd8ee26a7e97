-- The rollout: what operators have decided, and which months were asked to be run, by whom and when.

create table rollout_decision (
    decision_id  bigint generated always as identity primary key,
    kind         text not null check (kind in ('approve', 'hold', 'release')),
    phase        text,
    decided_by   text not null check (decided_by <> ''),
    why          text not null,
    seen         text not null default '',
    decided_at   timestamptz not null,
    check ((kind = 'approve') = (phase is not null)),
    check (kind = 'release' or why <> '')
);
comment on table rollout_decision is 'Overrides by people: who let a phase go past its gate, or stopped the rollout, when and why.';
comment on column rollout_decision.seen is 'What the gate said at that moment.';

create table rollout_start (
    year          smallint not null,
    month         smallint not null,
    attempt       smallint not null check (attempt >= 1),
    claim         bigint not null,
    phase         text not null,
    requested_by  text not null,
    requested_at  timestamptz not null,
    primary key (year, month, attempt),
    foreign key (year, month) references backfill_log
);
comment on table rollout_start is 'Every request of the rollout that a month be run: the count of the day''s months, and the key that makes a repeat harmless.';
comment on column rollout_start.claim is 'The month''s claim number when it was requested; once the month has another one, the request has been answered.';
