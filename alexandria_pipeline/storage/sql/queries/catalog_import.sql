-- name: lock
-- One import at a time: held by the session of the importer until it ends or dies.
select pg_try_advisory_lock(hashtext('alexandria.catalog.import')) as free;

-- name: state
-- The unfinished import, if there is one: its options and number.
select options, import_id from catalog_import_state;

-- name: state_exists
-- Whether there are staging tables of this version.
select exists (
    select from pg_attribute where attrelid = to_regclass('catalog_import_state') and attname = 'import_id'
) as found;

-- name: create_staging
-- The staging tables of a new import. Unlogged: a crash of the server empties all of them together, and the import starts again.
create unlogged table catalog_import_state (options text not null, import_id uuid not null default gen_random_uuid());
create unlogged table catalog_import_block (
    role text not null, number integer not null, checksum bigint not null, lines integer not null, counts jsonb not null,
    primary key (role, number)
);
create unlogged table catalog_import_edition (
    isbn13 bigint, edition_id integer, revision integer, work_id integer, title_hash integer, head integer, tail integer,
    author_ids integer[], stated_author text, stated_hash integer, published integer, pages smallint, format text, language text,
    title text, subtitle text, publisher text, series text, subjects text, covers text, identifiers text, contributors text
) with (autovacuum_enabled = off);
create unlogged table catalog_import_work (
    work_id integer, revision integer, title text, author_ids integer[], first_year smallint, subjects text
) with (autovacuum_enabled = off);
create unlogged table catalog_import_author (
    author_id integer, revision integer, name text, author_hash integer
) with (autovacuum_enabled = off);
create unlogged table catalog_import_redirect (
    kind text, id integer, target integer, revision integer
) with (autovacuum_enabled = off);

create table catalog_dump_edition_new (like catalog_dump_edition including comments) with (autovacuum_enabled = off);

-- name: start
-- Stores the options of a new import; returns its number.
insert into catalog_import_state (options) values (%(options)s) returning import_id;

-- name: drop_staging
-- Removes the staging tables and unfinished new tables, and gives their space back.
drop table if exists catalog_import_state, catalog_import_block, catalog_import_edition, catalog_import_work,
    catalog_import_author, catalog_import_redirect, catalog_import_moved, catalog_import_known_author,
    catalog_dump_edition_new, catalog_dump_work_new;

-- name: blocks
-- The blocks of a file that are stored: number, checksum and lines.
select number, checksum, lines from catalog_import_block where role = %(role)s;

-- name: add_block
-- Marks a block as stored, in the transaction of its rows; no row when the staging tables are not those of this import any more.
insert into catalog_import_block (role, number, checksum, lines, counts)
select %(role)s, %(number)s, %(checksum)s, %(lines)s, %(counts)s from catalog_import_state where import_id = %(import_id)s;

-- name: still_there
-- Locks the staging tables of this import; no row when a crash of the server has emptied them.
select import_id from catalog_import_state where import_id = %(import_id)s for share;

-- name: store_settings
-- A crash of the server ends the import anyway, so its blocks need not wait for the disk; the swap does.
set local synchronous_commit = off;

-- name: copy_new
-- Copies editions of a block that are whole.
copy catalog_dump_edition_new (
    isbn13, edition_id, revision, work_id, title_hash, author_hash, head_block, tail_block, published, pages, format, language, title,
    subtitle, publisher, series, subjects, covers, identifiers, contributors
) from stdin (null '');

-- name: copy_edition
-- Copies editions of a block that need the names of their authors.
copy catalog_import_edition from stdin (null '');

-- name: copy_work
-- Copies works of a block.
copy catalog_import_work from stdin (null '');

-- name: copy_author
-- Copies authors of a block.
copy catalog_import_author from stdin (null '');

-- name: copy_redirect
-- Copies redirects and deletions of a block; a deletion has no target.
copy catalog_import_redirect from stdin (null '');

-- name: counts
-- The counts of all blocks, added up.
select key, sum(value::bigint)::bigint as total from catalog_import_block, jsonb_each_text(counts) group by key;

-- name: build_settings
-- Memory for the joins and indexes of the build, below 1 GiB in all. Parallel joins would share memory in /dev/shm, of which containers
-- have little; parallel aggregates do not.
set local work_mem = '64MB'; set local maintenance_work_mem = '256MB'; set local hash_mem_multiplier = 1;
set local max_parallel_workers_per_gather = 2; set local enable_parallel_hash = off;

