-- Claims: what sources stated, who was asked for what, and what people decided. Rows are added and replaced, never changed.

-- name: one_writer
-- One transaction at a time stores claims and computes from them.
select pg_advisory_xact_lock(8204, 13);

-- name: no_writer
-- Transactions that compute different works from the same claims do so together, while none stores claims.
select pg_advisory_xact_lock_shared(8204, 13);

-- name: replace
-- Marks the current answers as replaced whose facts are different now.
update source_record s set replaced_at = clock_timestamp()
from jsonb_to_recordset(%(given)s::jsonb) as g (provider text, kind text, part text, subject text, digest text)
where s.replaced_at is null and (s.kind, s.subject, s.provider, s.part) = (g.kind, g.subject, g.provider, g.part)
  and s.digest <> g.digest;

-- name: add
-- Adds the answers that are not stored yet, with their claims; returns the subjects that have new claims.
with given as (
    select * from jsonb_to_recordset(%(given)s::jsonb)
        as g (provider text, kind text, part text, subject text, digest text, facts jsonb, api_calls bigint[])
), added as (
    insert into source_record (provider, kind, part, subject, digest, run_id, api_calls)
    select provider, kind, part, subject, digest, %(run_id)s, api_calls from given g
    where not exists (select from source_record s where s.replaced_at is null
                      and (s.kind, s.subject, s.provider, s.part) = (g.kind, g.subject, g.provider, g.part))
    returning record_id, provider, kind, part, subject
), claims as (
    insert into claim (record_id, field, value)
    select a.record_id, f.key, f.value
    from added a join given g using (provider, kind, part, subject) cross join lateral jsonb_each(g.facts) f
)
select kind, subject from added;

-- name: take
-- Marks requests as made by this run, and returns them: those never made, owed, old, or left behind by a run that died.
insert into enrichment_request as r (kind, subject, provider, part, outcome, run_id)
select kind, subject, provider, part, 'asking', %(run_id)s
from jsonb_to_recordset(%(wanted)s::jsonb) as w (kind text, subject text, provider text, part text)
order by kind, subject, provider, part
on conflict (kind, subject, provider, part) do update
set outcome = 'asking', reason = '', run_id = excluded.run_id, asked_at = clock_timestamp()
where (r.outcome in ('unavailable', 'failed') and (r.run_id <> excluded.run_id or r.asked_at < now() - interval '5 minutes'))
   or (r.outcome = 'asking' and r.run_id <> excluded.run_id
       and not exists (select from pg_stat_activity
                       where datname = current_database() and application_name = left(%(prefix)s || r.run_id, 63)))
   or (r.outcome = 'not_found' and r.asked_at < now() - interval '90 days')
   or (r.outcome = 'found' and r.asked_at < now() - interval '365 days')
returning kind, subject, provider, part;

-- name: finish
-- Stores how requests ended.
update enrichment_request r set outcome = f.outcome, reason = f.reason, asked_at = clock_timestamp()
from jsonb_to_recordset(%(finished)s::jsonb) as f (kind text, subject text, provider text, part text, outcome text, reason text)
where (r.kind, r.subject, r.provider, r.part) = (f.kind, f.subject, f.provider, f.part);

-- name: known_to
-- The subjects about which a service has answered a request for this part.
select subject from enrichment_request
where (kind, provider, part, outcome) = (%(kind)s, %(provider)s, %(part)s, 'found') and subject = any(%(subjects)s);

-- name: owed
-- The answers that services owe about the editions, works and authors of months, by month and service.
with books as (
    select distinct g.year, g.month, g.isbn13, g.work_id
    from generated_book g
    where g.outcome = 'resolved' and (g.year, g.month) in (select * from unnest(%(years)s::smallint[], %(months)s::smallint[]))
), subjects as (
    select year, month, kind, isbn13 as subject from books cross join (values ('edition'), ('work')) k (kind)
    union
    select b.year, b.month, 'author', a.author_key
    from books b join work_authors wa using (work_id) join enriched_authors a using (author_id)
)
select s.year, s.month, r.provider, count(*) as requests
from subjects s join enrichment_request r using (kind, subject)
where r.outcome in ('unavailable', 'failed', 'asking')
group by s.year, s.month, r.provider
order by s.year, s.month, r.provider;

-- name: editions_of_months
-- The editions of the resolved books of months, with the work of each.
select distinct g.isbn13, g.work_id, g.year, g.month
from generated_book g
where g.outcome = 'resolved' and (g.year, g.month) in (select * from unnest(%(years)s::smallint[], %(months)s::smallint[]))
order by g.year, g.month, g.isbn13;

