-- Retention: rows that no run, report or page needs any more. Each statement removes one portion, so that nothing waits long.

-- name: alerts
-- Alerts that were sent, or whose cause is over, before the retention. An open cause stays, so that it is not raised again.
delete from alert
where alert_id in (select alert_id from alert where over_at < now() - make_interval(days => %(days)s) and sent_at is not null
                   order by alert_id limit %(portion)s);

-- name: stages
-- Entries of stages before the retention, except the newest of each month and stage.
delete from stage_log
where stage_id in (select s.stage_id from stage_log s
                   where s.ended_at < now() - make_interval(days => %(days)s)
                     and exists (select from stage_log newer
                                 where (newer.year, newer.month, newer.stage) = (s.year, s.month, s.stage) and newer.ended_at > s.ended_at)
                   order by s.stage_id limit %(portion)s);

-- name: attempts
-- Attempts before the retention that found nothing and that a later attempt of the same provider for the same work has replaced.
-- The newest of each provider stays: `explain` and `review` show it, and a book waits for it. An ISBN that was found stays.
delete from resolution_attempt
where attempt_id in (select a.attempt_id from resolution_attempt a
                     where a.attempted_at < now() - make_interval(days => %(days)s) and a.outcome <> 'found'
                       and exists (select from resolution_attempt newer
                                   where newer.work_id = a.work_id and newer.provider = a.provider and newer.attempt_id > a.attempt_id)
                     order by a.attempt_id limit %(portion)s);

-- name: changes
-- Changes before the retention. The newest of them stays as a mark: who has read less than it has missed some.
with mark as materialized (
    select xid, change_id from library_change where changed_at < now() - make_interval(days => %(days)s)
    order by xid desc, change_id desc limit 1
), marked as (
    update library_change c set action = 'pruned' from mark where c.change_id = mark.change_id and c.action <> 'pruned'
)
delete from library_change
where change_id in (select c.change_id from library_change c, mark where (c.xid, c.change_id) < (mark.xid, mark.change_id)
                    order by c.xid, c.change_id limit %(portion)s);

-- name: calls
-- Calls before the retention, added to the totals of their month. Calls of a service whose circuit breaker is not closed stay: the
-- time since its last answer is read from them. The retention is longer than any quota day.
with old as (
    delete from api_call
    where call_id in (select c.call_id from api_call c
                      where c.called_at < now() - make_interval(days => %(days)s)
                        and not exists (select from provider_health h where h.service = c.service and h.breaker <> 'closed')
                      order by c.called_at limit %(portion)s)
    returning *
), added as (
    insert into api_call_total as t (service, operation, year, month, outcome, calls, unpriced, input_tokens, output_tokens, cost_usd, latency_ms)
    select service, operation, coalesce(year, 0), coalesce(month, 0), outcome, count(*), count(*) filter (where cost_usd is null),
           sum(input_tokens), sum(output_tokens), sum(cost_usd), coalesce(sum(latency_ms), 0)
    from old group by service, operation, coalesce(year, 0), coalesce(month, 0), outcome
    on conflict (service, year, month, operation, outcome) do update
    set calls = t.calls + excluded.calls, unpriced = t.unpriced + excluded.unpriced,
        input_tokens = t.input_tokens + excluded.input_tokens, output_tokens = t.output_tokens + excluded.output_tokens,
        cost_usd = coalesce(t.cost_usd, 0) + coalesce(excluded.cost_usd, 0), latency_ms = t.latency_ms + excluded.latency_ms
)
select call_id from old;

-- name: fields
-- Changes of served fields before the retention, except the newest of each work, edition and author.
delete from enrichment_log
where enrichment_id in (select e.enrichment_id from enrichment_log e
                        where e.logged_at < now() - make_interval(days => %(days)s)
                          and exists (select from enrichment_log newer
                                      where newer.enrichment_id > e.enrichment_id and newer.work_id is not distinct from e.work_id
                                        and newer.isbn13 is not distinct from e.isbn13 and newer.subject is not distinct from e.subject)
                        order by e.enrichment_id limit %(portion)s);

-- name: size
-- The size of the whole database in bytes.
select pg_database_size(current_database()) as bytes;
