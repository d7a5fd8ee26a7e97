-- name: works_of_month
-- The books of a month with their works.
select b.book_id, b.year, b.month, b.title, b.author, b.outcome, b.isbn13, b.provider, b.confidence, b.reason, b.decided_at,
       w.work_id, w.work_key, w.synthetic
from generated_book b left join enriched_works w using (work_id)
where b.year = %(year)s and b.month = %(month)s
order by b.book_id;

-- name: works_of_key
-- The books of a work, by its key or the key of a work merged into it.
select b.book_id, b.year, b.month, b.title, b.author, b.outcome, b.isbn13, b.provider, b.confidence, b.reason, b.decided_at,
       w.work_id, w.work_key, w.synthetic
from enriched_works w join generated_book b using (work_id)
where w.work_id = (select work_id from enriched_works where work_key = %(work_key)s
                   union all select work_id from work_alias where work_key = %(work_key)s limit 1)
order by b.year, b.month, b.book_id;

-- name: attempts
-- All attempts for these works, in order.
select work_id, provider, outcome, isbn13, confidence, reason, evidence, candidate, run_id, attempted_at
from resolution_attempt where work_id = any(%(work_ids)s) order by work_id, attempt_id;

-- name: calls
-- The HTTP attempts made for these works, in order.
select work_id, service, method, url, attempt, status, outcome, latency_ms, error, run_id, called_at
from api_call where work_id = any(%(work_ids)s) order by work_id, call_id;

-- name: decisions
-- The review decisions for these works, in order.
select work_id, isbn13, decision, decided_by, why, decided_at
from review_decision where work_id = any(%(work_ids)s) order by work_id, review_id;
