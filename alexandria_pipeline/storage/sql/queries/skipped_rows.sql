-- name: add
-- Stores a skipped row, once per source and content.
insert into set_aside (source, digest, position, year, month, reason, excerpt, part)
values (%(source)s, %(digest)s, %(position)s, %(year)s, %(month)s, %(reason)s, %(excerpt)s, %(part)s)
on conflict (source, digest, position) do nothing;

-- name: all
-- All skipped rows, and rows whose ISBN could not be used, by file and line.
select source, position, year, month, reason, excerpt, seen_at, part from set_aside order by source, position, digest;

-- name: of_month
-- The skipped rows of a month, and rows whose ISBN could not be used.
select source, position, reason, excerpt, part from set_aside
where year = %(year)s and month = %(month)s
order by source, position, set_aside_id
limit %(limit)s;

-- name: count
-- The number of skipped rows of a month, and of rows whose ISBN could not be used.
select count(*) filter (where part = 'row') as rows, count(*) filter (where part = 'isbn') as isbns
from set_aside where year = %(year)s and month = %(month)s;
