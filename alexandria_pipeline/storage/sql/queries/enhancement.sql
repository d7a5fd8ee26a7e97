-- Synthetic works that are due for another search, and the months that change when one is found.
-- Works of a month that a run owns are left to that run.

-- name: take
-- A time in the future comes from a clock that was set back. Takes due synthetic works that no person has closed, oldest first, and marks them as tried now: another run takes others.
with due as materialized (
    select w.work_id, w.last_tried_at
    from enriched_works w
    where w.synthetic and (w.last_tried_at is null or w.last_tried_at < now() - %(pause)s::interval
                           or w.last_tried_at > now() + interval '1 day')
      and w.work_id <> all(%(except_ids)s::bigint[])
      and exists (select from generated_book g where g.work_id = w.work_id)
      and not exists (select from closed_work c where c.work_id = w.work_id)
      and not exists (select from generated_book g join backfill_log b using (year, month)
                      where g.work_id = w.work_id and b.status = 'processing')
    order by w.last_tried_at nulls first, w.work_id
    limit %(limit)s
    for update of w skip locked
)
update enriched_works w set last_tried_at = clock_timestamp()
from due where w.work_id = due.work_id
returning w.work_id, due.last_tried_at as tried_before;

-- name: return_work
-- The work was not tried after all: restores its place in the queue.
update enriched_works set last_tried_at = %(tried_before)s where work_id = %(work_id)s and synthetic;

-- name: books_of_works
-- The books, in all months, of works that are still synthetic and that no person has closed.
select b.book_id, b.year, b.month, b.title, b.author, b.outcome, b.work_id, b.reason, w.work_key,
       listed_isbns(b.book_id) as isbns
from generated_book b
join enriched_works w using (work_id)
where b.work_id = any(%(work_ids)s) and w.synthetic and not exists (select from closed_work c where c.work_id = w.work_id)
order by b.work_id, b.year, b.month, b.book_id;

-- name: one_writer
-- One enhancement stores at a time, so that two of them do not block each other's months.
select pg_advisory_xact_lock(hashtext('alexandria.enhancement'));

-- name: free_months
-- The months that no run owns or checks, locked until the transaction ends. The advisory lock of a run is only searched for
-- (see `orphans` in recovery.sql); the row lock taken here keeps runs away.
select b.year, b.month
from backfill_log b
join unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month) using (year, month)
where b.status <> 'processing' and not exists (
    select from pg_locks l
    where l.locktype = 'advisory' and l.granted and l.database = (select oid from pg_database where datname = current_database())
      and l.classid = 0 and l.objid = (b.year * 100 + b.month)::oid and l.objsubid = 1)
order by b.year, b.month
for update of b skip locked;

-- name: months_resolved_elsewhere
-- Months that no run owns, with books without an ISBN whose work has one through another month.
select distinct b.year, b.month
from generated_book b
join enriched_works w using (work_id)
join backfill_log m on (m.year, m.month) = (b.year, b.month) and m.status not in ('processing', 'pending')
where b.outcome in ('deferred', 'not_found') and not w.synthetic
order by b.year, b.month;

-- name: lock_resolved
-- Locks the resolved works of a month's books that have no ISBN, in the order of their ids.
select w.work_id from enriched_works w
where not w.synthetic and w.work_id in (
    select b.work_id from generated_book b
    where b.year = %(year)s and b.month = %(month)s and b.outcome in ('deferred', 'not_found'))
order by w.work_id
for update;

-- name: settle_month
-- Gives these books the ISBN of their work.
update generated_book b
set outcome = 'resolved', isbn13 = w.isbn13, provider = w.resolved_by, confidence = w.confidence, reason = %(reason)s,
    decided_at = clock_timestamp()
from enriched_works w
where w.work_id = b.work_id and not w.synthetic and b.work_id = any(%(work_ids)s)
  and b.year = %(year)s and b.month = %(month)s and b.outcome in ('deferred', 'not_found');

-- name: waiting
-- The number of synthetic works, and of those that are due.
select count(*) as synthetic,
       count(*) filter (where (last_tried_at is null or last_tried_at < now() - %(pause)s::interval
                                  or last_tried_at > now() + interval '1 day')
                          and not exists (select from closed_work c where c.work_id = w.work_id)) as due
from enriched_works w where synthetic;
