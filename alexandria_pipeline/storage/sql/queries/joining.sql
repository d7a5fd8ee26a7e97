-- What decides whether works are one: pairs that share something, and what is compared of them.

-- name: pairs
-- Pairs of resolved works that share an identifier or the name of an author; at least one work of each is among the given ones.
with mine as (
    select work_id, work_key from enriched_works where work_id = any(%(ids)s) and not synthetic and merged_into is null
), known as (
    select m.work_id, x.scheme, x.value
    from mine m join external_id x on x.kind = 'work' and x.subject = m.work_key
    where x.scheme = any(%(schemes)s)
    union
    select m.work_id, x.scheme, x.value
    from mine m join enriched_editions e using (work_id) join external_id x on x.kind = 'edition' and x.subject = e.isbn13
    where x.scheme = any(%(edition_schemes)s)
), sharing as (
    select k.work_id, w.work_id as other
    from known k join external_id x using (scheme, value) join enriched_works w on w.work_key = x.subject
    where x.kind = 'work'
    union
    select k.work_id, e.work_id
    from known k join external_id x using (scheme, value) join enriched_editions e on e.isbn13 = x.subject
    where x.kind = 'edition' and x.scheme = any(%(edition_schemes)s)
    union
    select m.work_id, theirs.work_id
    from mine m
    join work_authors own using (work_id)
    join enriched_authors a using (author_id)
    join enriched_authors namesake on namesake.name_key = a.name_key
    join work_authors theirs on theirs.author_id = namesake.author_id
)
select distinct least(s.work_id, s.other) as one, greatest(s.work_id, s.other) as other
from sharing s join enriched_works o on o.work_id = s.other
where s.other <> s.work_id and not o.synthetic and o.merged_into is null
order by 1, 2;

-- name: facts
-- What is compared of works. "offset 0" keeps the planner from reading all identifiers of a scheme for each work.
select w.work_id, w.work_key, coalesce(w.listed_title, w.title) as title, coalesce(w.listed_author, w.author) as author, w.first_published,
       coalesce((select jsonb_agg(distinct coalesce(root.author_key, a.author_key))
                 from work_authors wa join enriched_authors a using (author_id)
                 left join enriched_authors root on root.author_id = a.merged_into
                 where wa.work_id = w.work_id and not a.undifferentiated), '[]') as authors,
       coalesce((select jsonb_agg(jsonb_build_array(x.scheme, x.value) order by x.scheme, x.value)
                 from (select scheme, value
                       from (select scheme, value from external_id where kind = 'work' and subject = w.work_key offset 0) own
                       where own.scheme = any(%(schemes)s)
                       union
                       select scheme, value
                       from enriched_editions e cross join lateral
                            (select scheme, value from external_id where kind = 'edition' and subject = e.isbn13 offset 0) its
                       where e.work_id = w.work_id and its.scheme = any(%(edition_schemes)s)) x), '[]') as identifiers,
       coalesce((select jsonb_agg(e.isbn13 order by e.isbn13) from enriched_editions e where e.work_id = w.work_id), '[]')
           || jsonb_path_query_array(w.variants, '$[*].isbn13') as isbns,
       coalesce((select jsonb_agg(distinct c.value)
                 from enriched_editions e
                 join source_record r on r.kind = 'edition' and r.subject = e.isbn13 and r.replaced_at is null
                 join claim c on c.record_id = r.record_id and c.field = 'title' and c.rank <> 'deprecated'
                 where e.work_id = w.work_id), '[]') as stated_titles
from enriched_works w where w.work_id = any(%(ids)s)
order by w.work_id;

-- name: author_pairs
-- Pairs of authors with equal names that both have a year of birth, or works with an equal title; one of each is an author of the given works.
select distinct least(a.author_id, b.author_id) as one, greatest(a.author_id, b.author_id) as other
from work_authors wa
join enriched_authors a using (author_id)
join enriched_authors b on b.name_key = a.name_key and b.author_id <> a.author_id
where wa.work_id = any(%(ids)s) and a.name_key <> '' and a.merged_into is null and b.merged_into is null
  and ((a.born is not null and b.born is not null)
       or exists (select from work_authors own join enriched_works w using (work_id)
                  join enriched_works v on v.title_key = w.title_key join work_authors theirs on theirs.work_id = v.work_id
                  where own.author_id = a.author_id and theirs.author_id = b.author_id and w.title_key <> ''))
order by 1, 2;

-- name: author_facts
-- What is compared of authors.
select a.author_id, a.author_key, a.name, left(a.born, 4)::int as born, left(a.died, 4)::int as died, a.identifiers,
       coalesce((select jsonb_agg(distinct w.title_key) from work_authors wa join enriched_works w using (work_id)
                 where wa.author_id = a.author_id and w.title_key <> ''), '[]') as titles
from enriched_authors a where a.author_id = any(%(ids)s)
order by a.author_id;

-- name: doubts
-- Judgements that a person has to make, with the titles and authors of both sides.
select j.left_key, j.right_key, j.rule, j.evidence ->> 'guard' as guard, j.decided_at,
       coalesce(lw.title, la.name) as left_title, lw.author as left_author,
       coalesce(rw.title, ra.name) as right_title, rw.author as right_author
from identity_judgement j
left join enriched_works lw on j.kind = 'work' and lw.work_key = j.left_key
left join enriched_works rw on j.kind = 'work' and rw.work_key = j.right_key
left join enriched_authors la on j.kind = 'author' and la.author_key = j.left_key
left join enriched_authors ra on j.kind = 'author' and ra.author_key = j.right_key
where j.withdrawn_at is null and j.verdict = 'unsure' and j.kind = %(kind)s
order by j.decided_at, j.left_key, j.right_key;

-- name: conflicts
-- The fields whose sources contradict each other, oldest first, and how many there are.
select c.kind, c.subject as key, coalesce(e.title, w.title, a.name) as title, c.field, c.detail, c.found_at, count(*) over () as total
from field_conflict c
left join enriched_editions e on c.kind = 'edition' and e.isbn13 = c.subject
left join enriched_works w on c.kind = 'work' and w.work_key = c.subject
left join enriched_authors a on c.kind = 'author' and a.author_key = c.subject
order by c.found_at, c.kind, c.subject, c.field
limit %(limit)s;
