-- Rows for `alexandria export`, in a stable order.

-- name: works
-- The works of a range of months that changed since a time, with the edition that each has, and the months that list it.
select w.work_key, w.title, w.author, w.listed_title, w.listed_author, w.synthetic, w.isbn13, w.confidence, w.resolved_by,
       m.first_month, m.last_month, w.provenance as work_provenance, w.description as work_description, w.subjects as work_subjects,
       w.series as work_series, w.series_position as work_series_position, w.cover ->> 'url' as work_cover_url,
       w.first_published, w.ratings,
       e.title as edition_title, e.subtitle, e.authors || e.contributors as authors, e.publisher, e.published, e.language, e.format,
       e.pages, e.primary_provider as edition_source, e.provenance as edition_provenance, e.description as edition_description,
       e.subjects as edition_subjects, e.series as edition_series, e.series_position as edition_series_position,
       e.cover ->> 'url' as edition_cover_url, e.identifiers as edition_identifiers
from enriched_works w
join lateral (select to_char(min(make_date(b.year, b.month, 1)), 'YYYY-MM') as first_month,
                     to_char(max(make_date(b.year, b.month, 1)), 'YYYY-MM') as last_month
              from generated_book b
              where b.work_id = w.work_id and b.year * 100 + b.month between %(first)s and %(last)s) m on m.first_month is not null
left join enriched_editions e on e.isbn13 = w.isbn13 and e.work_id = w.work_id
where greatest(w.updated_at, e.updated_at) >= %(since)s and w.merged_into is null
order by w.work_key collate "C";
