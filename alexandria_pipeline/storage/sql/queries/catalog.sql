-- name: revision
-- Changes with every file that is loaded.
select coalesce(max(load_id), 0) as revision, count(*) as loads from catalog_load;

-- name: load_known
-- The load of a file with this content.
select load_id, name, editions, set_aside, loaded_at from catalog_load where digest = %(digest)s;

-- name: add_load
-- Announces a file.
insert into catalog_load (name, digest, editions, set_aside) values (%(name)s, %(digest)s, %(editions)s, %(set_aside)s)
on conflict (digest) do nothing returning load_id;

-- name: staging
-- Where the rows of a file land before they are checked against what is there.
create temporary table catalog_staging (like catalog_edition) on commit drop;

-- name: copy_staging
-- The rows of a file, streamed.
copy catalog_staging (isbn13, title, author, published, language, publisher, source, source_id, title_key, author_key, load_id) from stdin;

-- name: merge_staging
-- New editions are added; an edition already known keeps its first source.
insert into catalog_edition select distinct on (isbn13) * from catalog_staging order by isbn13
on conflict (isbn13) do nothing;

-- name: edition
-- The edition of an ISBN.
select isbn13, title, author, published, language, publisher, source, source_id
from catalog_edition where isbn13 = %(isbn13)s;

-- name: search
-- Editions whose title has this key, whose ISBN is named, or, for misspelt titles, those of the same author with a title much alike.
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
