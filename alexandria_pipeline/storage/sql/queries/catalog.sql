-- name: revision
-- Changes with every load, and when one is dropped.
select coalesce(max(load_id), 0) || coalesce('-' || nullif(count(dropped_at), 0), '') as revision,
       coalesce(sum(editions) filter (where dropped_at is null), 0)::bigint as editions from catalog_load;

-- name: add_load
-- Adds a load; no row if a file with this content was loaded before.
insert into catalog_load (name, digest, editions, set_aside) values (%(name)s, %(digest)s, %(editions)s, %(set_aside)s)
on conflict (digest) do nothing returning load_id;

-- name: staging
-- The table for the rows of a file.
create temporary table catalog_staging (like catalog_edition) on commit drop;

-- name: copy_staging
-- Copies the rows of a file.
copy catalog_staging (
    isbn13, title, author, published, language, publisher, source, source_id, subtitle, format, pages, series, subjects, covers, work,
    first_year, title_key, author_key, load_id
) from stdin;

-- name: merge_staging
-- Adds new editions; a known edition keeps its first source.
insert into catalog_edition select distinct on (isbn13) * from catalog_staging order by isbn13
on conflict (isbn13) do nothing;

-- name: edition
-- The edition of an ISBN.
select isbn13, title, author, published, language, publisher, source, source_id, subtitle, format, pages, series, subjects, covers, work,
       first_year
from catalog_edition where isbn13 = %(isbn13)s;

-- name: loaded_editions
-- The editions of loaded files with these ISBNs.
select isbn13, title, author, published, language, publisher, source, source_id, subtitle, format, pages, series, subjects, covers, work,
       first_year
from catalog_edition where isbn13 = any(%(isbns)s);

-- name: search
-- Editions with this title key or one of these ISBNs, and editions of the same author with a similar title.
(select isbn13, title, author, published, language, publisher, source, source_id, subtitle, format, pages, series, subjects, covers, work,
        first_year, 1.0 as likeness
 from catalog_edition where title_key = %(title_key)s limit 50)
union
(select isbn13, title, author, published, language, publisher, source, source_id, subtitle, format, pages, series, subjects, covers, work,
        first_year, 1.0
 from catalog_edition where isbn13 = any(%(isbns)s))
union
(select isbn13, title, author, published, language, publisher, source, source_id, subtitle, format, pages, series, subjects, covers, work,
        first_year, similarity(title_key, %(title_key)s) as likeness
 from catalog_edition
 where author_key = %(author_key)s and author_key <> '' and title_key <> %(title_key)s and similarity(title_key, %(title_key)s) > 0.3
 order by likeness desc limit 20)
order by likeness desc, isbn13;

-- name: lock
-- One loader at a time.
select pg_advisory_xact_lock(hashtext('alexandria.catalog'));

-- name: same_title
-- For each question, editions of the dump with this title and this author's surname.
select q.place, e.*, w.first_year, w.work_title, w.work_subjects
from unnest(%(places)s::int[], %(titles)s::int[], %(authors)s::int[]) as q (place, title, author)
cross join lateral (
    select * from catalog_dump_edition d where d.title_hash = q.title and d.author_hash = q.author limit 30
) e
left join lateral (
    -- A limit, so that each work is read by its index: a join of the whole table takes seconds.
    select first_year, title as work_title, subjects as work_subjects from catalog_dump_work where work_id = e.work_id limit 1
) w on true;

-- name: similar_title
-- For each question, the most similar titles of the same author that begin or end alike, and this title of any author.
select q.place, e.*, w.first_year, w.work_title, w.work_subjects
from unnest(%(places)s::int[], %(titles)s::int[], %(heads)s::int[], %(tails)s::int[], %(other_heads)s::int[],
            %(other_tails)s::int[], %(texts)s::text[], %(names)s::text[])
    as q (place, title_hash, head, tail, other_head, other_tail, text, name)
cross join lateral (
    select * from (
        (select * from catalog_dump_edition d where d.head_block in (q.head, q.other_head) limit 300)
        union all (select * from catalog_dump_edition d
                   where d.tail_block in (q.tail, q.other_tail) and d.head_block not in (q.head, q.other_head) limit 300)
        union all (select * from catalog_dump_edition d
                   where d.title_hash = q.title_hash and d.head_block not in (q.head, q.other_head)
                       and d.tail_block not in (q.tail, q.other_tail) limit 100)
    ) block
    order by similarity(block.title, q.text) + similarity(split_part(block.contributors, E'\t', 1), q.name) desc, block.isbn13 limit 12
) e
left join lateral (
    -- A limit, so that each work is read by its index: a join of the whole table takes seconds.
    select first_year, title as work_title, subjects as work_subjects from catalog_dump_work where work_id = e.work_id limit 1
) w on true;

-- name: lookup_settings
-- For a session of look-ups: their statements are short, and planning them anew takes as long as running them.
set jit = off; set plan_cache_mode = force_generic_plan; set max_parallel_workers_per_gather = 0;

-- name: lookup_same
-- For each question, what the judge needs of the editions of the dump with this title and this author's surname, in the judge's order
-- of preference: those in the asked language first, recordings last, without a subtitle, in print, nearest to the asked year.
select q.place, e.isbn13, e.edition_id, e.work_id, e.title, e.subtitle, e.contributors, e.published, w.first_year, e.language, e.publisher,
    e.format, e.pages, e.series, coalesce(e.subjects, w.subjects)
