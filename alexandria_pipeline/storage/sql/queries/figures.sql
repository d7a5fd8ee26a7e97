-- name: of_months
-- The figures of each month (see the function month_figures).
select year, month, generated, resolved, works, synthetic, lost
from month_figures(%(years)s::smallint[], %(months)s::smallint[]);

-- name: of_all_months
-- The figures of every month that has books.
with listed as (select array_agg(year) as years, array_agg(month) as months from (select distinct year, month from generated_book) m)
select f.year, f.month, f.generated, f.resolved, f.works, f.synthetic, f.lost
from listed, month_figures(listed.years, listed.months) f
order by f.year, f.month;

-- name: recount
-- Stores the figures of months that have changed, counted from their books; their status does not change.
update backfill_log b
set books_generated = f.generated, isbns_resolved = f.resolved, isbns_queued = least(f.queued, f.resolved),
    resolution_rate = resolution_rate(f.resolved, f.generated), isbndb_calls = c.isbndb, gemini_calls = c.gemini,
    xai_calls = c.xai, updated_at = now()
from month_figures(%(years)s::smallint[], %(months)s::smallint[]) f
join month_calls(%(years)s::smallint[], %(months)s::smallint[]) c using (year, month)
where (b.year, b.month) = (f.year, f.month)
  and (b.books_generated, b.isbns_resolved, b.isbns_queued, b.resolution_rate, b.isbndb_calls, b.gemini_calls, b.xai_calls)
      is distinct from (f.generated, f.resolved, least(f.queued, f.resolved), resolution_rate(f.resolved, f.generated), c.isbndb, c.gemini, c.xai);

-- name: deferred
-- Months with books that wait for a service, and with skipped rows.
select year, month, sum(deferred)::int as deferred, sum(skipped)::int as skipped
from (select year, month, count(*) filter (where outcome = 'deferred') as deferred, 0 as skipped from generated_book group by year, month
      union all
      select year, month, 0, count(*) from set_aside where part = 'row' and year is not null and month is not null group by year, month) both_tables
group by year, month order by year, month;

-- name: synthetic_overall
-- All works, and those without an ISBN.
select count(*) as works, count(*) filter (where synthetic) as synthetic from enriched_works;

-- name: backfill_rows
-- All rows of backfill_log.
select year, month, status, books_generated, isbns_resolved, resolution_rate, isbns_queued, gemini_calls, xai_calls, isbndb_calls,
       retry_count, error_message, started_at, completed_at, next_attempt_at, owner_run, owner
from backfill_log order by year, month;

-- name: books_of
-- The books of a month, for people.
select b.title, b.author,
       coalesce((select array_agg(distinct l.provider order by l.provider) from generated_listing l where l.book_id = b.book_id), '{}')
           as sources,
       b.outcome, b.isbn13, b.provider, b.confidence, w.work_key, coalesce(w.synthetic, true) as synthetic, b.reason,
       case when w.enriched_at is not null then jsonb_build_object(
           'title', w.title, 'author', w.author, 'first_published', w.first_published,
           'subjects', (select coalesce(jsonb_agg(s -> 'name'), '[]') from jsonb_array_elements(w.subjects) s),
           'cover', w.cover ->> 'url') end as work
from generated_book b left join enriched_works w using (work_id)
where b.year = %(year)s and b.month = %(month)s
order by b.book_id;

-- name: calls_today
-- The attempts of one service on its quota day. `certain`: attempts with a response, which the service has counted.
-- Requests for its counter (reconcile) are not charged. `last_called`: the last other call. `reported`: the service's own count.
select count(c.call_id) as attempts, count(*) filter (where c.status is not null and c.operation <> 'reconcile') as certain,
       max(c.called_at) filter (where c.operation <> 'reconcile') as last_called, max(q.told) as reported, max(q.told_at) as reported_at
from (select quota_day(%(service)s, clock_timestamp()) as day) d
left join api_call c on c.service = %(service)s and c.called_at >= d.day::timestamp at time zone quota_zone(%(service)s)
left join quota_usage q on q.service = %(service)s and q.day = d.day;

-- name: calls_of_run
-- How many calls of some services a run has made in a stage.
select count(*) as calls from api_call where run_id = %(run_id)s and stage = %(stage)s and service = any(%(services)s);
