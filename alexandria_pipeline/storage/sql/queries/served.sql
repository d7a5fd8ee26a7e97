-- The served columns of editions, works and authors: computed from claims, written only when they differ.

-- name: editions
-- Editions with their served columns, and the title and author of their work as listed.
select e.isbn13, e.work_id, e.primary_provider, e.enriched_at, e.title, e.subtitle, e.authors, e.contributors, e.publisher, e.published,
       e.language, e.format, e.pages, e.description, e.subjects, e.series, e.series_position, e.cover, e.identifiers, e.provenance,
       e.completeness, e.quality, w.listed_title, w.listed_author
from enriched_editions e join enriched_works w using (work_id)
where e.isbn13 = any(%(keys)s)
order by e.isbn13;

-- name: write_editions
-- Writes the served columns of editions.
update enriched_editions e
set title = n.title, subtitle = n.subtitle, authors = n.authors, contributors = n.contributors, publisher = n.publisher,
    published = n.published, language = n.language, format = n.format, pages = n.pages, description = n.description,
    subjects = n.subjects, series = n.series, series_position = n.series_position, cover = n.cover, identifiers = n.identifiers,
    provenance = n.provenance, completeness = n.completeness, quality = n.quality,
    enriched_at = coalesce(e.enriched_at, now()), updated_at = now()
from jsonb_to_recordset(%(rows)s::jsonb) as n (isbn13 text, title text, subtitle text, authors jsonb, contributors jsonb, publisher text,
     published text, language text, format text, pages integer, description text, subjects jsonb, series text, series_position text,
     cover jsonb, identifiers jsonb, provenance jsonb, completeness smallint, quality smallint)
where e.isbn13 = n.isbn13;

-- name: editions_of_works
-- The editions of works, and of the works that are merged into them.
select e.isbn13, m.of as work_id, m.work_key
from (select work_id, work_id as of, work_key from enriched_works where work_id = any(%(ids)s)
      union all
      select work_id, merged_into, work_key from enriched_works where merged_into = any(%(ids)s)) m
join enriched_editions e on e.work_id = m.work_id
order by m.work_id, e.isbn13;

-- name: works
-- Resolved works with their served columns.
select work_id, work_key, isbn13, enriched_at, title, author, first_published, description, subjects, series, series_position, cover,
       ratings, rating_average::float8, rating_count, awards, translations, variants, public_domain, identifiers, provenance,
       completeness, quality, listed_title, listed_author
from enriched_works where work_id = any(%(ids)s) and not synthetic
order by work_id;

-- name: lock_works
-- Locks works that are to be written, in one order.
select work_id from enriched_works where work_id = any(%(ids)s) order by work_id for no key update;

-- name: resolved_works
-- The ids of all resolved works.
select work_id from enriched_works where not synthetic order by work_id;

-- name: write_works
-- Writes the served columns of works.
update enriched_works w
set title = n.title, author = n.author, first_published = n.first_published, description = n.description, subjects = n.subjects,
    series = n.series, series_position = n.series_position, cover = n.cover, ratings = n.ratings, rating_average = n.rating_average,
    rating_count = n.rating_count, awards = n.awards, translations = n.translations, variants = n.variants,
    public_domain = n.public_domain, identifiers = n.identifiers, provenance = n.provenance, completeness = n.completeness,
    quality = n.quality, enriched_at = coalesce(w.enriched_at, now()), updated_at = now()
from jsonb_to_recordset(%(rows)s::jsonb) as n (work_id bigint, title text, author text, first_published smallint, description text,
     subjects jsonb, series text, series_position text, cover jsonb, ratings jsonb, rating_average numeric, rating_count integer,
     awards jsonb, translations jsonb, variants jsonb, public_domain jsonb, identifiers jsonb, provenance jsonb,
     completeness smallint, quality smallint)
where w.work_id = n.work_id;

-- name: author_keys
-- The authors that have a row.
select author_key from enriched_authors where author_key = any(%(keys)s);

-- name: authors
-- Authors with their served columns.
select author_id, author_key, name, name_key, born, died, biography, biography_source, biography_licence, portrait_url, identifiers, provenance,
       undifferentiated, completeness, quality
from enriched_authors where author_key = any(%(keys)s)
order by author_key;

-- name: write_authors
-- Adds authors, or writes their served columns.
insert into enriched_authors as a (author_key, name, name_key, born, died, biography, biography_source, biography_licence, portrait_url, identifiers,
                                   provenance, undifferentiated, completeness, quality)
select author_key, name, name_key, born, died, biography, biography_source, biography_licence, portrait_url, identifiers, provenance, undifferentiated,
       completeness, quality
from jsonb_to_recordset(%(rows)s::jsonb) as n (author_key text, name text, name_key text, born text, died text, biography text,
     biography_source text, biography_licence text, portrait_url text, identifiers jsonb, provenance jsonb, undifferentiated boolean, completeness smallint,
     quality smallint)
order by author_key
on conflict (author_key) do update
set name = excluded.name, name_key = excluded.name_key, born = excluded.born, died = excluded.died, biography = excluded.biography,
    biography_source = excluded.biography_source, biography_licence = excluded.biography_licence, portrait_url = excluded.portrait_url, identifiers = excluded.identifiers,
    provenance = excluded.provenance, undifferentiated = excluded.undifferentiated, completeness = excluded.completeness,
    quality = excluded.quality, updated_at = now();

