-- name: claim
-- Takes the months that are free: a row lock nobody waits for, the advisory lock of the month, then the new state.
-- A completed month is only locked; `reopen` changes it once there is something to write.
with wanted as (
    select * from unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month)
), free as materialized (
    select b.year, b.month, b.status, b.claim
    from backfill_log b join wanted using (year, month)
    order by b.year, b.month
    for update of b skip locked
), locked as materialized (
    select * from free where pg_try_advisory_lock(year * 100 + month)
), moment as materialized (
    -- one moment for the end of a dead claim and the start of ours, taken after the locks
    select clock_timestamp() as at from (select count(*) from locked) as all_locked
), closed as (
    update month_claim c
    set released_at = m.at, ended_as = 'owner died'
    from locked l, moment m
    where (c.year, c.month) = (l.year, l.month) and c.released_at is null
), taken as (
    update backfill_log b
    set status = 'processing', owner_run = %(run_id)s, owner = %(owner)s, claim = b.claim + 1, started_at = clock_timestamp(),
        completed_at = null, next_attempt_at = null, updated_at = now(),
        retry_count = least(5, b.retry_count + (l.status = 'processing')::int),
        last_retry_at = case when l.status in ('retry', 'failed', 'processing') then clock_timestamp() else b.last_retry_at end,
        error_message = case when l.status = 'processing' then 'taken over from a run that died: ' || b.owner_run else b.error_message end
    from locked l
    where (b.year, b.month) = (l.year, l.month) and l.status <> 'completed'
    returning b.year, b.month, b.claim
), noted as (
    insert into month_claim (year, month, run_id, owner, claimed_at)
    select year, month, %(run_id)s, %(owner)s, m.at from taken, moment m
)
select l.year, l.month, l.status as was, coalesce(t.claim, l.claim) as claim, t.claim is not null as begun
from locked l left join taken t using (year, month);

-- name: ensure
-- Gives every month its row.
insert into backfill_log (year, month)
select * from unnest(%(years)s::smallint[], %(months)s::smallint[])
on conflict do nothing;

-- name: owners
-- Who has the months that could not be claimed.
select b.year, b.month, b.owner_run, b.owner, b.started_at
from backfill_log b
join unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month) using (year, month);

-- name: relock
-- Takes back the advisory locks after the connection that held them was lost; returns the months that are still this
-- run's: of its claim, or completed and not claimed since, and free to take.
with mine as materialized (
    select b.year, b.month
    from backfill_log b
    join unnest(%(years)s::smallint[], %(months)s::smallint[], %(claims)s::bigint[]) as w (year, month, claim) using (year, month, claim)
)
select year, month from mine where pg_try_advisory_lock(year * 100 + month);

-- name: unlock
-- Gives up the advisory locks of months.
select pg_advisory_unlock(w.year * 100 + w.month)
from unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month);

-- name: fence
-- The months that this claim still owns, locked until the transaction ends: nobody else can take them meanwhile.
select b.year, b.month
from backfill_log b
join unnest(%(years)s::smallint[], %(months)s::smallint[], %(claims)s::bigint[]) as w (year, month, claim) using (year, month, claim)
order by b.year, b.month
for update of b;

-- name: reopen
-- A completed month has work again: from here on it is `processing`.
with opened as (
    update backfill_log
    set status = 'processing', owner_run = %(run_id)s, owner = %(owner)s, claim = claim + 1, started_at = clock_timestamp(),
        completed_at = null, retry_count = 0, error_message = null, updated_at = now()
    where year = %(year)s and month = %(month)s and claim = %(claim)s and status = 'completed'
    returning year, month, claim
), noted as (
    insert into month_claim (year, month, run_id, owner) select year, month, %(run_id)s, %(owner)s from opened
)
select claim from opened;

