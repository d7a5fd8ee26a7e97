-- The local catalogue from dumps of Open Library, and what loaded files say of an edition besides title, author and date.

create table catalog_dump_edition (
    isbn13        bigint not null,
    edition_id    integer not null,
    work_id       integer,
    title_hash    integer not null,
    author_hash   integer not null,
    head_block    integer not null,
    tail_block    integer not null,
    published     integer,
    pages         smallint,
    format        text,
    language      text,
    title         text not null,
    subtitle      text,
    contributors  text,
    publisher     text,
    series        text,
    subjects      text,
    covers        text,
    identifiers   text
);
comment on table catalog_dump_edition is
    'Editions of the last imported dump: one row per edition and ISBN. `alexandria catalog import` replaces the whole table.';
comment on column catalog_dump_edition.edition_id is 'The number in Open Library''s key: 7 for /books/OL7M. Works and authors likewise.';
comment on column catalog_dump_edition.title_hash is 'domain.catalog_keys: main title; author_hash: surname of the first author, 0 for none.';
comment on column catalog_dump_edition.head_block is 'author_hash xor the hash of the first four letters of the title; tail_block: of the last four.';
comment on column catalog_dump_edition.published is 'yyyymmdd; 00 for an unknown month or day.';
comment on column catalog_dump_edition.format is 'h hardcover, p paperback, e e-book, a audio, o other; null: unknown.';
comment on column catalog_dump_edition.language is 'ISO 639-1.';
comment on column catalog_dump_edition.contributors is 'One a line: name, role (empty: author), number of the author record, separated by tabs.';
comment on column catalog_dump_edition.subjects is 'One a line; series, covers (numbers) and identifiers (scheme, tab, value) likewise.';
create index catalog_dump_edition_isbn on catalog_dump_edition (isbn13);
create index catalog_dump_edition_work on catalog_dump_edition (work_id);
create index catalog_dump_edition_title on catalog_dump_edition (title_hash, author_hash);
create index catalog_dump_edition_head on catalog_dump_edition (head_block);
create index catalog_dump_edition_tail on catalog_dump_edition (tail_block);

create table catalog_dump_work (
    work_id     integer not null,
    first_year  smallint,
    title       text,
    subjects    text
);
comment on table catalog_dump_work is 'Works of the editions in catalog_dump_edition.';
comment on column catalog_dump_work.title is 'Null when the work''s title is that of its editions.';
create unique index catalog_dump_work_id on catalog_dump_work (work_id);

alter table catalog_load
    add column kind text not null default 'file' check (kind in ('file', 'dump')),
    add column details jsonb not null default '{}',
    add column dropped_at timestamptz;
comment on column catalog_load.kind is 'file: rows of catalog_edition; dump: the tables catalog_dump_*, of which the newest load is the content.';
comment on column catalog_load.details is 'Counts of an import: lines, rejected lines, editions left out, by reason.';
comment on column catalog_load.dropped_at is 'When the load was dropped or replaced; its rows are gone.';

alter table catalog_edition
    add column subtitle text,
    add column contributors text,
    add column format text,
    add column pages integer,
    add column series text,
    add column subjects text,
    add column covers text,
    add column identifiers text,
    add column work text,
    add column first_year integer;
comment on column catalog_edition.contributors is 'As in catalog_dump_edition; null: the column author has all that is known.';
