-- The ISBNs that lists state are checked: found by index, in the order of the list, and noted when they cannot be used.

create function listed_isbns(book bigint) returns text[] language sql stable as $$
    select coalesce(array_agg(isbn order by first, isbn), '{}')
    from (select stated.isbn, min(array[l.reply_id, l.position, stated.place]) as first
          from generated_listing l cross join unnest(l.isbns) with ordinality as stated (isbn, place)
          where l.book_id = book
          group by stated.isbn) each_isbn
$$;
comment on function listed_isbns is 'The ISBNs that lists state for a book, in the order of the lists.';

create index generated_listing_isbns on generated_listing using gin (isbns);

alter table set_aside add column part text not null default 'row' check (part in ('row', 'isbn'));
comment on column set_aside.part is '"row": nothing of the row was used; "isbn": its book is kept, and only its ISBN was not used.';
comment on table set_aside is 'Rows of lists, catalogues and replies that could not be used, or whose ISBN could not, with line and reason.';
