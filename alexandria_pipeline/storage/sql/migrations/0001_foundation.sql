-- The tables of the pipeline. A month of books leaves its trace here at every step, so that any step can be run again.

create extension if not exists pg_trgm;

-- Months: one row each, with the state machine of a month and the figures of its last run.

create table backfill_log (
    year             smallint not null check (year between 1450 and 9998),
    month            smallint not null check (month between 1 and 12),
    status           text not null default 'pending'
                     check (status in ('pending', 'processing', 'completed', 'retry', 'failed')),
    books_generated  integer not null default 0 check (books_generated >= 0),
    isbns_resolved   integer not null default 0 check (isbns_resolved >= 0),
    resolution_rate  numeric(5, 2) not null default 0 check (resolution_rate between 0 and 100),
    isbns_queued     integer not null default 0 check (isbns_queued >= 0),
    gemini_calls     integer not null default 0 check (gemini_calls >= 0),
    xai_calls        integer not null default 0 check (xai_calls >= 0),
    isbndb_calls     integer not null default 0 check (isbndb_calls >= 0),
    retry_count      smallint not null default 0 check (retry_count between 0 and 5),
    error_message    text,
    last_retry_at    timestamptz,
    next_attempt_at  timestamptz,
    started_at       timestamptz,
    completed_at     timestamptz,
    prompt_variant   text,
    batch_size       integer check (batch_size > 0),
    owner_run        text,
    owner            text,
    claim            bigint not null default 0,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    primary key (year, month),
    check (isbns_resolved <= books_generated),
    check (isbns_queued <= isbns_resolved),
    check (completed_at >= started_at),
    check (status <> 'processing' or (owner_run is not null and started_at is not null)),
    check (status <> 'completed' or completed_at is not null)
);
comment on table backfill_log is 'One row per month: where it stands, who works on it, and the figures of its last run.';
comment on column backfill_log.claim is
    'Counts the claims of this month. A writer that holds an older number has lost the month, whatever it believes.';
create index backfill_log_status on backfill_log (status, next_attempt_at);

create table month_claim (
    claim_id     bigint generated always as identity primary key,
    year         smallint not null,
    month        smallint not null,
    run_id       text not null,
    owner        text not null,
    claimed_at   timestamptz not null default clock_timestamp(),
    released_at  timestamptz,
    ended_as     text,
    foreign key (year, month) references backfill_log,
    check (released_at >= claimed_at)
);
comment on table month_claim is 'Every ownership of a month there ever was: the evidence for "one owner per month".';
create index month_claim_month on month_claim (year, month, claimed_at);
create index month_claim_open on month_claim (year, month) where released_at is null;

create table stage_log (
    stage_id    bigint generated always as identity primary key,
    year        smallint not null,
    month       smallint not null,
    stage       text not null,
    run_id      text not null,
    status      text not null check (status in ('done', 'failed')),
    error       text,
    counts      jsonb not null default '{}',
    started_at  timestamptz not null,
    ended_at    timestamptz not null default clock_timestamp(),
    foreign key (year, month) references backfill_log,
    unique (year, month, stage, run_id)
);
comment on table stage_log is 'How each stage of each run ended for a month, with its counts.';

-- Lists: the answers of generators as they arrived, and the books read from them.

create table generation_reply (
    reply_id        bigint generated always as identity primary key,
    year            smallint not null,
    month           smallint not null,
    provider        text not null,
    model           text not null,
    prompt_variant  text not null,
    source          text not null default '',
    body            text not null,
    input_tokens    integer not null default 0 check (input_tokens >= 0),
    output_tokens   integer not null default 0 check (output_tokens >= 0),
    cost_usd        numeric(12, 6) not null default 0 check (cost_usd >= 0),
    run_id          text not null,
    received_at     timestamptz not null default clock_timestamp(),
    read_at         timestamptz,
    refusal         text,
    foreign key (year, month) references backfill_log
);
comment on table generation_reply is 'Raw answers of generators, committed before they are read. Paid for once, reused ever after.';
comment on column generation_reply.read_at is 'When its books were stored; a reply without it was kept by a run that ended before reading it.';
comment on column generation_reply.refusal is 'Why the answer holds no list; such an answer is kept but not reused.';
create unique index generation_reply_usable
    on generation_reply (year, month, provider, model, prompt_variant) where refusal is null;

-- Works, editions, authors.

create table enriched_works (
    work_id           bigint generated always as identity primary key,
    work_key          text not null unique check (length(work_key) between 1 and 500),
    title             text not null check (title <> ''),
    author            text not null,
    title_key         text not null,
    author_key        text not null,
    synthetic         boolean not null default true,
    primary_provider  text not null,
    completeness      smallint not null default 30 check (completeness between 0 and 100),
    isbn13            text check (isbn13 ~ '^97[89][0-9]{10}$'),
    confidence        smallint check (confidence between 0 and 100),
    resolved_by       text,
    resolved_at       timestamptz,
    last_tried_at     timestamptz,
    metadata          jsonb not null default '{}',
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    check (synthetic = (isbn13 is null)),
    check (synthetic or (resolved_by is not null and resolved_at is not null and confidence >= 65))
);
comment on table enriched_works is 'Books as works. Synthetic until an ISBN of an edition proves them; then promoted in place, key and all.';
create index enriched_works_title on enriched_works (title_key);
create index enriched_works_synthetic on enriched_works (last_tried_at nulls first, work_id) where synthetic;
create unique index enriched_works_isbn on enriched_works (isbn13) where isbn13 is not null;

