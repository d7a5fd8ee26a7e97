-- Works that still lack an ISBN: whose turn it is, and what follows for the months when one is found.
-- A month that a run owns is that run's business: it asks for its works itself.

-- name: take
-- Synthetic works whose turn it is and that no person has closed, oldest first, marked as tried from this moment: a run beside this one takes others.
with due as materialized (
    select w.work_id, w.last_tried_at
    from enriched_works w
    where w.synthetic and (w.last_tried_at is null or w.last_tried_at < now() - %(pause)s::interval)
      and w.work_id <> all(%(but)s::bigint[])
      and exists (select from generated_book g where g.work_id = w.work_id)
      and not exists (select from closed_work c where c.work_id = w.work_id)
      and not exists (select from generated_book g join backfill_log b using (year, month)
                      where g.work_id = w.work_id and b.status = 'processing')
    order by w.last_tried_at nulls first, w.work_id
    limit %(most)s
    for update of w skip locked
)
update enriched_works w set last_tried_at = clock_timestamp()
from due where w.work_id = due.work_id
returning w.work_id, due.last_tried_at as tried_before;

-- name: give_back
-- The work was not tried after all.
update enriched_works set last_tried_at = %(tried_before)s where work_id = %(work_id)s and synthetic;

-- name: books_of_works
-- The books, in all months, of works that are still synthetic and that no person has closed meanwhile.
select b.book_id, b.year, b.month, b.title, b.author, b.outcome, b.work_id, b.reason, w.work_key,
       coalesce(array_agg(distinct i) filter (where i is not null), '{}') as isbns
from generated_book b
join enriched_works w using (work_id)
left join generated_listing l using (book_id)
left join lateral unnest(l.isbns) as i on true
where b.work_id = any(%(work_ids)s) and w.synthetic and not exists (select from closed_work c where c.work_id = w.work_id)
group by b.book_id, w.work_id
order by b.work_id, b.year, b.month, b.book_id;

-- name: one_writer
-- One enhancement stores at a time, so that two of them do not find each other's months busy.
select pg_advisory_xact_lock(hashtext('alexandria.enhancement'));

-- name: free_months
-- Those of the months that no run owns or looks at, held until the transaction ends. A run's lock is looked for, not taken
-- (a month's lock is a small bigint key: see `orphans` in recovery.sql): the row that is locked here keeps runs off.
select b.year, b.month
from backfill_log b
join unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month) using (year, month)
where b.status <> 'processing' and not exists (
    select from pg_locks l
    where l.locktype = 'advisory' and l.granted and l.database = (select oid from pg_database where datname = current_database())
      and l.classid = 0 and l.objid = (b.year * 100 + b.month)::oid and l.objsubid = 1)
order by b.year, b.month
for update of b skip locked;

-- name: recount
-- The figures of months, from the books themselves, as at the end of a run.
update backfill_log b
set books_generated = f.generated, isbns_resolved = f.resolved, isbns_queued = least(f.waiting, f.resolved),
    resolution_rate = coalesce(round(100.0 * f.resolved / nullif(f.generated, 0), 2), 0),
    isbndb_calls = f.isbndb, gemini_calls = f.gemini, xai_calls = f.xai, updated_at = now()
from unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month)
cross join lateral (
    select count(*) as generated, count(*) filter (where g.outcome = 'resolved') as resolved,
           count(distinct g.isbn13) filter (where g.outcome = 'resolved' and not exists (
               select from enrichment_log e where e.isbn13 = g.isbn13)) as waiting
    from generated_book g where (g.year, g.month) = (w.year, w.month)
) as books
cross join lateral (
    select count(*) filter (where service = 'isbndb') as isbndb, count(*) filter (where service = 'gemini') as gemini,
           count(*) filter (where service = 'xai') as xai
    from api_call c where (c.year, c.month) = (w.year, w.month)
) as calls
cross join lateral (select books.*, calls.*) as f
where (b.year, b.month) = (w.year, w.month);

-- name: resolved_elsewhere
-- Books without an ISBN whose work has got one through another month, in months that no run owns.
select b.book_id, b.year, b.month, w.isbn13, w.confidence, w.resolved_by
from generated_book b
join enriched_works w using (work_id)
join backfill_log m on (m.year, m.month) = (b.year, b.month) and m.status not in ('processing', 'pending')
where b.outcome in ('deferred', 'not_found') and not w.synthetic
order by b.year, b.month, b.book_id;

-- name: waiting
-- Synthetic works, and those of them whose turn it is.
select count(*) as synthetic,
       count(*) filter (where (last_tried_at is null or last_tried_at < now() - %(pause)s::interval)
                          and not exists (select from closed_work c where c.work_id = w.work_id)) as due
from enriched_works w where synthetic;
