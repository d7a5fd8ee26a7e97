-- Comments on the columns of the library that had none. docs/data-dictionary.md is made from them.

comment on column enriched_works.work_id is 'Id of the row; never used again.';
comment on column enriched_works.work_key is 'Key of the work; it never changes, also when an ISBN is found.';
comment on column enriched_works.title_key is 'Folded main title, to find works by.';
comment on column enriched_works.author_key is 'Folded surname of the first author, to find works by.';
comment on column enriched_works.synthetic is 'True until an ISBN of an edition is found.';
comment on column enriched_works.primary_provider is 'What first named the work: a generator, as in "gemini-backfill".';
comment on column enriched_works.completeness is 'Share of the named fields that have a value, 0 to 100.';
comment on column enriched_works.isbn13 is 'ISBN-13 of the edition that proves the work; null for a synthetic work.';
comment on column enriched_works.confidence is 'Probability in percent that the ISBN is one of this work.';
comment on column enriched_works.resolved_by is 'The service, or "review", that found the ISBN.';
comment on column enriched_works.resolved_at is 'When the ISBN was found.';
comment on column enriched_works.last_tried_at is 'When its ISBN was last searched for.';
comment on column enriched_works.metadata is 'What the generators stated when they listed it.';
comment on column enriched_works.created_at is 'When the work was first listed.';
comment on column enriched_works.updated_at is 'When the row last changed.';

comment on column enriched_editions.isbn13 is 'ISBN-13, thirteen digits.';
comment on column enriched_editions.work_id is 'The work that this is an edition of.';
comment on column enriched_editions.title is 'Title to show.';
comment on column enriched_editions.subtitle is 'Subtitle; never a part of the title.';
comment on column enriched_editions.authors is '[{"name", "role"}], in the order of the title page.';
comment on column enriched_editions.publisher is 'Publisher.';
comment on column enriched_editions.published is 'YYYY, YYYY-MM or YYYY-MM-DD (EDTF), as precise as the source.';
comment on column enriched_editions.language is 'Language tag (BCP 47).';
comment on column enriched_editions.format is 'hardcover, paperback, ebook, audio, other or unknown.';
comment on column enriched_editions.pages is 'Number of pages.';
comment on column enriched_editions.identifiers is '{scheme: [values]}.';
comment on column enriched_editions.provenance is 'For each field: source, records, rule, and how many claims lost.';
comment on column enriched_editions.primary_provider is 'The service that first knew the edition.';
comment on column enriched_editions.completeness is 'Share of the named fields that have a value, 0 to 100.';
comment on column enriched_editions.created_at is 'When the edition was first found.';
comment on column enriched_editions.updated_at is 'When the row last changed.';

comment on column enriched_authors.author_id is 'Id of the row; never used again.';
comment on column enriched_authors.name is 'Name to show, as "First Last".';
comment on column enriched_authors.identifiers is '{scheme: [values]}.';
comment on column enriched_authors.metadata is 'Not used.';
comment on column enriched_authors.created_at is 'When the author was first found.';
comment on column enriched_authors.updated_at is 'When the row last changed.';

comment on table work_authors is 'The authors of works, in order.';
comment on column work_authors.work_id is 'The work.';
comment on column work_authors.author_id is 'The author.';
comment on column work_authors.role is 'What the person did; "author".';
comment on column work_authors.position is 'Place in the list of authors, from 0.';

comment on column work_alias.work_key is 'A retired key.';
comment on column work_alias.work_id is 'The work that it leads to.';
comment on column work_alias.created_at is 'When the key was retired.';

comment on column enrichment_log.enrichment_id is 'Id of the line.';
comment on column enrichment_log.work_id is 'The work, for a change of a work.';
comment on column enrichment_log.isbn13 is 'The edition, for a change of an edition.';
comment on column enrichment_log.provider is '"claims": computed from claims.';
comment on column enrichment_log.action is 'What was computed.';
comment on column enrichment_log.fields is 'The fields that changed.';
comment on column enrichment_log.run_id is 'The run, or the person and decision.';
comment on column enrichment_log.duration_ms is 'Not used.';
comment on column enrichment_log.logged_at is 'When.';