-- name: drop_old_authors
-- Of authors with the same key, keeps the newest revision, or a newer deletion or redirect.
delete from catalog_import_author t using (
    select author_id, max(revision) as newest from catalog_import_author group by author_id having count(*) > 1
) d where t.author_id = d.author_id and t.revision < d.newest;
delete from catalog_import_author t using catalog_import_redirect r
where r.kind = 'A' and r.id = t.author_id and r.revision >= t.revision;

-- name: drop_old_works
-- The same for works; of equal ones, the first.
create temporary table catalog_repeated_work on commit drop as
select place from (
    select ctid as place, revision, max(revision) over (partition by work_id) as newest,
        row_number() over (partition by work_id order by revision desc, ctid) as copy
    from catalog_import_work where work_id in (select work_id from catalog_import_work group by work_id having count(*) > 1)
) listed where copy > 1;
delete from catalog_import_work where ctid = any(array(select place from catalog_repeated_work));
delete from catalog_import_work t using catalog_import_redirect r
where r.kind = 'W' and r.id = t.work_id and r.revision >= t.revision;
analyze catalog_import_work;

-- name: follow_redirects
-- The last target of every redirect of works and authors; a deletion, a circle or more than ten steps lead nowhere.
drop table if exists catalog_import_moved;
create unlogged table catalog_import_moved with (autovacuum_enabled = off) as
with recursive step (kind, id, at, depth) as (
    select kind, id, target, 1 from catalog_import_redirect where kind in ('W', 'A')
    union
    select s.kind, s.id, r.target, s.depth + 1 from step s
    join catalog_import_redirect r on r.kind = s.kind and r.id = s.at where s.depth < 10
)
select distinct on (kind, id) kind, id, at as target from step s
where not exists (select from catalog_import_redirect r where r.kind = s.kind and r.id = s.at)
order by kind, id, depth desc;
analyze catalog_import_moved;

-- name: author_names
-- Number, surname's hash and name of every author, also under the numbers that were redirected to another one.
copy (
    select author_id, author_hash, name from catalog_import_author
    union all
    select m.id, a.author_hash, a.name from catalog_import_moved m join catalog_import_author a on m.kind = 'A' and a.author_id = m.target
) to stdout;

-- name: know_authors
-- The same as a table, each author once.
drop table if exists catalog_import_known_author;
create unlogged table catalog_import_known_author with (autovacuum_enabled = off) as
select distinct on (author_id) author_id, name, author_hash from (
    select author_id, name, author_hash from catalog_import_author
    union all
    select m.id, a.name, a.author_hash from catalog_import_moved m join catalog_import_author a on m.kind = 'A' and a.author_id = m.target
) known order by author_id;
create unique index on catalog_import_known_author (author_id);
analyze catalog_import_known_author, catalog_import_edition;

-- name: folder
-- The data folder of a server on this machine; no row when its role may not see it.
select setting as folder from pg_settings
where name = 'data_directory' and coalesce(inet_server_addr() in (inet '127.0.0.1', inet '::1'), true);

-- name: staged_bytes
-- The size of the stored editions and works; what is added to them is not larger.
select pg_total_relation_size('catalog_import_edition') + pg_total_relation_size('catalog_import_work')
    + pg_total_relation_size('catalog_dump_edition_new') as bytes;

-- name: pages
-- The pages of the staged editions, which builders share.
select (pg_relation_size('catalog_import_edition') / current_setting('block_size')::int)::int as pages;

