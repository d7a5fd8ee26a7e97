-- name: revision
-- Changes with every file that is loaded.
select coalesce(max(load_id), 0) as revision, count(*) as loads from catalog_load;

-- name: add_load
-- Adds a load; no row if a file with this content was loaded before.
insert into catalog_load (name, digest, editions, set_aside) values (%(name)s, %(digest)s, %(editions)s, %(set_aside)s)
on conflict (digest) do nothing returning load_id;

-- name: staging
-- The table for the rows of a file.
create temporary table catalog_staging (like catalog_edition) on commit drop;

-- name: copy_staging
-- Copies the rows of a file.
copy catalog_staging (isbn13, title, author, published, language, publisher, source, source_id, title_key, author_key, load_id) from stdin;

-- name: merge_staging
-- Adds new editions; a known edition keeps its first source.
insert into catalog_edition select distinct on (isbn13) * from catalog_staging order by isbn13
on conflict (isbn13) do nothing;

-- name: edition
-- The edition of an ISBN.
select isbn13, title, author, published, language, publisher, source, source_id
from catalog_edition where isbn13 = %(isbn13)s;

-- name: search
-- Editions with this title key or one of these ISBNs, and editions of the same author with a similar title.
(select isbn13, title, author, published, language, publisher, source, source_id, 1.0 as likeness
 from catalog_edition where title_key = %(title_key)s limit 50)
union
(select isbn13, title, author, published, language, publisher, source, source_id, 1.0
 from catalog_edition where isbn13 = any(%(isbns)s))
union
(select isbn13, title, author, published, language, publisher, source, source_id, similarity(title_key, %(title_key)s) as likeness
 from catalog_edition
 where author_key = %(author_key)s and author_key <> '' and title_key <> %(title_key)s and similarity(title_key, %(title_key)s) > 0.3
 order by likeness desc limit 20)
order by likeness desc, isbn13;

-- name: lock
-- One loader at a time.
select pg_advisory_xact_lock(hashtext('alexandria.catalog'));
