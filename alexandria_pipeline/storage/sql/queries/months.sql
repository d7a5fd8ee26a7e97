-- name: claim
-- Claims the free months: a row lock without waiting, the advisory lock of the month, then the new status.
-- A completed month is only locked; `reopen` changes it when there is something to write.
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
    -- One time for the end of a dead claim and the start of this one, read after the locks are held. It is never before the
    -- earlier claims of the month, even if the clock of the database was set back.
    select l.year, l.month, greatest(clock_timestamp(), max(c.claimed_at), max(c.released_at)) as at
    from locked l left join month_claim c using (year, month)
    group by l.year, l.month
), closed as (
    update month_claim c
    set released_at = m.at, ended_as = 'owner died'
    from moment m
    where (c.year, c.month) = (m.year, m.month) and c.released_at is null
), claimed as (
    update backfill_log b
    set status = 'processing', owner_run = %(run_id)s, owner = %(owner)s, claim = b.claim + 1, started_at = clock_timestamp(),
        completed_at = null, next_attempt_at = null, updated_at = now(),
        retry_count = least(5, b.retry_count + (l.status = 'processing')::int),
        last_retry_at = case when l.status in ('retry', 'failed', 'processing') then clock_timestamp() else b.last_retry_at end,
        error_message = case when l.status = 'processing' then 'taken over from a run that died: ' || b.owner_run else b.error_message end
    from locked l
    where (b.year, b.month) = (l.year, l.month) and l.status <> 'completed'
    returning b.year, b.month, b.claim
), recorded as (
    insert into month_claim (year, month, run_id, owner, claimed_at)
    select year, month, %(run_id)s, %(owner)s, m.at from claimed join moment m using (year, month)
)
select l.year, l.month, l.status as was, coalesce(c.claim, l.claim) as claim, c.claim is not null as begun
from locked l left join claimed c using (year, month);

-- name: ensure
-- Adds the rows of months that have none.
insert into backfill_log (year, month)
select * from unnest(%(years)s::smallint[], %(months)s::smallint[])
on conflict do nothing;

-- name: owners
-- The owners of months that could not be claimed.
select b.year, b.month, b.owner_run, b.owner, b.started_at
from backfill_log b
join unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month) using (year, month);

-- name: relock
-- Restores the advisory locks after the connection that held them was lost. Returns the months that this run still owns;
-- `locked` is false while another connection holds the lock for a moment.
with mine as materialized (
    select b.year, b.month
    from backfill_log b
    join unnest(%(years)s::smallint[], %(months)s::smallint[], %(claims)s::bigint[]) as w (year, month, claim) using (year, month, claim)
    where coalesce(b.owner_run, %(run_id)s) = %(run_id)s
)
select year, month, pg_try_advisory_lock(year * 100 + month) as locked from mine;

-- name: name_session
-- Gives this connection the name of its holder.
select set_config('application_name', %(session)s, false);

-- name: end_old_session
-- Ends the earlier connection of the same holder. After a broken network it may live on the server for a long time and hold the
-- locks. Waits until it has ended, at most 5 s.
select pg_terminate_backend(pid, 5000) as ended
from pg_stat_activity
where application_name = %(session)s and datname = current_database() and pid <> pg_backend_pid();

-- name: unlock
-- Releases the advisory locks of months.
select pg_advisory_unlock(w.year * 100 + w.month)
from unnest(%(years)s::smallint[], %(months)s::smallint[]) as w (year, month);

-- name: fence
-- The months that these claims of this run still own, locked until the transaction ends: no other run can claim them meanwhile.
select b.year, b.month
from backfill_log b
join unnest(%(years)s::smallint[], %(months)s::smallint[], %(claims)s::bigint[]) as w (year, month, claim) using (year, month, claim)
where b.owner_run = %(run_id)s
order by b.year, b.month
for update of b;

-- name: reopen
-- A completed month has new work: its status becomes `processing`.
with opened as (
    update backfill_log
    set status = 'processing', owner_run = %(run_id)s, owner = %(owner)s, claim = claim + 1, started_at = clock_timestamp(),
        completed_at = null, retry_count = 0, error_message = null, updated_at = now()
    where year = %(year)s and month = %(month)s and claim = %(claim)s and status = 'completed'
    returning year, month, claim
), recorded as (
    insert into month_claim (year, month, run_id, owner, claimed_at)
    select o.year, o.month, %(run_id)s, %(owner)s, greatest(clock_timestamp(), max(c.claimed_at), max(c.released_at))
    from opened o left join month_claim c using (year, month)
    group by o.year, o.month
)
select claim from opened;