-- name: found_records
-- What the search for the ISBN found about editions that have no such claims yet: the accepted record, and the records of the
-- same ISBN that other services offered.
select distinct on (e.isbn13, a.provider) e.isbn13, a.provider, a.candidate
from enriched_editions e
join resolution_attempt a on a.isbn13 = e.isbn13 and a.outcome = 'found'
where e.isbn13 = any(%(isbns)s)
  and not exists (select from source_record s where s.replaced_at is null
                  and (s.kind, s.subject, s.provider, s.part) = ('edition', e.isbn13, a.provider, 'resolution'))
order by e.isbn13, a.provider, a.attempt_id desc;

-- name: stored_editions
-- Editions that no claim is stored for, as the search stored them: their attempts may have been pruned.
select isbn13, title, subtitle, authors, publisher, published, language, format, pages, identifiers, primary_provider
from enriched_editions e
where isbn13 = any(%(isbns)s) and enriched_at is null
  and not exists (select from source_record s where s.kind = 'edition' and s.subject = e.isbn13 and s.replaced_at is null);

-- name: claims_of
-- The current answers about subjects of a kind, each with its facts (of some fields, or of all) and the ranks that are not normal.
select s.subject, s.provider, s.record_id, s.fetched_at, f.facts, f.ranks
from source_record s cross join lateral (
    select json_object_agg(c.field, c.value) as facts, json_object_agg(c.field, c.rank) filter (where c.rank <> 'normal') as ranks
    from claim c where c.record_id = s.record_id and (%(fields)s::text[] is null or c.field = any(%(fields)s))
) f
where s.replaced_at is null and s.kind = %(kind)s and s.subject = any(%(subjects)s) and f.facts is not null;

-- name: any_lock
-- A row if there is any decision in force about things of a kind: mostly there is none.
select 1 from field_lock where withdrawn_at is null and kind = %(kind)s limit 1;

-- name: locks_of
-- The decisions in force about subjects of a kind.
select subject, field, value from field_lock
where withdrawn_at is null and kind = %(kind)s and subject = any(%(subjects)s);

-- name: withdraw_lock
-- Withdraws a decision.
update field_lock set withdrawn_at = clock_timestamp()
where withdrawn_at is null and (kind, subject, field) = (%(kind)s, %(subject)s, %(field)s);

-- name: lock
-- Stores a decision.
insert into field_lock (kind, subject, field, value, locked_by)
values (%(kind)s, %(subject)s, %(field)s, %(value)s, %(by)s);

-- name: judgements
-- The judgements in force about a kind.
select left_key, right_key, verdict, rule, evidence, decided_by, decided_at
from identity_judgement where withdrawn_at is null and kind = %(kind)s and verdict = any(%(verdicts)s);

-- name: withdraw_judgement
-- Withdraws the judgement about two keys.
update identity_judgement set withdrawn_at = clock_timestamp()
where withdrawn_at is null and (kind, left_key, right_key) = (%(kind)s, least(%(left)s, %(right)s), greatest(%(left)s, %(right)s));

-- name: judge
-- Stores a judgement.
insert into identity_judgement (kind, left_key, right_key, verdict, rule, evidence, decided_by)
values (%(kind)s, least(%(left)s, %(right)s), greatest(%(left)s, %(right)s), %(verdict)s, %(rule)s, %(evidence)s, %(by)s);

-- name: judgements_of
-- The newest judgements in force of a person, newest first.
select judgement_id, kind, left_key, right_key, verdict, decided_at from identity_judgement
where withdrawn_at is null and rule = 'person' and decided_by = %(by)s order by judgement_id desc limit %(most)s;

-- name: judgement_of_pair
-- The judgement in force about two keys.
select judgement_id, verdict, decided_by from identity_judgement
where withdrawn_at is null and (kind, left_key, right_key) = (%(kind)s, least(%(left)s, %(right)s), greatest(%(left)s, %(right)s));

-- name: judgement_before
-- The judgement that another one replaced.
select p.verdict, p.rule, p.evidence, p.decided_by from identity_judgement j
join identity_judgement p on (p.kind, p.left_key, p.right_key) = (j.kind, j.left_key, j.right_key) and p.judgement_id < j.judgement_id
where j.judgement_id = %(judgement_id)s order by p.judgement_id desc limit 1;