create table work_alias (
    work_key    text primary key,
    work_id     bigint not null references enriched_works,
    created_at  timestamptz not null default now()
);
comment on table work_alias is 'Keys of works that proved to be another work, kept so that the key still leads to the book.';
create index work_alias_work on work_alias (work_id);

create table enriched_editions (
    isbn13            text primary key check (isbn13 ~ '^97[89][0-9]{10}$'),
    work_id           bigint not null references enriched_works,
    title             text not null,
    subtitle          text,
    authors           jsonb not null default '[]',
    publisher         text,
    published         text check (published ~ '^[0-9]{4}(-[0-9]{2}){0,2}$'),
    language          text,
    format            text not null default 'unknown',
    pages             integer check (pages > 0),
    identifiers       jsonb not null default '{}',
    provenance        jsonb not null default '{}',
    primary_provider  text not null,
    completeness      smallint not null default 0 check (completeness between 0 and 100),
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now()
);
comment on table enriched_editions is 'Editions by ISBN-13, each of exactly one work; provenance names the source of every field.';
create index enriched_editions_work on enriched_editions (work_id);
alter table enriched_works
    add constraint enriched_works_own_edition foreign key (isbn13) references enriched_editions;

create table enriched_authors (
    author_id    bigint generated always as identity primary key,
    name         text not null check (name <> ''),
    name_key     text not null unique,
    identifiers  jsonb not null default '{}',
    metadata     jsonb not null default '{}',
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now()
);

create table work_authors (
    work_id    bigint not null references enriched_works on delete cascade,
    author_id  bigint not null references enriched_authors,
    role       text not null default 'author',
    position   smallint not null default 0 check (position >= 0),
    primary key (work_id, author_id, role)
);
create index work_authors_author on work_authors (author_id);

-- Books of a month, and who listed them.

create table generated_book (
    book_id      bigint generated always as identity primary key,
    year         smallint not null,
    month        smallint not null,
    title        text not null check (title <> ''),
    author       text not null,
    work_id      bigint references enriched_works,
    outcome      text not null default 'pending' check (outcome in ('pending', 'resolved', 'not_found', 'deferred')),
    isbn13       text references enriched_editions,
    provider     text,
    confidence   smallint check (confidence between 0 and 100),
    reason       text not null default '',
    decided_at   timestamptz,
    run_id       text not null,
    created_at   timestamptz not null default now(),
    foreign key (year, month) references backfill_log,
    check ((outcome = 'resolved') = (isbn13 is not null)),
    check (outcome = 'pending' or work_id is not null)
);
comment on table generated_book is 'The books of a month after de-duplication, with where each stands.';
create unique index generated_book_as_listed on generated_book (year, month, md5(title), md5(author));
create index generated_book_open on generated_book (year, month) where outcome in ('pending', 'deferred', 'not_found');
create index generated_book_work on generated_book (work_id);

create table generated_listing (
    reply_id   bigint not null references generation_reply,
    position   integer not null,
    book_id    bigint not null references generated_book,
    provider   text not null,
    title      text not null,
    author     text not null,
    isbns      text[] not null default '{}',
    details    jsonb not null default '{}',
    primary key (reply_id, position)
);
comment on table generated_listing is 'Every listing of every generator, and the book that it was taken to be.';
create index generated_listing_book on generated_listing (book_id);

create table set_aside (
    set_aside_id  bigint generated always as identity primary key,
    source        text not null,
    digest        text not null,
    position      integer not null,
    year          smallint,
    month         smallint,
    reason        text not null,
    excerpt       text not null,
    seen_at       timestamptz not null default now(),
    unique (source, digest, position)
);
comment on table set_aside is 'Rows of lists, catalogues and replies that could not be used, with their line and reason.';
create index set_aside_month on set_aside (year, month);

-- Resolution: every question put to every service for every book.

create table resolution_attempt (
    attempt_id         bigint generated always as identity primary key,
    work_id            bigint not null references enriched_works,
    book_id            bigint references generated_book,
    provider           text not null,
    provider_revision  text not null default '',
    outcome            text not null check (outcome in ('found', 'not_found', 'rejected', 'unavailable', 'failed')),
    isbn13             text,
    confidence         smallint check (confidence between 0 and 100),
    reason             text not null default '',
    evidence           jsonb not null default '[]',
    candidate          jsonb not null default '{}',
    run_id             text not null,
    attempted_at       timestamptz not null default clock_timestamp()
);
comment on table resolution_attempt is 'One row per service asked for a book: outcome, nearest candidate, and the evidence for the verdict.';
create index resolution_attempt_work on resolution_attempt (work_id, provider, attempt_id desc);

