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
-- Stores a review decision, with the books of the work as they are. Decisions are never changed or deleted; a newer one may follow.
insert into review_decision (work_id, isbn13, decision, decided_by, why, before)
values (%(work_id)s, %(isbn13)s, %(decision)s, %(decided_by)s, %(why)s,
        (select jsonb_agg(to_jsonb(g) - array['title', 'author', 'run_id', 'created_at']) from generated_book g
         where g.work_id = %(work_id)s));

-- name: withdraw
-- Withdraws a decision.
insert into review_decision (work_id, isbn13, decision, decided_by, undoes)
select work_id, isbn13, 'withdrawn', decided_by, review_id from review_decision where review_id = %(review_id)s;

-- name: decision
-- A decision that stands, with the key of its work, and whether it is the newest one of the work. It can be restored if the books of
-- the work are still those that it had then.
select d.review_id, d.work_id, w.work_key, d.isbn13, d.decision, d.decided_by, d.why,
       d.before is not null
           and not exists (select from generated_book g where g.work_id = d.work_id
                           and not d.before @> jsonb_build_array(jsonb_build_object('book_id', g.book_id))) as restorable,
       not exists (select from standing_decision n where n.work_id = d.work_id and n.review_id > d.review_id) as newest
from standing_decision d join enriched_works w using (work_id)
where d.review_id = %(review_id)s;

-- name: took_the_isbn
-- A row if books had the ISBN before a decision, or if the books before it are not known.
select true from review_decision
where review_id = %(review_id)s and (before is null or before @> jsonb_build_array(jsonb_build_object('isbn13', isbn13)));

-- name: last_decisions
-- The newest decisions of a person that stand, newest first.
select d.review_id, w.work_key, w.title, w.author, d.isbn13, d.decision, d.decided_at
from standing_decision d join enriched_works w using (work_id)
where d.decided_by = %(decided_by)s order by d.review_id desc limit %(most)s;

-- name: newest
-- The newest row about a work and who wrote it, withdrawals included.
select review_id, decided_by, decision, isbn13 from review_decision where work_id = %(work_id)s order by review_id desc limit 1;

-- name: restore_books
-- Gives the books of a work the outcomes that they had before a decision.
update generated_book g
set outcome = b.outcome, isbn13 = b.isbn13, provider = b.provider, confidence = b.confidence, reason = b.reason, decided_at = b.decided_at
from review_decision r
cross join lateral jsonb_to_recordset(r.before) as b (book_id bigint, outcome text, isbn13 text, provider text, confidence smallint,
                                                      reason text, decided_at timestamptz)
where r.review_id = %(review_id)s and g.book_id = b.book_id and g.work_id = r.work_id;

-- name: rejected_isbns
-- The ISBNs whose newest decision for a work is "rejected".
select isbn13
from (select distinct on (isbn13) isbn13, decision from standing_decision
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
       near.attempted_at, coalesce((select max(r.review_id) from review_decision r where r.work_id = o.work_id), 0) as seen,
       array(select distinct g.year || '-' || lpad(g.month::text, 2, '0') from generated_book g where g.work_id = o.work_id order by 1) as months
from open_works o
join lateral (
    select distinct on (a.provider) a.*
    from resolution_attempt a
    where a.work_id = o.work_id and a.outcome = 'rejected' and a.isbn13 is not null
    order by a.provider, a.attempt_id desc
) as near on near.confidence >= %(low)s or near.reason = %(ambiguous)s
where not exists (select from standing_decision r where r.work_id = o.work_id and r.isbn13 = near.isbn13)
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