-- name: authors_of_works
-- The authors of works, in order, as each work names them.
select wa.work_id, a.author_key, wa.role, wa.position, wa.credited, wa.identifiers
from work_authors wa join enriched_authors a using (author_id)
where wa.work_id = any(%(ids)s)
order by wa.work_id, wa.role, wa.position;

-- name: drop_authors_of_works
-- Removes the authors of works, before they are written anew.
delete from work_authors where work_id = any(%(ids)s);

-- name: add_authors
-- Adds authors that have no row, so that works can be linked with them.
insert into enriched_authors (author_key, name, name_key)
select author_key, name, name_key from jsonb_to_recordset(%(rows)s::jsonb) as n (author_key text, name text, name_key text)
order by author_key
on conflict (author_key) do nothing;

-- name: add_authors_of_works
-- Links works with their authors.
insert into work_authors (work_id, author_id, role, position, credited, identifiers)
select n.work_id, a.author_id, n.role, n.position, n.credited, n.identifiers
from jsonb_to_recordset(%(rows)s::jsonb)
    as n (work_id bigint, author_key text, role text, position smallint, credited text, identifiers jsonb)
join enriched_authors a using (author_key)
on conflict do nothing;

-- name: lock_authors
-- Locks authors in one order until the transaction ends.
select author_id from enriched_authors where author_key = any(%(keys)s) order by author_key for no key update;

-- name: credits
-- How works name authors.
select a.author_key, coalesce(wa.credited, a.name) as credited, wa.identifiers
from work_authors wa join enriched_authors a using (author_id)
where a.author_key = any(%(keys)s);

-- name: drop_ids
-- Removes the external identifiers of subjects, before they are written anew.
delete from external_id where kind = %(kind)s and subject = any(%(subjects)s);

-- name: add_ids
-- Adds external identifiers.
insert into external_id (kind, subject, scheme, value)
select %(kind)s, subject, scheme, value from jsonb_to_recordset(%(rows)s::jsonb) as n (subject text, scheme text, value text)
on conflict do nothing;

-- name: drop_conflicts
-- Removes the conflicts of subjects that are over.
delete from field_conflict c
where kind = %(kind)s and subject = any(%(subjects)s)
  and not exists (select from jsonb_to_recordset(%(rows)s::jsonb) as n (subject text, field text, detail text)
                  where (n.subject, n.field) = (c.subject, c.field));

-- name: add_conflicts
-- Adds the conflicts of subjects that are new. One whose values change keeps its time.
insert into field_conflict (kind, subject, field, detail)
select %(kind)s, subject, field, detail from jsonb_to_recordset(%(rows)s::jsonb) as n (subject text, field text, detail text)
on conflict (kind, subject, field) do update set detail = excluded.detail where field_conflict.detail <> excluded.detail;

-- name: log
-- Logs what changed.
insert into enrichment_log (work_id, isbn13, subject, provider, action, fields, before, after, run_id)
select work_id, isbn13, subject, 'claims', action, fields, before, after, %(run_id)s
from jsonb_to_recordset(%(rows)s::jsonb)
    as n (work_id bigint, isbn13 text, subject text, action text, fields text[], before jsonb, after jsonb);

-- name: find_works
-- Works by key, retired key, or the ISBN of an edition.
select w.work_id, w.work_key, w.title, w.author, w.isbn13, w.synthetic, w.merged_into, w.enriched_at
from enriched_works w
where w.work_key = %(key)s
   or w.work_id in (select work_id from work_alias where work_key = %(key)s)
order by w.work_id;

-- name: find_edition
-- An edition by ISBN.
select isbn13, work_id, title from enriched_editions where isbn13 = %(key)s;

-- name: find_authors
-- Authors by key, or by name.
select author_id, author_key, name, undifferentiated, merged_into
from enriched_authors
where author_key = %(key)s or (name_key = %(name_key)s and %(name_key)s <> '')
order by (author_key = %(key)s) desc, undifferentiated, author_key
limit 50;

-- name: keys
-- The keys of works or authors that take part in judgements, with their ids and what they are merged into.
select 'work' as kind, work_id as id, work_key as key, merged_into from enriched_works where %(kind)s = 'work' and work_key = any(%(keys)s)
union all
select 'author', author_id, author_key, merged_into from enriched_authors where %(kind)s = 'author' and author_key = any(%(keys)s);

-- name: merge_works_into
-- Sets what each work is merged into.
update enriched_works w set merged_into = n.merged_into, updated_at = now()
from jsonb_to_recordset(%(rows)s::jsonb) as n (id bigint, merged_into bigint)
where w.work_id = n.id and w.merged_into is distinct from n.merged_into;

-- name: merge_authors_into
-- Sets what each author is merged into.
update enriched_authors a set merged_into = n.merged_into, updated_at = now()
from jsonb_to_recordset(%(rows)s::jsonb) as n (id bigint, merged_into bigint)
where a.author_id = n.id and a.merged_into is distinct from n.merged_into;

-- name: members_of_authors
-- The keys of authors that others are merged into, with those of the others.
select own.author_key as key, m.author_key as member
from enriched_authors own join enriched_authors m on m.merged_into = own.author_id
where own.author_key = any(%(keys)s);

-- name: works_of_authors
-- The works of authors.
select wa.work_id from work_authors wa join enriched_authors a using (author_id) where a.author_key = any(%(keys)s);

-- name: conflicts_of
-- The conflicts of a subject.
select field, detail from field_conflict where (kind, subject) = (%(kind)s, %(subject)s) order by field;
