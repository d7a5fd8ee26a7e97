-- Integrity of the library: each query counts the rows that break a rule (`broken`), all rows (`of`), and names some (`sample`).

-- name: editions_have_a_work
-- An edition belongs to a work that exists.
select count(*) filter (where w.work_id is null) as broken, count(*) as of,
       (array_agg(e.isbn13 order by e.isbn13) filter (where w.work_id is null))[1:10] as sample
from enriched_editions e left join enriched_works w using (work_id);

-- name: one_work_per_isbn
-- The edition of a work belongs to that work, so an ISBN is of one work.
select count(*) filter (where e.work_id <> w.work_id) as broken, count(*) as of,
       (array_agg(w.work_key order by w.work_key) filter (where e.work_id <> w.work_id))[1:10] as sample
from enriched_works w join enriched_editions e using (isbn13);

-- name: no_resolved_work_is_synthetic
-- A work whose book has an ISBN is not synthetic.
select count(*) filter (where w.synthetic) as broken, count(*) as of,
       (array_agg(w.work_key order by w.work_key) filter (where w.synthetic))[1:10] as sample
from (select distinct work_id from generated_book where outcome = 'resolved') g join enriched_works w using (work_id);

-- name: works_have_authors
-- A work has an author if any source names one for its editions.
with named as (
    select distinct e.work_id
    from enriched_editions e
    join source_record s on s.kind = 'edition' and s.subject = e.isbn13 and s.replaced_at is null
    join claim c on c.record_id = s.record_id and c.field = 'authors' and c.rank <> 'deprecated'
    where jsonb_path_exists(c.value, '$[*] ? (@.role == "author")')
)
select count(*) filter (where a.work_id is null) as broken, count(*) as of,
       (array_agg(w.work_key order by w.work_key) filter (where a.work_id is null))[1:10] as sample
from enriched_works w
join named using (work_id)
left join (select distinct work_id from work_authors) a using (work_id)
where w.enriched_at is not null
  and not exists (select from field_lock l where l.withdrawn_at is null and (l.kind, l.subject, l.field) = ('work', w.work_key, 'authors'));

-- name: fields_have_a_source
-- A served field has a line in the provenance of its row.
with fields as (
    select e.isbn13 as key, f.name
    from enriched_editions e
    cross join lateral (values ('subtitle', e.subtitle is not null), ('publisher', e.publisher is not null),
        ('published', e.published is not null), ('language', e.language is not null), ('pages', e.pages is not null),
        ('description', e.description is not null), ('cover', e.cover is not null), ('series', e.series is not null)) f (name, given)
    where e.enriched_at is not null and f.given and not e.provenance ? f.name
    union all
    select w.work_key, f.name
    from enriched_works w
    cross join lateral (values ('first_published', w.first_published is not null), ('description', w.description is not null),
        ('cover', w.cover is not null), ('series', w.series is not null), ('rating', w.rating_count is not null)) f (name, given)
    where w.enriched_at is not null and f.given and not w.provenance ? f.name
)
select count(*) as broken,
       (select count(*) from enriched_editions where enriched_at is not null)
       + (select count(*) from enriched_works where enriched_at is not null) as of,
       (array_agg(key || ': ' || name order by key, name))[1:10] as sample
from fields;

-- name: isbns_per_paid_call
-- Facts of editions are bought in batches: `broken` paid calls, `of` editions that were asked for.
select (select count(*) from api_call where service = 'isbndb' and stage = 'enriched_editions') as broken,
       (select count(*) from enrichment_request where provider = 'isbndb' and kind = 'edition') as of,
       null::text[] as sample;

-- name: runs_with_paid_calls
-- The runs that bought facts: each needs at least one call.
select count(distinct run_id) as runs from api_call where service = 'isbndb' and stage = 'enriched_editions';

-- name: answers_owed
-- Services owe no answers.
select count(*) filter (where outcome in ('unavailable', 'failed')) as broken, count(*) as of,
       (array_agg(distinct provider || ': ' || reason) filter (where outcome in ('unavailable', 'failed')))[1:10] as sample
from enrichment_request;

-- name: some_works
-- Works to compute again, drawn at random.
select work_id from enriched_works where enriched_at is not null order by random() limit %(limit)s;

-- name: stated_of_listed
-- Works whose ISBN only a list states, with what services have stated about this ISBN since.
select w.work_key, w.isbn13, coalesce(w.listed_title, w.title) as title, coalesce(w.listed_author, w.author) as author, s.provider,
       t.value #>> '{}' as stated_title, coalesce(a.value, '[]') as stated_authors
from enriched_works w
join source_record s on s.kind = 'edition' and s.subject = w.isbn13 and s.replaced_at is null
join claim t on t.record_id = s.record_id and t.field = 'title' and t.rank <> 'deprecated'
left join claim a on a.record_id = s.record_id and a.field = 'authors' and a.rank <> 'deprecated'
where w.resolved_by = 'list' and not w.synthetic
order by w.work_key, s.provider;

-- name: listed
-- The number of works whose ISBN only a list states.
select count(*) as works from enriched_works where resolved_by = 'list' and not synthetic;
