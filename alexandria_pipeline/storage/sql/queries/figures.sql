-- name: of_months
-- Books and works of each month: generated, resolved, works, still synthetic, and books without a work.
select g.year, g.month, count(*) as generated, count(*) filter (where g.outcome = 'resolved') as resolved,
       count(distinct g.work_id) as works, count(distinct g.work_id) filter (where w.synthetic) as synthetic,
       count(*) filter (where g.work_id is null) as lost
from generated_book g
join unnest(%(years)s::smallint[], %(months)s::smallint[]) as wanted (year, month) using (year, month)
left join enriched_works w using (work_id)
group by g.year, g.month;

-- name: of_all_months
-- The same for every month that has books.
select g.year, g.month, count(*) as generated, count(*) filter (where g.outcome = 'resolved') as resolved,
       count(distinct g.work_id) as works, count(distinct g.work_id) filter (where w.synthetic) as synthetic,
       count(*) filter (where g.work_id is null) as lost
from generated_book g left join enriched_works w using (work_id)
group by g.year, g.month order by g.year, g.month;

-- name: synthetic_overall
-- Works without an ISBN, of all works.
select count(*) as works, count(*) filter (where synthetic) as synthetic from enriched_works;

-- name: backfill_rows
-- Every month that has a row.
select year, month, status, books_generated, isbns_resolved, resolution_rate, isbns_queued, gemini_calls, xai_calls, isbndb_calls,
       retry_count, error_message, started_at, completed_at, next_attempt_at, owner_run, owner
from backfill_log order by year, month;

-- name: books_of
-- The books of a month as a person asks for them.
select b.title, b.author,
       coalesce((select array_agg(distinct l.provider order by l.provider) from generated_listing l where l.book_id = b.book_id), '{}')
           as sources,
       b.outcome, b.isbn13, b.provider, b.confidence, w.work_key, coalesce(w.synthetic, true) as synthetic, b.reason
from generated_book b left join enriched_works w using (work_id)
where b.year = %(year)s and b.month = %(month)s
order by b.book_id;

-- name: calls_today
-- The attempts of one service on this UTC day. `certain`: attempts with a response, which the service has counted.
-- Requests for its counter (reconcile) are not charged. `last_called`: the last other call. `reported`: the service's own count.
select count(c.call_id) as attempts, count(*) filter (where c.status is not null and c.operation <> 'reconcile') as certain,
       max(c.called_at) filter (where c.operation <> 'reconcile') as last_called, max(q.told) as reported, max(q.told_at) as reported_at
from (select (clock_timestamp() at time zone 'UTC')::date as day) d
left join api_call c on c.service = %(service)s and c.called_at >= d.day::timestamp at time zone 'UTC'
left join quota_usage q on q.service = %(service)s and q.day = d.day;