-- name: complete_editions
-- Moves staged editions of some pages to the new table, with the names of their authors (else of their work's).
with taken as (
    delete from catalog_import_edition
    where ctid >= format('(%%s,0)', %(first)s::int)::tid and ctid < format('(%%s,0)', %(end)s::int)::tid
    returning *
)
insert into catalog_dump_edition_new (
    isbn13, edition_id, revision, work_id, title_hash, author_hash, head_block, tail_block, published, pages, format, language, title,
    subtitle, publisher, series, subjects, covers, identifiers, contributors
)
select e.isbn13, e.edition_id, e.revision, e.work_id, e.title_hash, e.author_hash, e.author_hash # e.head, e.author_hash # e.tail,
    e.published, e.pages, e.format, e.language, e.title, e.subtitle, e.publisher, e.series, e.subjects, e.covers, e.identifiers,
    nullif(concat_ws(E'\n', case
        when cardinality(e.ids) > 1 then (
            select string_agg(a.name || E'\t\t' || a.author_id, E'\n' order by place)
            from unnest(e.ids) with ordinality as listed (author_id, place) join catalog_import_known_author a using (author_id)
        )
        when e.name is not null then e.name || E'\t\t' || e.ids[1]
        else e.stated_author
    end, e.contributors), '')
from (
    select e.*, coalesce(e.author_ids, w.author_ids) as ids, a.name, coalesce(a.author_hash, e.stated_hash, 0) as author_hash
    from taken e
    left join catalog_import_moved m on m.kind = 'W' and m.id = e.work_id
    left join catalog_import_work w on e.author_ids is null and w.work_id = coalesce(m.target, e.work_id)
    left join catalog_import_known_author a on a.author_id = (coalesce(e.author_ids, w.author_ids))[1]
) e;

-- name: drop_old_editions
-- Of editions with the same key, keeps the newest revision, or a newer deletion or redirect. Follows the redirects of works.
create temporary table catalog_repeated on commit drop as
select e.ctid as place, e.edition_id, e.isbn13, e.revision from catalog_dump_edition_new e
where e.edition_id in (select edition_id from catalog_dump_edition_new group by edition_id having count(*) > 1);
delete from catalog_dump_edition_new where ctid = any(array(
    select place from (
        select place, revision, max(revision) over (partition by edition_id) as newest,
            row_number() over (partition by edition_id, isbn13 order by revision desc, place) as copy
        from catalog_repeated
    ) listed where revision < newest or copy > 1
));
delete from catalog_dump_edition_new t using catalog_import_redirect r
where r.kind = 'M' and r.id = t.edition_id and r.revision >= t.revision;
update catalog_dump_edition_new e set work_id = m.target from catalog_import_moved m
where m.kind = 'W' and m.id = e.work_id and m.target is not null;

-- name: build_works
-- The works of these editions.
drop table if exists catalog_dump_work_new;
create table catalog_dump_work_new (like catalog_dump_work including comments);
create temporary table catalog_first on commit drop as
select work_id, (min(published) / 10000)::smallint as first_year, min(title) as title
from catalog_dump_edition_new where work_id is not null group by work_id;
insert into catalog_dump_work_new
select e.work_id, least(w.first_year, e.first_year), nullif(w.title, e.title), w.subjects
from catalog_first e left join catalog_import_work w using (work_id);

-- name: index_editions
-- The indexes for ISBNs, works and titles.
drop index if exists catalog_dump_edition_isbn_new, catalog_dump_edition_work_new, catalog_dump_edition_title_new;
create index catalog_dump_edition_isbn_new on catalog_dump_edition_new (isbn13);
create index catalog_dump_edition_work_new on catalog_dump_edition_new (work_id);
create index catalog_dump_edition_title_new on catalog_dump_edition_new (title_hash, author_hash);

-- name: index_works_and_blocks
-- The index of works, and those for blocks.
drop index if exists catalog_dump_edition_head_new, catalog_dump_edition_tail_new;
create unique index catalog_dump_work_id_new on catalog_dump_work_new (work_id);
create index catalog_dump_edition_head_new on catalog_dump_edition_new (head_block);
create index catalog_dump_edition_tail_new on catalog_dump_edition_new (tail_block);

-- name: count_new
-- The rows of the new table; before the swap, which questions wait for.
select count(*) as editions from catalog_dump_edition_new;

-- name: swap
-- The new tables take the place of the old ones. Questions wait for this statement and then see the new tables.
analyze catalog_dump_edition_new, catalog_dump_work_new;
drop table catalog_dump_edition, catalog_dump_work;
alter table catalog_dump_edition_new reset (autovacuum_enabled);
alter table catalog_dump_edition_new rename to catalog_dump_edition;
alter table catalog_dump_work_new rename to catalog_dump_work;
alter index catalog_dump_edition_isbn_new rename to catalog_dump_edition_isbn;
alter index catalog_dump_edition_work_new rename to catalog_dump_edition_work;
alter index catalog_dump_edition_title_new rename to catalog_dump_edition_title;
alter index catalog_dump_edition_head_new rename to catalog_dump_edition_head;
alter index catalog_dump_edition_tail_new rename to catalog_dump_edition_tail;
alter index catalog_dump_work_id_new rename to catalog_dump_work_id;
update catalog_load set dropped_at = now() where kind = 'dump' and dropped_at is null;

-- name: add_load
-- Records the import; its number is the new revision of the catalogue.
insert into catalog_load (name, digest, editions, set_aside, kind, details)
values (%(name)s, gen_random_uuid()::text, %(editions)s, %(rejected)s, 'dump', %(details)s);
