-- Enrichment: what each source stated is kept as claims; the served columns of editions, works and authors are computed from them.

create table source_record (
    record_id    bigint generated always as identity primary key,
    provider     text not null,
    kind         text not null check (kind in ('edition', 'work', 'author')),
    part         text not null,
    subject      text not null check (subject <> ''),
    digest       text not null,
    run_id       text not null,
    fetched_at   timestamptz not null default clock_timestamp(),
    replaced_at  timestamptz
);
comment on table source_record is 'What one service stated about one thing, once. A changed answer is a new row; the old one stays, replaced.';
comment on column source_record.record_id is 'Id of the answer; provenance names it.';
comment on column source_record.provider is 'The service or list that stated it.';
comment on column source_record.kind is 'What it is about: an edition, the work of an edition, or an author.';
comment on column source_record.part is 'Which answer of the service: metadata, ratings, series …; "resolution" is the record that the search for the ISBN found.';
comment on column source_record.subject is 'ISBN-13 for an edition and for its work; author_key for an author.';
comment on column source_record.digest is 'Hash of the facts. An equal answer later is not stored again.';
comment on column source_record.run_id is 'The run that stored it.';
comment on column source_record.fetched_at is 'When it was stored.';
comment on column source_record.replaced_at is 'When a later answer of the same service replaced it; null: current.';
create unique index source_record_current on source_record (kind, subject, provider, part) where replaced_at is null;

create table claim (
    record_id  bigint not null references source_record on delete cascade,
    field      text not null,
    value      jsonb not null check (value <> 'null'::jsonb),
    rank       text not null default 'normal' check (rank in ('preferred', 'normal', 'deprecated')),
    reason     text not null default '',
    primary key (record_id, field),
    check (rank = 'normal' or reason <> '')
);
comment on table claim is 'One fact of one answer. Absence is not a claim. Never changed, but its rank may be.';
comment on column claim.record_id is 'The answer.';
comment on column claim.field is 'The field, as in docs/data-dictionary.md.';
comment on column claim.value is 'The value as stated.';
comment on column claim.rank is 'deprecated: never served; preferred: served before others.';
comment on column claim.reason is 'Why the rank is not normal.';

create table field_lock (
    lock_id       bigint generated always as identity primary key,
    kind          text not null check (kind in ('edition', 'work', 'author')),
    subject       text not null,
    field         text not null,
    value         jsonb,
    locked_by     text not null,
    locked_at     timestamptz not null default clock_timestamp(),
    withdrawn_at  timestamptz
);
comment on table field_lock is 'Decisions of people about fields. Nothing overrides them.';
comment on column field_lock.lock_id is 'Id of the decision.';
comment on column field_lock.kind is 'What it is about.';
comment on column field_lock.subject is 'ISBN-13, work_key or author_key.';
comment on column field_lock.field is 'The field.';
comment on column field_lock.value is 'The value to serve; null: serve nothing.';
comment on column field_lock.locked_by is 'Who decided.';
comment on column field_lock.locked_at is 'When.';
comment on column field_lock.withdrawn_at is 'When the decision was withdrawn or replaced; null: in force.';
create unique index field_lock_in_force on field_lock (kind, subject, field) where withdrawn_at is null;

create table identity_judgement (
    judgement_id  bigint generated always as identity primary key,
    kind          text not null check (kind in ('work', 'author')),
    left_key      text not null,
    right_key     text not null,
    verdict       text not null check (verdict in ('same', 'different', 'unsure')),
    rule          text not null,
    evidence      jsonb not null default '{}',
    decided_by    text not null,
    decided_at    timestamptz not null default clock_timestamp(),
    withdrawn_at  timestamptz,
    check (left_key < right_key)
);
comment on table identity_judgement is 'Whether two works or authors are one. Rows are added and withdrawn, never changed.';
comment on column identity_judgement.judgement_id is 'Id of the judgement.';
comment on column identity_judgement.kind is 'works or authors.';
comment on column identity_judgement.left_key is 'The lesser key of the two.';
comment on column identity_judgement.right_key is 'The greater key.';
comment on column identity_judgement.verdict is 'same, different, or unsure (for a person to decide).';
comment on column identity_judgement.rule is 'The rule that decided, or "person".';
comment on column identity_judgement.evidence is 'What spoke for it.';
comment on column identity_judgement.decided_by is 'The run or the person.';
comment on column identity_judgement.decided_at is 'When.';
comment on column identity_judgement.withdrawn_at is 'When it was withdrawn; null: in force.';
create unique index identity_judgement_in_force on identity_judgement (kind, left_key, right_key) where withdrawn_at is null;

