-- Which calls an answer was read from, and under which licence a biography may be passed on.

alter table source_record add column api_calls bigint[] not null default '{}';
comment on column source_record.api_calls is
    'api_call.call_id of the calls made for it alone or for its batch; empty: it was cached, or needed none. Old calls are removed.';

alter table enriched_authors add column biography_licence text check (biography_licence is null or biography is not null);
comment on column enriched_authors.biography_licence is 'The licence of the biography; null: its source states none.';
