-- One row a book, with all that a page of a bookshop or a library shows; and the members of clusters by index.

create index enriched_works_merged_into_idx on enriched_works (merged_into) where merged_into is not null;
create index enriched_authors_merged_into_idx on enriched_authors (merged_into) where merged_into is not null;

create view catalogue_page as
select w.work_key, w.title, e.subtitle, w.author,
       (select coalesce(jsonb_agg(jsonb_build_object(
                   'author_key', a.author_key, 'name', a.name, 'credited', l.credited, 'born', a.born, 'died', a.died, 'biography', a.biography,
                   'biography_source', a.biography_source, 'biography_licence', a.biography_licence,
                   'biography_fetched_at', (select max(s.fetched_at) from source_record s
                                            where s.record_id in (select each::bigint from jsonb_array_elements_text(a.provenance -> 'biography' -> 'records') each)),
                   'portrait_url', a.portrait_url) order by l.position), '[]')
        from work_authors l
        join enriched_authors o on o.author_id = l.author_id
        join enriched_authors a on a.author_id = coalesce(o.merged_into, o.author_id)
        where l.work_id = w.work_id and l.role = 'author') as authors,
       w.first_published, w.description, w.series, w.series_position,
       array(select each ->> 'name' from jsonb_array_elements(w.subjects) each) as subjects,
       coalesce(w.cover, e.cover) ->> 'url' as cover_url,
       coalesce(w.cover, e.cover) ->> 'source' as cover_source,
       coalesce(w.cover, e.cover) ->> 'licence' as cover_licence,
       w.rating_average, w.rating_count, w.awards, w.public_domain ->> 'status' as public_domain,
       w.isbn13, e.publisher, e.published, e.pages, e.format, e.language,
       (select coalesce(jsonb_agg(jsonb_build_object(
                   'isbn13', o.isbn13, 'title', o.title, 'format', o.format, 'language', o.language, 'publisher', o.publisher,
                   'published', o.published, 'pages', o.pages, 'cover_url', o.cover ->> 'url') order by o.isbn13), '[]')
        from (select w.work_id as id union all select m.work_id from enriched_works m where m.merged_into = w.work_id) own
        join enriched_editions o on o.work_id = own.id) as editions,
       w.variants, w.translations, w.identifiers, w.completeness, w.quality, w.updated_at
from enriched_works w left join enriched_editions e on e.isbn13 = w.isbn13
where w.merged_into is null;

comment on view catalogue_page is 'One row a book, with all that a page about it shows. Books without an ISBN are there, too; works that proved to be another one are not.';
comment on column catalogue_page.work_key is 'Key of the work; it never changes.';
comment on column catalogue_page.title is 'Title to show.';
comment on column catalogue_page.subtitle is 'Subtitle of the edition in isbn13.';
comment on column catalogue_page.author is 'The authors, separated by commas.';
comment on column catalogue_page.authors is 'The authors in order: [{"author_key", "name", "credited", "born", "died", "biography", "biography_source", "biography_licence", "biography_fetched_at", "portrait_url"}].';
comment on column catalogue_page.first_published is 'The year in which the work was first published.';
comment on column catalogue_page.description is 'Plain text.';
comment on column catalogue_page.series is 'Name of the series.';
comment on column catalogue_page.series_position is 'Position in the series, as written.';
comment on column catalogue_page.subjects is 'The subjects, those of most sources first.';
comment on column catalogue_page.cover_url is 'The address of a picture of the cover.';
comment on column catalogue_page.cover_source is 'The service that has the picture.';
comment on column catalogue_page.cover_licence is 'The licence of the picture; null: its source states none, and its rights are those of the publisher.';
comment on column catalogue_page.rating_average is 'The average (0 to 5) of the source with the most readers.';
comment on column catalogue_page.rating_count is 'The number of ratings of that source.';
comment on column catalogue_page.awards is '[{"name", "year", "won", "source"}].';
comment on column catalogue_page.public_domain is 'yes or no; null: unknown.';
comment on column catalogue_page.isbn13 is 'The edition that the columns behind it are about; null: no ISBN is known.';
comment on column catalogue_page.publisher is 'Publisher of this edition.';
comment on column catalogue_page.published is 'YYYY, YYYY-MM or YYYY-MM-DD: when this edition was published.';
comment on column catalogue_page.pages is 'Number of pages of this edition.';
comment on column catalogue_page.format is 'hardcover, paperback, ebook, audio, other or unknown.';
comment on column catalogue_page.language is 'Language tag (BCP 47) of this edition.';
comment on column catalogue_page.editions is 'All editions in this database: [{"isbn13", "title", "format", "language", "publisher", "published", "pages", "cover_url"}].';
comment on column catalogue_page.variants is 'Other editions that services name: [{"isbn13", "title", "format", "language", "publisher", "published", "source"}].';
comment on column catalogue_page.translations is '[{"language", "title", "isbn13", "translators", "source"}].';
comment on column catalogue_page.identifiers is '{scheme: [values]}.';
comment on column catalogue_page.completeness is 'Share of the named fields that have a value, 0 to 100.';
comment on column catalogue_page.quality is 'How good the sources of the fields are, 0 to 100.';
comment on column catalogue_page.updated_at is 'When the row of the work last changed.';

comment on column enriched_works.cover is '{"url", "width", "height", "source", "licence"}: the address of a picture, not the picture. licence null: its source states none.';
comment on column enriched_editions.cover is '{"url", "width", "height", "source", "licence"}: the address of a picture, not the picture. licence null: its source states none.';
