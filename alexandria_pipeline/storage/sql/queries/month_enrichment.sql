-- What the served rows of months were computed from: to compute only what can change.

-- name: inputs
-- Digests for each month, of what was given (books, claims, locks) and of the rows that a stage writes. `level`: 1 for editions, 2 for
-- works also, 3 for authors also. xmin differs after every write of a row.
with books as (
    select distinct g.year, g.month, g.isbn13, g.work_id
    from generated_book g
    where g.outcome = 'resolved' and (g.year, g.month) in (select * from unnest(%(years)s::smallint[], %(months)s::smallint[]))
), works as (
    select year, month, work_id from books
    union
    select b.year, b.month, m.work_id from books b join enriched_works m on m.merged_into = b.work_id
    union
    select b.year, b.month, w.merged_into from books b join enriched_works w using (work_id) where w.merged_into is not null
), editions as (
    select year, month, isbn13 from books
    union
    select w.year, w.month, e.isbn13 from works w join enriched_editions e using (work_id) where %(level)s > 1
), credited as (
    select w.year, w.month, a.author_id from works w join work_authors a using (work_id) where %(level)s > 2
), authors as (
    select year, month, author_id from credited
    union
    select c.year, c.month, m.author_id from credited c join enriched_authors m on m.merged_into = c.author_id
    union
    select c.year, c.month, a.merged_into from credited c join enriched_authors a using (author_id) where a.merged_into is not null
), subjects as (
    select year, month, 'edition' as kind, isbn13 as subject from editions
    union all
    select year, month, 'work', isbn13 from editions where %(level)s > 1
    union all
    select w.year, w.month, 'work', s.work_key from works w join enriched_works s using (work_id) where %(level)s > 1
    union all
    select a.year, a.month, 'author', s.author_key from authors a join enriched_authors s using (author_id)
), parts as (
    select year, month, true as is_given, format('b %%s %%s', isbn13, work_id) as part from books
    union all
    select w.year, w.month, true, format('h %%s %%s %%s', work_id, s.listed_title, s.listed_author)
    from works w join enriched_works s using (work_id)
    union all
    select s.year, s.month, true, format('c %%s', r.record_id)
    from subjects s join source_record r using (kind, subject) where r.replaced_at is null
    union all
    select s.year, s.month, true, format('l %%s %%s', l.field, l.xmin)
    from subjects s join field_lock l using (kind, subject) where l.withdrawn_at is null
    union all
    select e.year, e.month, false, format('e %%s %%s', isbn13, s.xmin) from editions e join enriched_editions s using (isbn13)
    union all
    select w.year, w.month, false, format('w %%s %%s', work_id, s.xmin)
    from works w join enriched_works s using (work_id) where %(level)s > 1
    union all
    select w.year, w.month, false, format('n %%s %%s %%s', work_id, a.author_id, a.xmin)
    from works w join work_authors a using (work_id) where %(level)s > 2
    union all
    select a.year, a.month, false, format('a %%s %%s', author_id, s.xmin) from authors a join enriched_authors s using (author_id)
    union all
    select s.year, s.month, false, format('j %%s', j.xmin)
    from subjects s join identity_judgement j on j.kind = s.kind and s.subject in (j.left_key, j.right_key)
    where j.withdrawn_at is null and %(level)s > 2
)
select year, month, md5(coalesce(string_agg(part, ',' order by part) filter (where is_given), '')) as given,
       md5(coalesce(string_agg(part, ',' order by part) filter (where not is_given), '')) as written
from parts group by year, month;

-- name: known
-- What months were last computed from, and the report of it.
select year, month, inputs, report from month_enrichment
where stage = %(stage)s and (year, month) in (select * from unnest(%(years)s::smallint[], %(months)s::smallint[]));

-- name: keep
-- Stores what months were computed from.
insert into month_enrichment (year, month, stage, inputs, report)
select year, month, %(stage)s, inputs, report::json
from unnest(%(years)s::smallint[], %(months)s::smallint[], %(inputs)s::text[], %(reports)s::text[]) as n (year, month, inputs, report)
order by year, month
on conflict (year, month, stage) do update set inputs = excluded.inputs, report = excluded.report, computed_at = now();

-- name: names_of_authors
-- The authors of the works of months, as they are linked: each with its name and the first month that lists it.
select distinct on (a.author_key) a.author_key, coalesce(l.credited, a.name) as name, g.year, g.month
from generated_book g join work_authors l using (work_id) join enriched_authors a using (author_id)
where g.outcome = 'resolved' and (g.year, g.month) in (select * from unnest(%(years)s::smallint[], %(months)s::smallint[]))
order by a.author_key, g.year, g.month;
