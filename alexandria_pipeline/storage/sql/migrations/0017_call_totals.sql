-- Old calls are added up before they are removed, so that costs and counts stay.

create table api_call_total (
    service        text not null,
    operation      text not null,
    year           smallint not null default 0,
    month          smallint not null default 0,
    outcome        text not null,
    calls          bigint not null,
    unpriced       bigint not null,
    input_tokens   bigint not null,
    output_tokens  bigint not null,
    cost_usd       numeric(20, 10),
    latency_ms     bigint not null,
    primary key (service, year, month, operation, outcome)
);
comment on table api_call_total is
    'Calls that are older than ALEXANDRIA_LEDGER_DAYS, added up by service, month, purpose and outcome. Year and month are 0 for calls outside months.';

create index api_call_time on api_call (called_at);

create view ledger_total as
select service, operation, year, month, outcome, count(*) as calls, count(*) filter (where cost_usd is null) as unpriced,
       sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(cost_usd) as cost_usd, sum(latency_ms) as latency_ms
from api_call group by service, operation, year, month, outcome
union all
select service, operation, nullif(year, 0), nullif(month, 0), outcome, calls, unpriced, input_tokens, output_tokens, cost_usd, latency_ms
from api_call_total;
comment on view ledger_total is 'All calls ever made, added up by service, month, purpose and outcome.';

create or replace function month_calls(years smallint[], months smallint[])
returns table (year smallint, month smallint, isbndb bigint, gemini bigint, xai bigint)
language sql stable as $$
    select w.year, w.month, coalesce(sum(c.calls) filter (where c.service = 'isbndb'), 0)::bigint,
           coalesce(sum(c.calls) filter (where c.service = 'gemini'), 0)::bigint, coalesce(sum(c.calls) filter (where c.service = 'xai'), 0)::bigint
    from unnest(years, months) as w (year, month)
    left join lateral (
        select service, count(*) as calls from api_call a where (a.year, a.month) = (w.year, w.month) group by service
        union all
        select service, calls from api_call_total t where (t.year, t.month) = (w.year, w.month)
    ) c on true
    group by w.year, w.month
$$;
comment on function month_calls is 'HTTP attempts of each month by service, from the call ledger and its totals.';

create index enrichment_log_time on enrichment_log (logged_at);
