-- Costs and results of the backfill, for the report.

-- name: months
-- All months with their status and retries.
select b.year, b.month, b.status, b.retry_count from backfill_log b order by b.year, b.month;

-- name: spent
-- Calls, tokens, cost and latency of each month and service; calls outside months have no month. The ledger and a stored reply
-- record the same tokens and cost: the larger counts, never the sum. `unpriced`: calls or replies whose cost is unknown.
select year, month, service, sum(calls) as calls, sum(failed) as failed,
       greatest(sum(input_tokens), sum(reply_input_tokens)) as input_tokens,
       greatest(sum(output_tokens), sum(reply_output_tokens)) as output_tokens,
       greatest(sum(cost_usd), sum(reply_cost_usd))::float8 as cost_usd,
       greatest(sum(unpriced), sum(reply_unpriced)) as unpriced, sum(seconds)::float8 as seconds
from (
    select year, month, service, sum(calls) as calls, coalesce(sum(calls) filter (where outcome in ('failed', 'refused', 'cancelled')), 0) as failed,
           sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, coalesce(sum(cost_usd), 0) as cost_usd,
           sum(unpriced) as unpriced, coalesce(sum(latency_ms), 0) / 1000.0 as seconds,
           0 as reply_input_tokens, 0 as reply_output_tokens, 0 as reply_cost_usd, 0 as reply_unpriced
    from ledger_total group by year, month, service
    union all
    select year, month, provider, 0, 0, 0, 0, 0, 0, 0, sum(input_tokens), sum(output_tokens), coalesce(sum(cost_usd), 0),
           count(*) filter (where cost_usd is null)
    from generation_reply group by year, month, provider
) as both_records
group by year, month, service order by year, month, service;

-- name: worked
-- The times at which stages worked on each month.
select year, month, started_at, ended_at from stage_log order by year, month, started_at;

-- name: yields
-- Results of each provider: books that it listed, works that it was asked for, and books whose ISBN it gave.
select provider, sum(listed) as listed, sum(requested) as asked, sum(resolved) as resolved
from (
    select provider, count(distinct book_id) as listed, 0 as requested, 0 as resolved from generated_listing group by provider
    union all
    select provider, 0, count(distinct work_id), 0 from resolution_attempt where outcome <> 'unavailable' group by provider
    union all
    select provider, 0, 0, count(*) from generated_book where outcome = 'resolved' group by provider
) as all_of_it
group by provider order by provider;

-- name: generators
-- By generator: its books, those with an ISBN, those that another generator named, too, and the cost of its replies.
with named as (
    select distinct l.provider, l.book_id, b.outcome,
           exists (select from generated_listing o where o.book_id = l.book_id and o.provider <> l.provider) as by_others
    from generated_listing l join generated_book b using (book_id)
), counted as (
    select provider, count(*) as books, count(*) filter (where outcome = 'resolved') as resolved,
           count(*) filter (where by_others) as named_by_others
    from named group by provider
), paid as (
    select provider, coalesce(sum(cost_usd), 0)::float8 as cost_usd, count(*) filter (where cost_usd is null) as unpriced
    from generation_reply group by provider
)
select provider, coalesce(books, 0) as books, coalesce(resolved, 0) as resolved, coalesce(named_by_others, 0) as named_by_others,
       coalesce(unpriced, 0) as unpriced, coalesce(cost_usd, 0) as cost_usd
from counted full join paid using (provider)
order by provider;

-- name: models
-- By model and prompt variant: listed books, books with a final outcome, and books that no catalogue knows.
with listed as (
    select distinct r.provider, r.model, r.prompt_variant, b.book_id, b.year, b.month, b.outcome
    from generation_reply r join generated_listing l using (reply_id) join generated_book b using (book_id)
), paid as (
    select provider, model, prompt_variant, count(*) as replies, count(*) filter (where refusal is not null) as refused,
           sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, coalesce(sum(cost_usd), 0)::float8 as cost_usd,
           count(*) filter (where cost_usd is null) as unpriced
    from generation_reply group by provider, model, prompt_variant
)
select p.provider, p.model, p.prompt_variant, p.replies, p.refused, count(distinct (l.year, l.month)) filter (where l.book_id is not null) as months,
       count(l.book_id) as books, count(l.book_id) filter (where l.outcome in ('resolved', 'not_found')) as decided,
       count(l.book_id) filter (where l.outcome = 'not_found') as unknown, p.input_tokens, p.output_tokens, p.cost_usd,
       p.unpriced
from paid p left join listed l using (provider, model, prompt_variant)
group by p.provider, p.model, p.prompt_variant, p.replies, p.refused, p.input_tokens, p.output_tokens, p.cost_usd, p.unpriced
order by p.provider, p.model, p.prompt_variant;
