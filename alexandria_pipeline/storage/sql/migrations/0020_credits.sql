-- How each work names its authors: the row of an author is computed from all of its works, in whatever order they were computed.

alter table work_authors
    add column credited text check (credited <> ''),
    add column identifiers jsonb not null default '{}';
comment on column work_authors.credited is 'The name as the sources of this work give it; null: as in enriched_authors.';
comment on column work_authors.identifiers is '{scheme: value}: the identifiers of the author in the sources of this work.';
