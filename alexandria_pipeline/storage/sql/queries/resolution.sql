-- name: open_books
-- Books of the months that have a work and no ISBN, with the ISBN that their work may have.
select b.book_id, b.year, b.month, b.title, b.author, b.outcome, b.work_id, b.reason, w.synthetic, w.isbn13, w.confidence, w.resolved_by,
       exists (select from closed_work c where c.work_id = w.work_id) as closed, w.work_key,
       listed_isbns(b.book_id) as isbns
from generated_book b
join enriched_works w using (work_id)
where (b.year, b.month) in (select * from unnest(%(years)s::smallint[], %(months)s::smallint[]))
  and b.outcome in ('pending', 'deferred', 'not_found')
order by b.year, b.month, b.book_id;

-- name: definite_answers
-- The newest attempt of each service for each work, if it is not too old.
select distinct on (work_id, provider) work_id, provider, provider_revision, outcome, reason
from resolution_attempt
where work_id = any(%(work_ids)s) and attempted_at > now() - %(negative_life)s::interval
  and attempted_at < now() + interval '1 day'
order by work_id, provider, attempt_id desc;

-- name: add_attempt
-- Stores one service's attempt for one book.
insert into resolution_attempt (work_id, book_id, provider, provider_revision, outcome, isbn13, confidence, reason, evidence, candidate, run_id)
values (%(work_id)s, %(book_id)s, %(provider)s, %(provider_revision)s, %(outcome)s, %(isbn13)s, %(confidence)s, %(reason)s,
        %(evidence)s, %(candidate)s, %(run_id)s);

-- name: edition_owner
-- The work that has an ISBN.
select e.work_id, coalesce(w.listed_title, w.title) as title, coalesce(w.listed_author, w.author) as author, w.confidence
from enriched_editions e join enriched_works w using (work_id)
where e.isbn13 = %(isbn13)s for share;

-- name: works_to_lock
-- The works of these keys, current or retired, and the works that have one of these ISBNs.
select work_id from enriched_works where work_key = any(%(work_keys)s)
union select work_id from work_alias where work_key = any(%(work_keys)s)
union select work_id from enriched_editions where isbn13 = any(%(isbns)s)
order by work_id;

-- name: lock_works
-- Locks works until the transaction ends, always in the order of their ids. A work that was merged meanwhile is missing.
select work_id, work_key, synthetic, isbn13, confidence, resolved_by, coalesce(listed_title, title) as title,
       coalesce(listed_author, author) as author
from enriched_works where work_id = any(%(work_ids)s)
order by work_id
for update;

-- name: works_of_keys
-- The key of each locked work, and the retired keys that lead to it.
select work_key, work_id from enriched_works where work_id = any(%(work_ids)s)
union all select work_key, work_id from work_alias where work_id = any(%(work_ids)s);

-- name: closed_works
-- Which of these works a person has closed.
select work_id from closed_work where work_id = any(%(work_ids)s);

-- name: add_edition
-- Adds an edition of a work; an ISBN that exists stays with its work.
insert into enriched_editions (isbn13, work_id, title, subtitle, authors, publisher, published, language, format, pages, identifiers,
                               provenance, primary_provider)
values (%(isbn13)s, %(work_id)s, %(title)s, %(subtitle)s, %(authors)s, %(publisher)s, %(published)s, %(language)s, %(format)s,
        %(pages)s, %(identifiers)s, %(provenance)s, %(provider)s)
on conflict (isbn13) do nothing;

-- name: promote
-- Promotes a synthetic work in place.
update enriched_works
set synthetic = false, isbn13 = %(isbn13)s, confidence = %(confidence)s, resolved_by = %(provider)s,
    resolved_at = clock_timestamp(), last_tried_at = clock_timestamp(), updated_at = now()
where work_id = %(work_id)s and synthetic
returning work_id;

-- name: accept
-- Sets the ISBN of a work by the decision of a person.
update enriched_works
set synthetic = false, isbn13 = %(isbn13)s, confidence = %(confidence)s, resolved_by = %(provider)s,
    resolved_at = clock_timestamp(), updated_at = now()
where work_id = %(work_id)s;

-- name: tried
-- The search for a work had no result.
update enriched_works set last_tried_at = clock_timestamp() where work_id = %(work_id)s;

-- name: retire_work
-- Two works are the same: everything of the first moves to the one that stays; the key of the other becomes an alias.
with books as (
    update generated_book set work_id = %(into)s where work_id = %(work_id)s
), attempts as (
    update resolution_attempt set work_id = %(into)s where work_id = %(work_id)s
), decisions as (
    update review_decision set work_id = %(into)s where work_id = %(work_id)s
), calls as (
    update api_call set work_id = %(into)s where work_id = %(work_id)s
), editions as (
    update enriched_editions set work_id = %(into)s where work_id = %(work_id)s
), enrichments as (
    update enrichment_log set work_id = %(into)s where work_id = %(work_id)s
), authors as (
    insert into work_authors (work_id, author_id, role, position)
    select %(into)s, author_id, role, position from work_authors where work_id = %(work_id)s
    on conflict do nothing
), aliases as (
    update work_alias set work_id = %(into)s where work_id = %(work_id)s
)
insert into work_alias (work_key, work_id) select work_key, %(into)s from enriched_works where work_id = %(work_id)s
on conflict (work_key) do update set work_id = excluded.work_id;

-- name: delete_work
-- After `retire_work`.
delete from enriched_works where work_id = %(work_id)s and synthetic;

-- name: decide
-- Sets the outcome of a book.
update generated_book
set outcome = %(outcome)s, isbn13 = %(isbn13)s, provider = %(provider)s, confidence = %(confidence)s, reason = %(reason)s,
    decided_at = clock_timestamp()
where book_id = %(book_id)s;

-- name: calls
-- The HTTP attempts that a stage of a run made for a month, by service.
select service, count(*) as calls from api_call
where year = %(year)s and month = %(month)s and run_id = %(run_id)s and stage = %(stage)s
group by service order by service;

-- name: confidences
-- The confidences of the ISBNs of months.
select g.year, g.month, g.confidence, count(*) as books
from generated_book g
join unnest(%(years)s::smallint[], %(months)s::smallint[]) as wanted (year, month) using (year, month)
where g.outcome = 'resolved'
group by g.year, g.month, g.confidence;

-- name: other_listings
-- The listings that state one of these ISBNs for another work.
select distinct l.title, l.author
from generated_listing l join generated_book b using (book_id)
where l.isbns && %(isbns)s::text[] and b.work_id is distinct from %(work_id)s
order by l.title, l.author limit 20;

-- name: listings_with_isbns
-- Where lists state ISBNs for a work.
select case when r.source = '' then l.provider || to_char(make_date(b.year, b.month, 1), ' YYYY-MM') else r.source end as source,
       l.position, b.year, b.month, l.title, l.author, l.isbns
from generated_book b join generated_listing l using (book_id) join generation_reply r using (reply_id)
where b.work_id = %(work_id)s and l.isbns <> '{}'
order by l.reply_id, l.position;