-- name: complete
-- The month is done: its figures are counted from the books themselves. No row when it was never listed, or when a book
-- of it is not kept or not yet sent down the cascade.
with figures as (
    select count(*) as generated, count(*) filter (where outcome = 'resolved') as resolved
    from generated_book where year = %(year)s and month = %(month)s
), queued as (
    select count(distinct g.isbn13) as waiting
    from generated_book g
    where g.year = %(year)s and g.month = %(month)s and g.outcome = 'resolved'
      and not exists (select from enrichment_log e where e.isbn13 = g.isbn13)
), calls as (
    select count(*) filter (where service = 'isbndb') as isbndb, count(*) filter (where service = 'gemini') as gemini,
           count(*) filter (where service = 'xai') as xai
    from api_call where year = %(year)s and month = %(month)s
), done as (
    update backfill_log
    set status = 'completed', completed_at = clock_timestamp(), owner_run = null, owner = null, error_message = null,
        next_attempt_at = null, updated_at = now(), books_generated = generated, isbns_resolved = resolved,
        resolution_rate = coalesce(round(100.0 * resolved / nullif(generated, 0), 2), 0), isbns_queued = least(waiting, resolved),
        isbndb_calls = calls.isbndb, gemini_calls = calls.gemini, xai_calls = calls.xai
    from figures, queued, calls
    where year = %(year)s and month = %(month)s and claim = %(claim)s and status = 'processing'
      and exists (select from generation_reply r
                  where r.year = %(year)s and r.month = %(month)s and r.read_at is not null and r.refusal is null)
      and not exists (select from generated_book g
                      where g.year = %(year)s and g.month = %(month)s and (g.work_id is null or g.outcome = 'pending'))
    returning year, month
), released as (
    update month_claim set released_at = clock_timestamp(), ended_as = 'completed'
    where year = %(year)s and month = %(month)s and released_at is null and run_id = %(run_id)s
      and exists (select from done)
)
select year, month from done;

-- name: give_back
-- The month ends in `retry` (or, after the last attempt, `failed`) with a readable reason; %(counts)s says whether this was an
-- attempt that failed (then the next one waits, longer each time) or merely a run that had no more to do.
with figures as (
    select count(*) as generated, count(*) filter (where outcome = 'resolved') as resolved
    from generated_book where year = %(year)s and month = %(month)s
), ended as (
    update backfill_log b
    set retry_count = least(%(most)s, b.retry_count + %(counts)s::int),
        status = case when %(counts)s and b.retry_count + 1 >= %(most)s then 'failed' else 'retry' end,
        next_attempt_at = case when not %(counts)s then now()
                               else now() + make_interval(secs => %(first_wait)s * 2 ^ b.retry_count * (0.75 + random() / 2)) end,
        last_retry_at = case when %(counts)s then clock_timestamp() else b.last_retry_at end,
        error_message = %(error)s, owner_run = null, owner = null, completed_at = null, updated_at = now(),
        books_generated = f.generated, isbns_resolved = f.resolved, isbns_queued = least(b.isbns_queued, f.resolved),
        resolution_rate = coalesce(round(100.0 * f.resolved / nullif(f.generated, 0), 2), 0)
    from figures f
    where b.year = %(year)s and b.month = %(month)s and b.claim = %(claim)s and b.status = 'processing'
    returning b.year, b.month, b.status
), released as (
    update month_claim c set released_at = clock_timestamp(), ended_as = ended.status
    from ended
    where (c.year, c.month) = (ended.year, ended.month) and c.released_at is null and c.run_id = %(run_id)s
)
select status from ended;

-- name: note_stage
-- How a stage ended for a month in a run.
insert into stage_log (year, month, stage, run_id, status, error, counts, started_at)
values (%(year)s, %(month)s, %(stage)s, %(run_id)s, %(status)s, %(error)s, %(counts)s, %(started_at)s)
on conflict (year, month, stage, run_id) do update
set status = excluded.status, error = excluded.error, counts = excluded.counts, started_at = excluded.started_at,
    ended_at = clock_timestamp();

-- name: failures
-- The months that a stage of this run could not finish; for months that this run did not touch, those that still wait
-- because the stage's last run could not finish them.
select w.year, w.month, last.error
from unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month)
join backfill_log b using (year, month)
join lateral (
    select s.status, s.error, s.run_id from stage_log s
    where (s.year, s.month) = (w.year, w.month) and s.stage = %(stage)s
    order by s.run_id = %(run_id)s desc, s.ended_at desc limit 1
) as last on true
where last.status = 'failed' and (last.run_id = %(run_id)s or b.status <> 'completed')
order by w.year, w.month;

-- name: overlapping_claims
-- Months that two runs held at the same time, ever.
select a.year, a.month, a.run_id, b.run_id as other_run_id
from month_claim a
join month_claim b on (a.year, a.month) = (b.year, b.month) and a.claim_id < b.claim_id
where a.run_id <> b.run_id and (a.released_at is null or a.released_at > b.claimed_at)
order by a.year, a.month, a.claim_id;

-- name: claimed_months
-- How many months were ever claimed.
select count(distinct (year, month)) as months from month_claim;
