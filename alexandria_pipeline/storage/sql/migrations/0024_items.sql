-- Works, editions and authors as the read API gives them: one row and one JSON value each.

create view edition_item as
select e.isbn13, e.work_id, json_build_object(
    'isbn13', e.isbn13, 'work_key', w.work_key, 'title', e.title, 'subtitle', e.subtitle, 'authors', e.authors,
    'publisher', e.publisher, 'published', e.published, 'language', e.language, 'format', e.format, 'pages', e.pages,
    'contributors', e.contributors, 'description', e.description, 'subjects', e.subjects, 'series', e.series,
    'series_position', e.series_position, 'cover', e.cover, 'identifiers', e.identifiers, 'source', e.primary_provider,
    'completeness', e.completeness, 'quality', e.quality, 'updated_at', e.updated_at) as item
from enriched_editions e join enriched_works w using (work_id);
comment on view edition_item is 'Editions as JSON, in the form of /api/v1/editions.';

create view work_item as
select w.work_id, w.work_key, w.merged_into, json_build_object(
    'key', w.work_key, 'title', w.title, 'author', w.author, 'isbn13', w.isbn13, 'confidence', w.confidence,
    'resolved_by', w.resolved_by, 'synthetic', w.synthetic, 'first_published', w.first_published, 'description', w.description,
    'subjects', w.subjects, 'series', w.series, 'series_position', w.series_position, 'cover', w.cover, 'ratings', w.ratings,
    'awards', w.awards, 'identifiers', w.identifiers, 'completeness', w.completeness, 'quality', w.quality,
    'updated_at', w.updated_at,
    'months', array(select distinct to_char(make_date(b.year, b.month, 1), 'YYYY-MM') from generated_book b
                    where b.work_id = w.work_id order by 1),
    'other_keys', array(select a.work_key from work_alias a where a.work_id = w.work_id order by 1),
    'editions', (select coalesce(json_agg(e.item order by e.isbn13), '[]') from edition_item e where e.work_id = w.work_id)) as item
from enriched_works w;
comment on view work_item is 'Works with their editions as JSON, in the form of /api/v1/works. merged_into: the work that it proved to be.';

create view author_item as
select a.author_id, a.author_key, a.merged_into, json_build_object(
    'key', a.author_key, 'name', a.name, 'born', a.born, 'died', a.died, 'biography', a.biography,
    'biography_source', a.biography_source, 'biography_licence', a.biography_licence, 'portrait_url', a.portrait_url, 'undifferentiated', a.undifferentiated,
    'identifiers', a.identifiers, 'updated_at', a.updated_at) as item
from enriched_authors a;
comment on view author_item is 'Authors as JSON, in the form of /api/v1/authors. merged_into: the author that it proved to be.';
