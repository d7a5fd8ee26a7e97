-- name: books_without_work
-- Generated books that have no work yet.
select b.book_id, b.title, b.author, coalesce(array_agg(l.provider order by l.reply_id, l.position) filter (where l.provider is not null), '{}') as sources,
       coalesce(jsonb_object_agg(l.provider, l.details) filter (where l.details <> '{}'), '{}') as details
from generated_book b left join generated_listing l using (book_id)
where b.year = %(year)s and b.month = %(month)s and b.work_id is null
group by b.book_id order by b.book_id;

-- name: works_like
-- Works that may be one of these books, by title key or by key, current or retired. They are locked against a merge, in the
-- order of their ids.
select work_id, work_key, coalesce(listed_title, title) as title, coalesce(listed_author, author) as author, title_key from enriched_works
where work_id in (
    select work_id from enriched_works where title_key = any(%(title_keys)s)
    union select work_id from enriched_works where work_key = any(%(work_keys)s)
    union select work_id from work_alias where work_key = any(%(work_keys)s))
order by work_id
for key share;

-- name: alias
-- The work of a retired key.
select work_id from work_alias where work_key = %(work_key)s;

-- name: add_work
-- Adds a synthetic work. The same key is the same work.
insert into enriched_works (work_key, title, author, listed_title, listed_author, title_key, author_key, primary_provider, completeness, metadata)
values (%(work_key)s, %(title)s, %(author)s, %(title)s, %(author)s, %(title_key)s, %(author_key)s, %(primary_provider)s, %(completeness)s, %(metadata)s)
on conflict (work_key) do nothing
returning work_id;

-- name: drop_new_work
-- A work that was just added, and whose key another transaction has retired meanwhile.
delete from enriched_works where work_id = %(work_id)s;

-- name: work_by_key
-- The work of a key.
select work_id from enriched_works where work_key = %(work_key)s;

-- name: join_work
-- Links a book to its work.
update generated_book set work_id = %(work_id)s where book_id = %(book_id)s and work_id is null;
