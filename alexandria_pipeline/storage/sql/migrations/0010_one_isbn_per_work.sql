-- A book that has an ISBN has that of its work, the edition of a work belongs to it, and a key leads to one work.
-- Rows that contradict this are corrected first: the work decides.

update generated_book b
set isbn13 = w.isbn13, provider = w.resolved_by, confidence = w.confidence
from enriched_works w
where w.work_id = b.work_id and b.outcome = 'resolved' and not w.synthetic and b.isbn13 <> w.isbn13;

update generated_book b
set outcome = 'deferred', isbn13 = null, provider = null, confidence = null, reason = 'its work has no ISBN'
from enriched_works w
where w.work_id = b.work_id and b.outcome = 'resolved' and w.synthetic;

create unique index enriched_works_with_isbn on enriched_works (work_id, isbn13);
alter table generated_book add constraint generated_book_isbn_of_work
    foreign key (work_id, isbn13) references enriched_works (work_id, isbn13);

create unique index enriched_editions_with_work on enriched_editions (isbn13, work_id);
alter table enriched_works add constraint enriched_works_edition_of_work
    foreign key (isbn13, work_id) references enriched_editions (isbn13, work_id) not valid;

create function refuse_key_of_another_work() returns trigger language plpgsql as $$
begin
    if exists (select from enriched_works w join work_alias a using (work_key) where w.work_key = new.work_key) then
        raise exception 'the key % leads to two works', new.work_key using errcode = 'unique_violation';
    end if;
    return null;
end
$$;
comment on function refuse_key_of_another_work is 'A key is that of a work or a retired one, never both.';
create constraint trigger enriched_works_key after insert or update of work_key on enriched_works
    deferrable initially deferred for each row execute function refuse_key_of_another_work();
create constraint trigger work_alias_key after insert or update of work_key on work_alias
    deferrable initially deferred for each row execute function refuse_key_of_another_work();