create table enrichment_request (
    kind      text not null check (kind in ('edition', 'work', 'author')),
    subject   text not null,
    provider  text not null,
    part      text not null,
    outcome   text not null check (outcome in ('asking', 'found', 'not_found', 'unavailable', 'failed')),
    reason    text not null default '',
    run_id    text not null,
    asked_at  timestamptz not null default clock_timestamp(),
    primary key (kind, subject, provider, part)
);
comment on table enrichment_request is 'The last request of each service about each thing, so that none is repeated and what is owed is known.';
comment on column enrichment_request.kind is 'What was asked about.';
comment on column enrichment_request.subject is 'ISBN-13 or author_key.';
comment on column enrichment_request.provider is 'The service.';
comment on column enrichment_request.part is 'The capability.';
comment on column enrichment_request.outcome is 'asking: a run asks now; unavailable, failed: the service owes an answer, a later run asks again.';
comment on column enrichment_request.reason is 'Why there is no answer.';
comment on column enrichment_request.run_id is 'The run that asked.';
comment on column enrichment_request.asked_at is 'When.';
create index enrichment_request_owed on enrichment_request (provider, asked_at) where outcome in ('unavailable', 'failed');

create table field_conflict (
    kind      text not null check (kind in ('edition', 'work', 'author')),
    subject   text not null,
    field     text not null,
    detail    text not null,
    found_at  timestamptz not null default clock_timestamp(),
    primary key (kind, subject, field)
);
comment on table field_conflict is 'Fields whose sources contradict each other, for a person. A row goes when the sources agree or a lock decides.';
comment on column field_conflict.kind is 'What it is about.';
comment on column field_conflict.subject is 'ISBN-13, work_key or author_key.';
comment on column field_conflict.field is 'The field.';
comment on column field_conflict.detail is 'The values that contradict each other.';
comment on column field_conflict.found_at is 'When it was first seen.';

create table external_id (
    kind     text not null check (kind in ('edition', 'work', 'author')),
    subject  text not null,
    scheme   text not null,
    value    text not null,
    primary key (kind, subject, scheme, value)
);
comment on table external_id is 'Identifiers in other catalogues, as text: numbers lose leading zeros. Computed from claims.';
comment on column external_id.kind is 'What it identifies.';
comment on column external_id.subject is 'ISBN-13, work_key or author_key.';
comment on column external_id.scheme is 'openlibrary_work, wikidata, oclc, lccn, goodreads …';
comment on column external_id.value is 'The identifier.';
create index external_id_value on external_id (scheme, value);

-- The served columns.

alter table enriched_editions
    add column contributors jsonb not null default '[]',
    add column description text,
    add column subjects jsonb not null default '[]',
    add column series text,
    add column series_position text,
    add column cover jsonb,
    add column quality smallint not null default 0 check (quality between 0 and 100),
    add column enriched_at timestamptz,
    drop constraint enriched_editions_published_check,
    add constraint enriched_editions_published_check check (published ~ '^[0-9]{4}(-[0-9]{2}){0,2}$');
comment on column enriched_editions.contributors is 'Translators, illustrators, narrators, editors: [{"name", "role"}].';
comment on column enriched_editions.description is 'Plain text.';
comment on column enriched_editions.subjects is '[{"name", "sources"}].';
comment on column enriched_editions.series is 'Name of the series; name and position are from one source.';
comment on column enriched_editions.series_position is 'Position in the series, as written.';
comment on column enriched_editions.cover is '{"url", "width", "height", "source"}: the address of a picture, not the picture.';
comment on column enriched_editions.quality is 'How good the sources of the fields are, 0 to 100.';
comment on column enriched_editions.enriched_at is 'When it was first computed from claims; null: as the search found it.';

alter table enriched_works
    add column listed_title text,
    add column listed_author text,
    add column first_published smallint check (first_published between 1 and 2200),
    add column description text,
    add column subjects jsonb not null default '[]',
    add column series text,
    add column series_position text,
    add column cover jsonb,
    add column ratings jsonb not null default '[]',
    add column rating_average numeric(3, 2) check (rating_average between 0 and 5),
    add column rating_count integer check (rating_count >= 0),
    add column awards jsonb not null default '[]',
    add column translations jsonb not null default '[]',
    add column variants jsonb not null default '[]',
    add column public_domain jsonb,
    add column identifiers jsonb not null default '{}',
    add column provenance jsonb not null default '{}',
    add column quality smallint not null default 0 check (quality between 0 and 100),
    add column enriched_at timestamptz,
    add column merged_into bigint references enriched_works (work_id) check (merged_into <> work_id);
