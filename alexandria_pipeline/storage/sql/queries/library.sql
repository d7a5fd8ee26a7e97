-- Reads of the finished books for the read API: first the ids of a page, then its rows.

-- name: work_ids
-- A page of all works.
select work_id from enriched_works where work_id > %(after)s order by work_id limit %(limit)s;

-- name: work_ids_matching
-- A page of the works whose title and author have these words.
select work_id from enriched_works
where to_tsvector('simple', title || ' ' || author) @@ to_tsquery('simple', %(words)s) and work_id > %(after)s
order by work_id limit %(limit)s;

-- name: work_ids_of_month
-- A page of the works that a month lists.
select distinct work_id from generated_book
where year = %(year)s and month = %(month)s and work_id > %(after)s
order by work_id limit %(limit)s;

-- name: work_ids_of_isbn
-- The work of an edition.
select work_id from enriched_editions where isbn13 = %(isbn13)s and work_id > %(after)s;

-- name: work_ids_of_identifier
-- A page of the works with an edition that has an identifier of another catalogue.
select distinct work_id from enriched_editions
where identifiers @> %(identifier)s and work_id > %(after)s
order by work_id limit %(limit)s;

-- name: work_ids_of_author
-- A page of the works of an author.
select distinct work_id from work_authors
where author_id = (select author_id from enriched_authors where name_key = %(author)s) and work_id > %(after)s
order by work_id limit %(limit)s;

-- name: works
-- Works by id, with the months that list them.
select w.work_id, w.work_key as key, w.title, w.author, w.isbn13, w.confidence, w.resolved_by, w.synthetic, w.updated_at,
       array(select distinct to_char(make_date(b.year, b.month, 1), 'YYYY-MM') from generated_book b
             where b.work_id = w.work_id order by 1) as months
from enriched_works w
where w.work_id = any(%(work_ids)s)
order by w.work_id;

-- name: work_of_key
-- The work of a key, current or retired.
select work_id from enriched_works where work_key = %(key)s
union all
select work_id from work_alias where work_key = %(key)s
limit 1;

-- name: other_keys
-- The retired keys that lead to a work.
select work_key from work_alias where work_id = %(work_id)s order by work_key;

-- name: editions_of_works
-- The editions of works, by ISBN.
select e.isbn13, w.work_key, e.title, e.subtitle, e.authors, e.publisher, e.published, e.language, e.format, e.pages, e.identifiers,
       e.primary_provider as source, e.updated_at, e.work_id
from enriched_editions e join enriched_works w using (work_id)
where e.work_id = any(%(work_ids)s)
order by e.isbn13;

-- name: editions
-- A page of editions, by ISBN.
select e.isbn13, w.work_key, e.title, e.subtitle, e.authors, e.publisher, e.published, e.language, e.format, e.pages, e.identifiers,
       e.primary_provider as source, e.updated_at, e.work_id
from enriched_editions e join enriched_works w using (work_id)
where e.isbn13 > %(after)s
order by e.isbn13 limit %(limit)s;

-- name: editions_of_identifier
-- A page of the editions that have an identifier of another catalogue.
select e.isbn13, w.work_key, e.title, e.subtitle, e.authors, e.publisher, e.published, e.language, e.format, e.pages, e.identifiers,
       e.primary_provider as source, e.updated_at, e.work_id
from enriched_editions e join enriched_works w using (work_id)
where e.identifiers @> %(identifier)s and e.isbn13 > %(after)s
order by e.isbn13 limit %(limit)s;

-- name: edition
-- One edition.
select e.isbn13, w.work_key, e.title, e.subtitle, e.authors, e.publisher, e.published, e.language, e.format, e.pages, e.identifiers,
       e.primary_provider as source, e.updated_at, e.work_id
from enriched_editions e join enriched_works w using (work_id)
where e.isbn13 = %(isbn13)s;

-- name: authors
-- A page of authors, by key.
select name_key as key, name, identifiers, updated_at from enriched_authors
where name_key > %(after)s order by name_key limit %(limit)s;

-- name: authors_matching
-- A page of the authors whose name has these words.
select name_key as key, name, identifiers, updated_at from enriched_authors
where to_tsvector('simple', name) @@ to_tsquery('simple', %(words)s) and name_key > %(after)s
order by name_key limit %(limit)s;

-- name: author
-- One author.
select name_key as key, name, identifiers, updated_at from enriched_authors where name_key = %(key)s;

-- name: months
-- A page of the months that have a row, with their books as they are now.
select b.year, b.month, b.status, count(g.book_id) as books, count(g.book_id) filter (where g.outcome = 'resolved') as resolved,
       b.updated_at
from backfill_log b left join generated_book g using (year, month)
where (b.year, b.month) in (select year, month from backfill_log
                            where year * 100 + month > %(after)s order by year, month limit %(limit)s)
group by b.year, b.month
order by b.year, b.month;

-- name: books_of_month
-- The books of a month, with where each stands.
select b.title, b.author, b.outcome, b.isbn13, b.provider as resolved_by, b.confidence, b.reason, w.work_key
from generated_book b left join enriched_works w using (work_id)
where b.year = %(year)s and b.month = %(month)s
order by b.book_id;
