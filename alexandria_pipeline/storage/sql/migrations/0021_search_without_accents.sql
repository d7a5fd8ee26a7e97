-- The search finds words with and without accents: "Bronte" finds "Brontë".

create function without_accents(words text) returns text language sql immutable strict parallel safe as $$
    select pg_catalog.regexp_replace(pg_catalog.normalize(words, 'NFD'), '[\u0300-\u036f]', '', 'g')
$$;
comment on function without_accents(text) is 'The text without the marks above and below its letters, for the search.';

drop index enriched_works_words;
drop index enriched_authors_words;
create index enriched_works_words on enriched_works using gin (to_tsvector('simple', without_accents(title || ' ' || author)));
create index enriched_authors_words on enriched_authors using gin (to_tsvector('simple', without_accents(name)));
