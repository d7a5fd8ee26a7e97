-- Reads of the finished books for the read API: first the ids of a page, then its rows.

-- name: work_ids
-- A page of all works.
select work_id from enriched_works where work_id > %(after)s and merged_into is null order by work_id limit %(limit)s;

-- name: work_ids_matching
-- A page of the works whose title and author have these words.
select work_id from enriched_works
where to_tsvector('simple', without_accents(title || ' ' || author)) @@ to_tsquery('simple', %(words)s) and work_id > %(after)s and merged_into is null
order by work_id limit %(limit)s;

-- name: work_ids_of_month
-- A page of the works that a month lists.
select work_id from (
    select coalesce(w.merged_into, w.work_id) as work_id from generated_book b join enriched_works w using (work_id)
    where b.year = %(year)s and b.month = %(month)s
) listed
where work_id > %(after)s
group by work_id order by work_id limit %(limit)s;

-- name: work_ids_of_isbn
-- The work of an edition.
select work_id from enriched_editions where isbn13 = %(isbn13)s and work_id > %(after)s;

-- name: work_ids_of_identifier
-- A page of the works with an edition that has an identifier of another catalogue.
select work_id from (
    select work_id from enriched_editions where identifiers @> %(identifier)s
    union
    select e.work_id from external_id x join enriched_editions e on e.isbn13 = x.subject
    where x.kind = 'edition' and x.scheme = %(scheme)s and x.value = %(value)s
    union
    select w.work_id from external_id x join enriched_works w on w.work_key = x.subject
    where x.kind = 'work' and x.scheme = %(scheme)s and x.value = %(value)s
) found
where work_id > %(after)s
order by work_id limit %(limit)s;

-- name: work_ids_of_author
-- A page of the works of an author.
select distinct work_id from work_authors
where author_id = (select author_id from enriched_authors where author_key = %(author)s) and work_id > %(after)s
order by work_id limit %(limit)s;

-- name: works
-- Works by id. place: the id, which orders pages.
select work_id as place, work_key as key, item::text as json from work_item where work_id = any(%(work_ids)s) order by work_id;

-- name: work_of_key
-- The work of a key, current, retired, or of a work that proved to be another one.
with recursive found as (
    select w.work_id, w.merged_into from enriched_works w
    where w.work_id = coalesce((select work_id from enriched_works where work_key = %(key)s),
                               (select work_id from work_alias where work_key = %(key)s))
    union
    select w.work_id, w.merged_into from enriched_works w join found f on w.work_id = f.merged_into
)
select work_id as place, work_key as key, item::text as json from work_item
where work_id = (select work_id from found where merged_into is null);

-- name: editions
-- A page of editions, by ISBN.
select isbn13 as place, isbn13 as key, item::text as json from edition_item
where isbn13 > %(after)s order by isbn13 limit %(limit)s;

-- name: editions_of_identifier
-- A page of the editions that have an identifier of another catalogue.
select isbn13 as place, isbn13 as key, item::text as json from edition_item
where isbn13 in (
    select isbn13 from enriched_editions where identifiers @> %(identifier)s
    union
    select subject from external_id where kind = 'edition' and scheme = %(scheme)s and value = %(value)s)
  and isbn13 > %(after)s
order by isbn13 limit %(limit)s;

-- name: edition
-- One edition.
select isbn13 as place, isbn13 as key, item::text as json from edition_item where isbn13 = %(isbn13)s;

-- name: cover
-- The cover of an edition, or else of its work.
select coalesce(e.cover, w.cover) as cover from enriched_editions e join enriched_works w using (work_id) where e.isbn13 = %(isbn13)s;

-- name: authors
-- A page of authors, by key.
select author_key as place, author_key as key, item::text as json from author_item
where author_key > %(after)s and merged_into is null order by author_key limit %(limit)s;

-- name: authors_matching
-- A page of the authors whose name has these words.
select i.author_key as place, i.author_key as key, i.item::text as json
from enriched_authors a join author_item i using (author_id)
where to_tsvector('simple', without_accents(a.name)) @@ to_tsquery('simple', %(words)s) and a.author_key > %(after)s
  and a.merged_into is null
order by a.author_key limit %(limit)s;

-- name: author
-- One author; of a merged one the author that it proved to be.
select author_key as place, author_key as key, item::text as json from author_item
where author_id = (select coalesce(merged_into, author_id) from enriched_authors where author_key = %(key)s);

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
select b.title, b.author, b.outcome, b.isbn13, b.provider as resolved_by, b.confidence, b.reason, w.work_key,
       w.title as work_title
from generated_book b left join enriched_works w using (work_id)
where b.year = %(year)s and b.month = %(month)s
order by b.book_id;

-- name: changes
-- A page of the changes after a place. Changes of transactions that may be followed by an earlier one are not shown yet.
select change_id, xid::text as xid, kind, key, action, changed_at from library_change
where epoch = library_epoch() and action <> 'pruned' and xid < pg_snapshot_xmin(pg_current_snapshot())
  and (xid, change_id) > (%(xid)s::text::xid8, %(change_id)s)
order by xid, change_id limit %(limit)s;

-- name: changes_lost
-- Whether changes after a place were pruned.
select exists (select from library_change where action = 'pruned' and epoch = library_epoch()
               and (xid, change_id) > (%(xid)s::text::xid8, %(change_id)s)) as lost;

-- name: changes_end
-- The place after every change that can be shown now, and the name of this database.
select library_epoch() as epoch, (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text as xid;

-- name: attempts
-- The last searches for the ISBN of a work, the newest first.
select provider, outcome, isbn13, confidence, reason, evidence, attempted_at from resolution_attempt
where work_id = %(work_id)s order by attempt_id desc limit 50;

-- name: log
-- The last changes of a work and its editions, the newest first.
select logged_at, provider, action, fields from enrichment_log where work_id = %(work_id)s order by enrichment_id desc limit 50;

-- name: provenance
-- The sources of the fields of a work, and of its editions by ISBN.
select w.provenance, (select coalesce(json_object_agg(e.isbn13, e.provenance), '{}') from enriched_editions e
                      where e.work_id = w.work_id) as of_editions
from enriched_works w where w.work_id = %(work_id)s;

-- name: neighbours
-- The months with a row before and after a month.
select max(year * 100 + month) filter (where year * 100 + month < %(month)s) as before,
       min(year * 100 + month) filter (where year * 100 + month > %(month)s) as after
from backfill_log;

-- name: authors_of_work
-- The authors of a work, in their order.
select a.author_key as key, a.name from work_authors wa join enriched_authors a using (author_id)
where wa.work_id = %(work_id)s and a.author_key is not null order by wa.position, a.author_id;