-- name: complete
-- Completes the month, with the figures of its books. No row if it was never listed, or if a book has no work or was not
-- sent down the cascade.
with done as (
    update backfill_log b
    set status = 'completed', completed_at = greatest(clock_timestamp(), b.started_at), owner_run = null, owner = null, error_message = null,
        next_attempt_at = null, updated_at = now(), books_generated = f.generated, isbns_resolved = f.resolved,
        resolution_rate = resolution_rate(f.resolved, f.generated), isbns_queued = least(f.queued, f.resolved),
        isbndb_calls = c.isbndb, gemini_calls = c.gemini, xai_calls = c.xai
    from month_figures(array[%(year)s::smallint], array[%(month)s::smallint]) f,
         month_calls(array[%(year)s::smallint], array[%(month)s::smallint]) c
    where b.year = %(year)s and b.month = %(month)s and b.claim = %(claim)s and b.owner_run = %(run_id)s
      and b.status = 'processing'
      and exists (select from generation_reply r
                  where r.year = %(year)s and r.month = %(month)s and r.read_at is not null and r.refusal is null)
      and not exists (select from generated_book g
                      where g.year = %(year)s and g.month = %(month)s and (g.work_id is null or g.outcome = 'pending'))
    returning b.year, b.month
), released as (
    update month_claim set released_at = greatest(clock_timestamp(), claimed_at), ended_as = 'completed'
    where year = %(year)s and month = %(month)s and released_at is null and run_id = %(run_id)s
      and exists (select from done)
)
select year, month from done;

-- name: release
-- Ends the claim with `retry`, or `failed` after the last attempt, and a reason. %(counts)s: this was a failed attempt, and the
-- next one waits longer each time; otherwise the run merely had no more to do.
with ended as (
    update backfill_log b
    set retry_count = least(%(max_retries)s, b.retry_count + %(counts)s::int),
        status = case when %(counts)s and b.retry_count + 1 >= %(max_retries)s then 'failed' else 'retry' end,
        next_attempt_at = case when not %(counts)s then now() + make_interval(secs => %(delay)s)
                               else now() + make_interval(secs => %(first_backoff)s * 2 ^ b.retry_count * (0.75 + random() / 2)) end,
        last_retry_at = case when %(counts)s then clock_timestamp() else b.last_retry_at end,
        error_message = %(error)s, owner_run = null, owner = null, completed_at = null, updated_at = now(),
        books_generated = f.generated, isbns_resolved = f.resolved, isbns_queued = least(b.isbns_queued, f.resolved),
        resolution_rate = resolution_rate(f.resolved, f.generated)
    from month_figures(array[%(year)s::smallint], array[%(month)s::smallint]) f
    where b.year = %(year)s and b.month = %(month)s and b.claim = %(claim)s and b.owner_run = %(run_id)s
      and b.status = 'processing'
    returning b.year, b.month, b.status
), released as (
    update month_claim c set released_at = greatest(clock_timestamp(), c.claimed_at), ended_as = ended.status
    from ended
    where (c.year, c.month) = (ended.year, ended.month) and c.released_at is null and c.run_id = %(run_id)s
)
select status from ended;

-- name: record_stage
-- Stores how a stage of a run ended for a month.
insert into stage_log (year, month, stage, run_id, status, error, counts, started_at)
values (%(year)s, %(month)s, %(stage)s, %(run_id)s, %(status)s, %(error)s, %(counts)s, %(started_at)s)
on conflict (year, month, stage, run_id) do update
set status = excluded.status, error = excluded.error, counts = excluded.counts, started_at = excluded.started_at,
    ended_at = clock_timestamp();

-- name: failures
-- The months that a stage of this run could not finish. For months that this run did not touch: those that its last run
-- could not finish and that are not completed yet.
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
-- Pairs of runs that owned the same month at the same time, ever.
select a.year, a.month, a.run_id, b.run_id as other_run_id
from month_claim a
join month_claim b on (a.year, a.month) = (b.year, b.month) and a.claim_id < b.claim_id
where a.run_id <> b.run_id and (a.released_at is null or a.released_at > b.claimed_at)
order by a.year, a.month, a.claim_id;

-- name: claimed_months
-- The number of months that were ever claimed.
select count(distinct (year, month)) as months from month_claim;
