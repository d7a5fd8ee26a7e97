-- The read API: indexes for words and identifiers, and the changes that another system can follow.

create index enriched_works_words on enriched_works using gin (to_tsvector('simple', title || ' ' || author));
create index enriched_authors_words on enriched_authors using gin (to_tsvector('simple', name));
create index enriched_editions_identifiers on enriched_editions using gin (identifiers jsonb_path_ops);

create function library_epoch() returns text language sql stable as $$
    select c.system_identifier || '.' || d.oid from pg_control_system() c, pg_database d where d.datname = current_database()
$$;
comment on function library_epoch is
    'Names this database: another one after a restore or a move, whose transaction numbers mean nothing to a follower of the old one.';

create table library_change (
    change_id   bigint generated always as identity primary key,
    xid         xid8 not null default pg_current_xact_id(),
    epoch       text not null default library_epoch(),
    kind        text not null check (kind in ('work', 'edition', 'author')),
    key         text not null,
    action      text not null check (action in ('changed', 'removed', 'pruned')),
    changed_at  timestamptz not null default clock_timestamp()
);
comment on table library_change is 'What changed in works, editions and authors, for /api/v1/changes. Rows are added by triggers and pruned by age.';
comment on column library_change.change_id is 'Id of the change.';
comment on column library_change.xid is
    'The transaction. Followers read in its order and only what is older than every running transaction, so that none is missed.';
comment on column library_change.epoch is 'library_epoch() at the time.';
comment on column library_change.kind is 'What changed.';
comment on column library_change.key is 'work_key, ISBN-13 or author_key.';
comment on column library_change.action is 'removed: the key has no row any more; pruned: this change and those before it are gone.';
comment on column library_change.changed_at is 'When.';
create index library_change_order on library_change (xid, change_id);

-- Only added, never updated: writers of the same work must not wait for each other here.
create function note_library_change() returns trigger language plpgsql as $$
declare
    kind constant text := tg_argv[0];
    of_key constant text := tg_argv[1];
    was constant jsonb := case when tg_op = 'INSERT' then '{}' else to_jsonb(old) end;
    is_now constant jsonb := case when tg_op = 'DELETE' then '{}' else to_jsonb(new) end;
begin
    if was - 'last_tried_at' - 'updated_at' = is_now - 'last_tried_at' - 'updated_at' then
        return null;
    end if;
    if was ->> of_key is not null and was ->> of_key is distinct from is_now ->> of_key then
        insert into library_change (kind, key, action) values (kind, was ->> of_key, 'removed');
    end if;
    if is_now ->> of_key is not null then
        insert into library_change (kind, key, action) values (kind, is_now ->> of_key, 'changed');
    end if;
    return null;
end
$$;
comment on function note_library_change is 'Adds a change; its arguments are the kind and the column of the key. The time of a search is no change.';
create trigger enriched_works_change after insert or update or delete on enriched_works
    for each row execute function note_library_change('work', 'work_key');
create trigger enriched_editions_change after insert or update or delete on enriched_editions
    for each row execute function note_library_change('edition', 'isbn13');
create trigger enriched_authors_change after insert or update or delete on enriched_authors
    for each row execute function note_library_change('author', 'author_key');

-- A month that lists a work is a change of the work.
create function note_listed_work() returns trigger language plpgsql as $$
begin
    insert into library_change (kind, key, action) select 'work', work_key, 'changed' from enriched_works where work_id = new.work_id;
    return null;
end
$$;
comment on function note_listed_work is 'Adds a change of the work of a book.';
create trigger generated_book_lists after insert on generated_book
    for each row when (new.work_id is not null) execute function note_listed_work();
create trigger generated_book_joins after update of work_id on generated_book
    for each row when (new.work_id is distinct from old.work_id and new.work_id is not null) execute function note_listed_work();