create table enrichment_log (
    enrichment_id  bigint generated always as identity primary key,
    work_id        bigint references enriched_works,
    isbn13         text,
    provider       text not null,
    action         text not null,
    fields         text[] not null default '{}',
    run_id         text not null,
    duration_ms    integer check (duration_ms >= 0),
    logged_at      timestamptz not null default clock_timestamp()
);
create index enrichment_log_work on enrichment_log (work_id);
create index enrichment_log_isbn on enrichment_log (isbn13);

-- Calls: what was asked of whom, what it cost, what is left.

create table api_call (
    call_id        bigint generated always as identity primary key,
    service        text not null,
    operation      text not null default '',
    year           smallint,
    month          smallint,
    stage          text,
    run_id         text,
    method         text not null,
    url            text not null,
    status         integer,
    outcome        text not null default 'sent' check (outcome in
                       ('sent', 'answered', 'empty', 'redirected', 'refused', 'failed', 'cancelled')),
    error          text,
    attempt        smallint not null default 1 check (attempt >= 1),
    latency_ms     integer check (latency_ms >= 0),
    bytes          bigint check (bytes >= 0),
    input_tokens   integer not null default 0 check (input_tokens >= 0),
    output_tokens  integer not null default 0 check (output_tokens >= 0),
    cost_usd       numeric(12, 6) not null default 0 check (cost_usd >= 0),
    called_at      timestamptz not null default clock_timestamp()
) with (fillfactor = 80);
comment on table api_call is 'The ledger: one row per HTTP attempt, written before it is sent and completed afterwards.';
comment on column api_call.outcome is 'A row that stays "sent" is of a process that died before the answer; it counts.';
create index api_call_service on api_call (service, called_at);
create index api_call_month on api_call (year, month, service);

create table quota_usage (
    service        text not null,
    day            date not null,
    used           integer not null default 0 check (used >= 0),
    reconciled     integer not null default 0 check (reconciled >= 0),
    exhausted      text,
    told           integer check (told >= 0),
    drift_percent  numeric(8, 2),
    told_at        timestamptz,
    primary key (service, day)
) with (fillfactor = 50);
comment on table quota_usage is 'Calls per service and UTC day; each is reserved before it is made, by one statement that cannot overshoot.';
comment on column quota_usage.reconciled is 'The part of `used` that the service counted and we did not.';
comment on column quota_usage.exhausted is 'What the service said when it declared the day''s quota gone: nobody asks it again before 00:00 UTC.';
comment on column quota_usage.told is 'The service''s own counter when it was last asked, and how far ours was from it.';

create table http_cache (
    cache_key   text primary key,
    service     text not null,
    status      integer not null,
    negative    boolean not null default false,
    body        bytea not null,
    stored_at   timestamptz not null default clock_timestamp(),
    expires_at  timestamptz not null
);
comment on table http_cache is 'Answers that are still good, compressed with zlib. The key is a hash without any secret.';
create index http_cache_expiry on http_cache (expires_at);

create table provider_health (
    service         text primary key,
    next_slot_at    timestamptz,
    hold_until      timestamptz,
    delayed         double precision not null default 0 check (delayed >= 0),
    breaker         text not null default 'closed' check (breaker in ('closed', 'open', 'half_open')),
    failures        integer not null default 0 check (failures >= 0),
    openings        integer not null default 0 check (openings >= 0),
    opened_at       timestamptz,
    retry_at        timestamptz,
    probe_until     timestamptz,
    last_error      text,
    updated_at      timestamptz not null default now(),
    check (breaker = 'closed' or retry_at is not null),
    check (breaker <> 'half_open' or probe_until is not null)
) with (fillfactor = 20);
comment on table provider_health is 'Shared pace and circuit breaker of each service.';
comment on column provider_health.next_slot_at is 'The earliest time that no request has yet; every reservation moves it on.';
comment on column provider_health.delayed is
    'Seconds by which requests that left later than their slot have moved all later slots, so that they do not bunch.';
comment on column provider_health.hold_until is 'The service asked for a pause (429): no slot before this time, and slots already given are void.';
comment on column provider_health.openings is 'How often the breaker opened since the last success: each time it stays open twice as long.';

-- The local catalogue: editions known on this machine, asked before and instead of any service.

create table catalog_load (
    load_id     bigint generated always as identity primary key,
    name        text not null,
    digest      text not null unique,
    editions    integer not null,
    set_aside   integer not null,
    loaded_at   timestamptz not null default now()
);
comment on table catalog_load is 'Files loaded into the local catalogue; the newest load is the revision of its answers.';

create table catalog_edition (
    isbn13      text primary key check (isbn13 ~ '^97[89][0-9]{10}$'),
    title       text not null,
    author      text not null,
    published   text check (published ~ '^[0-9]{4}(-[0-9]{2}){0,2}$'),
    language    text,
    publisher   text,
    source      text not null default '',
    source_id   text not null default '',
    title_key   text not null,
    author_key  text not null,
    load_id     bigint not null references catalog_load
);
create index catalog_edition_title on catalog_edition (title_key);
create index catalog_edition_author on catalog_edition (author_key);
