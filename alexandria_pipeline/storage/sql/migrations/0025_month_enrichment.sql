-- What the served rows of a month were computed from, so that a run that finds the same does not compute them again.

create table month_enrichment (
    year        smallint not null,
    month       smallint not null check (month between 1 and 12),
    stage       text not null,
    inputs      text not null,
    report      json not null,
    computed_at timestamptz not null default now(),
    primary key (year, month, stage)
);
comment on table month_enrichment is
    'What the editions, works and authors of a month were last computed from. Rows may be removed: the next run computes again.';
comment on column month_enrichment.stage is 'The asset that computed them, such as enriched_works.';
comment on column month_enrichment.inputs is
    'A digest of claims, locks, judgements, served rows and of the code; when it is the same, computing would change nothing.';
comment on column month_enrichment.report is 'Counts, coverage and sample as the asset shows them, in their order.';
comment on column month_enrichment.year is 'Year of the month.';
comment on column month_enrichment.month is 'Month of the year.';
comment on column month_enrichment.computed_at is 'When.';