update enriched_works set listed_title = title, listed_author = author;
comment on column enriched_works.title is 'The title to show: chosen from claims, or as listed while there are none.';
comment on column enriched_works.author is 'The authors to show, separated by commas; work_authors has them one by one.';
comment on column enriched_works.listed_title is 'The title as it was listed; comparisons with new listings use it. null: as title.';
comment on column enriched_works.listed_author is 'The author as listed. null: as author.';
comment on column enriched_works.first_published is 'The year in which the work was first published, from sources of works.';
comment on column enriched_works.description is 'Plain text.';
comment on column enriched_works.subjects is '[{"name", "sources"}].';
comment on column enriched_works.series is 'Name of the series; name and position are from one source.';
comment on column enriched_works.series_position is 'Position in the series, as written.';
comment on column enriched_works.cover is '{"url", "width", "height", "source"}: the address of a picture, not the picture.';
comment on column enriched_works.ratings is '[{"source", "average", "count"}], the one with the most readers first.';
comment on column enriched_works.rating_average is 'The average (0 to 5) of the source with the most readers.';
comment on column enriched_works.rating_count is 'The number of ratings of that source.';
comment on column enriched_works.awards is '[{"name", "year", "won", "source"}].';
comment on column enriched_works.translations is '[{"language", "title", "isbn13", "translators", "source"}].';
comment on column enriched_works.variants is 'Other editions: [{"isbn13", "title", "format", "language", "publisher", "published", "source"}].';
comment on column enriched_works.public_domain is '{"status", "basis", "source"}.';
comment on column enriched_works.identifiers is '{scheme: [values]}.';
comment on column enriched_works.provenance is 'For each field: source, records, rule, and how many claims lost.';
comment on column enriched_works.quality is 'How good the sources of the fields are, 0 to 100.';
comment on column enriched_works.enriched_at is 'When it was first computed from claims.';
comment on column enriched_works.merged_into is 'The work that this one proved to be, by a judgement; null: it stands for itself.';

alter table enriched_authors
    drop constraint enriched_authors_name_key_key,
    add column author_key text unique,
    add column born text check (born ~ '^[0-9]{4}(-[0-9]{2}){0,2}$'),
    add column died text check (died ~ '^[0-9]{4}(-[0-9]{2}){0,2}$'),
    add column biography text,
    add column biography_source text,
    add column portrait_url text,
    add column provenance jsonb not null default '{}',
    add column undifferentiated boolean not null default true,
    add column completeness smallint not null default 0 check (completeness between 0 and 100),
    add column quality smallint not null default 0 check (quality between 0 and 100),
    add column merged_into bigint references enriched_authors (author_id) check (merged_into <> author_id);
create index enriched_authors_name on enriched_authors (name_key);
comment on table enriched_authors is 'Authors. A name alone is no identity: without an identifier, an author is of one work.';
comment on column enriched_authors.author_key is 'An identifier ("openlibrary_author:OL26320A"), or name and work ("name:frank herbert:WORK_KEY").';
comment on column enriched_authors.name_key is 'The normalised name, to search by.';
comment on column enriched_authors.born is 'YYYY, YYYY-MM or YYYY-MM-DD.';
comment on column enriched_authors.died is 'YYYY, YYYY-MM or YYYY-MM-DD.';
comment on column enriched_authors.biography is 'Plain text.';
comment on column enriched_authors.biography_source is 'The service that it is from; docs/services has its licence.';
comment on column enriched_authors.portrait_url is 'The address of a picture.';
comment on column enriched_authors.provenance is 'For each field: source, records, rule, and how many claims lost.';
comment on column enriched_authors.undifferentiated is 'Known by name only: other rows may be the same person.';
comment on column enriched_authors.completeness is 'Share of the named fields that have a value, 0 to 100.';
comment on column enriched_authors.quality is 'How good the sources of the fields are, 0 to 100.';
comment on column enriched_authors.merged_into is 'The author that this one proved to be, by a judgement; null: it stands for itself.';

alter table enrichment_log
    add column subject text,
    add column before jsonb,
    add column after jsonb;
comment on table enrichment_log is 'What changed in the served columns, by which run.';
comment on column enrichment_log.subject is 'ISBN-13, work_key or author_key.';
comment on column enrichment_log.before is 'The changed fields before.';
comment on column enrichment_log.after is 'The changed fields afterwards.';
