-- What a person decided about near misses, and which work a call was made for.

create table review_decision (
    review_id    bigint generated always as identity primary key,
    work_id      bigint not null references enriched_works,
    isbn13       text check (isbn13 ~ '^97[89][0-9]{10}$'),
    decision     text not null check (decision in ('accepted', 'rejected')),
    decided_by   text not null check (decided_by <> ''),
    why          text not null default '',
    decided_at   timestamptz not null default clock_timestamp(),
    check (decision = 'rejected' or isbn13 is not null)
);
comment on table review_decision is
    'Every decision of a person about a work and an ISBN, for ever. Runs read it and never write it; the newest decision holds.';
comment on column review_decision.isbn13 is
    'Null: the work as a whole is no book that a service could know; it stays synthetic and is not asked for again.';
create index review_decision_work on review_decision (work_id, isbn13, review_id desc);

create view closed_work as
select distinct r.work_id
from review_decision r
where r.isbn13 is null
  and not exists (select from review_decision a where a.work_id = r.work_id and a.decision = 'accepted' and a.review_id > r.review_id);
comment on view closed_work is 'Works that a person rejected as a whole and gave no ISBN since: nobody asks for them.';

alter table api_call add column work_id bigint;
comment on column api_call.work_id is 'The work whose ISBN was looked for; a call that serves several works is noted with the first.';
create index api_call_work on api_call (work_id) where work_id is not null;

-- Near misses are looked for among the few attempts that came close, not among all.
create index resolution_attempt_near on resolution_attempt (work_id, attempt_id desc)
    where outcome = 'rejected' and isbn13 is not null;