from unnest(%(places)s::int[], %(titles)s::int[], %(authors)s::int[], %(languages)s::text[], %(years)s::int[])
    as q (place, title, author, language, year)
cross join lateral (
    select * from (
        select * from catalog_dump_edition d where d.title_hash = q.title and d.author_hash = q.author limit 500
    ) same
    order by language is distinct from q.language, format is not distinct from 'a', subtitle is not null,
        format is not distinct from 'e', format is null, abs(published / 10000 - q.year), isbn13 limit 12
) e
left join lateral (select first_year, subjects from catalog_dump_work where work_id = e.work_id limit 1) w on true;

-- name: lookup_similar
-- For each question, what the judge needs of the most similar editions in its blocks, and of this title of any author.
select q.place, e.isbn13, e.edition_id, e.work_id, e.title, e.subtitle, e.contributors, e.published, w.first_year, e.language, e.publisher,
    e.format, e.pages, e.series, coalesce(e.subjects, w.subjects)
from unnest(%(places)s::int[], %(titles)s::int[], %(heads)s::int[], %(tails)s::int[], %(other_heads)s::int[],
            %(other_tails)s::int[], %(texts)s::text[], %(names)s::text[],
            %(languages)s::text[])
    as q (place, title_hash, head, tail, other_head, other_tail, text, name, language)
cross join lateral (
    select * from (
        (select * from catalog_dump_edition d where d.head_block in (q.head, q.other_head) limit 300)
        union all (select * from catalog_dump_edition d
                   where d.tail_block in (q.tail, q.other_tail) and d.head_block not in (q.head, q.other_head) limit 300)
        union all (select * from catalog_dump_edition d
                   where d.title_hash = q.title_hash and d.head_block not in (q.head, q.other_head)
                       and d.tail_block not in (q.tail, q.other_tail) limit 100)
    ) block
    order by similarity(block.title, q.text) + similarity(split_part(block.contributors, E'\t', 1), q.name) desc,
        block.language is distinct from q.language, block.isbn13 limit 6
) e
left join lateral (select first_year, subjects from catalog_dump_work where work_id = e.work_id limit 1) w on true;

-- name: lookup_files
-- For each question, what the judge needs of the editions of loaded files with this title, and of similar titles of the author.
select q.place, e.isbn13, e.source, e.source_id, e.work, e.title, e.subtitle, e.author, e.published, e.first_year, e.language, e.publisher,
    e.format, e.pages, e.series, e.subjects
from unnest(%(places)s::int[], %(keys)s::text[], %(names)s::text[]) as q (place, title_key, author_key)
cross join lateral (
    (select *, 1.0 as likeness from catalog_edition d where d.title_key = q.title_key limit 12)
    union all
    (select *, similarity(title_key, q.title_key) as likeness from catalog_edition d
     where d.author_key = q.author_key and q.author_key <> '' and d.title_key <> q.title_key
     order by likeness desc limit 4)
) e order by q.place, e.likeness desc, e.isbn13;

-- name: dump_editions
-- Editions of the dump by ISBN.
select e.*, w.first_year, w.title as work_title, w.subjects as work_subjects
from catalog_dump_edition e left join catalog_dump_work w using (work_id)
where e.isbn13 = any(%(isbns)s::bigint[]) order by e.isbn13, e.edition_id;

-- name: editions_of_work
-- All editions of a work.
select e.*, w.first_year, w.title as work_title, w.subjects as work_subjects
from catalog_dump_edition e left join catalog_dump_work w using (work_id)
where e.work_id = %(work_id)s order by e.isbn13, e.edition_id;

-- name: works
-- Works by number; the title is that of an edition where the work has no other.
select w.work_id, w.first_year, w.subjects, coalesce(w.title, e.title) as title, e.contributors
from catalog_dump_work w
left join lateral (select title, contributors from catalog_dump_edition d where d.work_id = w.work_id order by isbn13 limit 1) e on true
where w.work_id = any(%(work_ids)s::int[]);

-- name: sources
-- What the catalogue holds: name, kind, rows, rejected lines, time and counts of every load that was not dropped.
select name, kind, editions, set_aside as rejected, loaded_at, details from catalog_load where dropped_at is null order by loaded_at;

-- name: sizes
-- Bytes of the tables of loaded files and of the imported dump, with their indexes.
select pg_total_relation_size('catalog_edition') as file,
       pg_total_relation_size('catalog_dump_edition') + pg_total_relation_size('catalog_dump_work') as dump;

-- name: drop_file
-- Removes the editions of a loaded file.
delete from catalog_edition using catalog_load l
where catalog_edition.load_id = l.load_id and l.name = %(name)s and l.kind = 'file' and l.dropped_at is null;

-- name: drop_dump
-- Empties the tables of the imported dump.
truncate catalog_dump_edition, catalog_dump_work;

-- name: mark_dropped
-- Marks the loads of a name as dropped; the digest changes, so that the same file can be loaded again.
update catalog_load set dropped_at = now(), digest = digest || ' dropped ' || load_id
where name = %(name)s and dropped_at is null returning kind;
