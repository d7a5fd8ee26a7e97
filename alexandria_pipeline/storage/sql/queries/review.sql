-- name: work
-- The work of a key, or of the key of a work merged into it.
select work_id, work_key, title, author, synthetic, isbn13, resolved_by
from enriched_works
where work_id = (select work_id from enriched_works where work_key = %(work_key)s
                 union all select work_id from work_alias where work_key = %(work_key)s limit 1);

-- name: months
-- The months whose lists contain a work.
select distinct year, month from generated_book where work_id = %(work_id)s order by year, month;

-- name: lock_months
-- Locks months against runs until the transaction ends, without waiting; returns those that a run owns.
with wanted as (
    select * from unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month)
), free as materialized (
    select b.year, b.month from backfill_log b join wanted using (year, month) for update of b skip locked
), held as materialized (
    select year, month from free where pg_try_advisory_xact_lock(year * 100 + month)
)
select year, month from wanted except select year, month from held order by year, month;

-- name: decide
-- Stores a review decision. Decisions are never changed or deleted; a newer one may follow.
insert into review_decision (work_id, isbn13, decision, decided_by, why)
values (%(work_id)s, %(isbn13)s, %(decision)s, %(decided_by)s, %(why)s);

-- name: rejected_isbns
-- The ISBNs whose newest decision for a work is "rejected".
select isbn13
from (select distinct on (isbn13) isbn13, decision from review_decision
      where work_id = %(work_id)s and isbn13 is not null order by isbn13, review_id desc) as newest
where decision = 'rejected';

-- name: near_misses
-- Synthetic works with a near miss: the newest rejected attempt of each service, unless a person has decided.
with open_works as (
    select w.work_id, w.work_key, w.title, w.author
    from enriched_works w
    where w.synthetic
      and exists (select from resolution_attempt a
                  where a.work_id = w.work_id and a.outcome = 'rejected' and a.isbn13 is not null)
      and not exists (select from closed_work c where c.work_id = w.work_id)
)
select o.work_id, o.work_key, o.title, o.author, near.provider, near.isbn13, near.confidence, near.reason, near.evidence, near.candidate,
       near.attempted_at,
       array(select distinct g.year || '-' || lpad(g.month::text, 2, '0') from generated_book g where g.work_id = o.work_id order by 1) as months
from open_works o
join lateral (
    select distinct on (a.provider) a.*
    from resolution_attempt a
    where a.work_id = o.work_id and a.outcome = 'rejected' and a.isbn13 is not null
    order by a.provider, a.attempt_id desc
) as near on near.confidence >= %(low)s or near.reason = %(ambiguous)s
where not exists (select from review_decision r where r.work_id = o.work_id and r.isbn13 = near.isbn13)
order by near.confidence desc nulls last, o.work_id, near.attempt_id;

-- name: candidates
-- The newest attempt in which a service offered this ISBN for the work.
select provider, candidate from resolution_attempt
where work_id = %(work_id)s and (isbn13 = %(isbn13)s or candidate -> 'runner_up' ->> 'isbn13' = %(isbn13)s)
order by attempt_id desc limit 1;

-- name: settle_books
-- Sets the outcome of all books of a work.
update generated_book
set outcome = %(outcome)s, isbn13 = %(isbn13)s, provider = %(provider)s, confidence = %(confidence)s, reason = %(reason)s,
    decided_at = clock_timestamp()
where work_id = %(work_id)s;

-- name: demote
-- The ISBN of the work was wrong: the work is synthetic again.
update enriched_works
set synthetic = true, isbn13 = null, confidence = null, resolved_by = null, resolved_at = null, updated_at = now()
where work_id = %(work_id)s and isbn13 = %(isbn13)s;

-- name: delete_edition
-- After `demote`: another work can have the ISBN.
delete from enriched_editions where isbn13 = %(isbn13)s and work_id = %(work_id)s;
