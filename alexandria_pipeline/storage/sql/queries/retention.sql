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
-- Attempts without a result before the retention that a later attempt of the same provider for the same work has replaced.
-- Found and rejected candidates stay: `explain` and `review` show them.
delete from resolution_attempt
where attempt_id in (select a.attempt_id from resolution_attempt a
                     where a.attempted_at < now() - make_interval(days => %(days)s) and a.outcome in ('not_found', 'unavailable', 'failed')
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
