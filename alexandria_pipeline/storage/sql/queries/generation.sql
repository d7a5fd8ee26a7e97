-- name: usable_reply
-- The stored answer that serves this request again, if there is one.
select reply_id, provider, model, body, source, read_at is not null as read
from generation_reply
where year = %(year)s and month = %(month)s and provider = %(provider)s and model = %(model)s
  and prompt_variant = %(prompt_variant)s and refusal is null;

-- name: keep_reply
-- Keeps an answer as it arrived. A twin that another process kept first wins.
insert into generation_reply (year, month, provider, model, prompt_variant, source, body, input_tokens, output_tokens, cost_usd, run_id)
values (%(year)s, %(month)s, %(provider)s, %(model)s, %(prompt_variant)s, %(source)s, %(body)s, %(input_tokens)s,
        %(output_tokens)s, %(cost_usd)s, %(run_id)s)
on conflict (year, month, provider, model, prompt_variant) where refusal is null do nothing
returning reply_id;

-- name: refuse_reply
-- The answer holds no list; it stays for the record and is not used again.
update generation_reply set refusal = %(refusal)s, read_at = clock_timestamp() where reply_id = %(reply_id)s;

-- name: mark_read
-- The books of the answer are stored.
update generation_reply set read_at = clock_timestamp() where reply_id = %(reply_id)s;

-- name: listings
-- Everything already listed for a month, with the book that each listing was taken to be.
select l.reply_id, l.position, l.book_id, l.provider, l.title, l.author, l.isbns, l.details
from generated_listing l join generated_book b using (book_id)
where b.year = %(year)s and b.month = %(month)s
order by b.book_id, l.reply_id, l.position;

-- name: add_book
-- A book of the month. The same title and author, to the letter, is the same row.
insert into generated_book (year, month, title, author, run_id)
values (%(year)s, %(month)s, %(title)s, %(author)s, %(run_id)s)
on conflict (year, month, md5(title), md5(author)) do update set title = excluded.title
returning book_id;

-- name: add_listing
-- Ties a listing to its book.
insert into generated_listing (reply_id, position, book_id, provider, title, author, isbns, details)
values (%(reply_id)s, %(position)s, %(book_id)s, %(provider)s, %(title)s, %(author)s, %(isbns)s, %(details)s)
on conflict do nothing;

-- name: add_skipped_row
-- Keeps a row that could not be used, once per source and content.
insert into set_aside (source, digest, position, year, month, reason, excerpt)
values (%(source)s, %(digest)s, %(position)s, %(year)s, %(month)s, %(reason)s, %(excerpt)s)
on conflict (source, digest, position) do nothing;

-- name: skipped_rows
-- Skipped rows, file by file, line by line.
select source, position, year, month, reason, excerpt, seen_at from set_aside order by source, position, digest;

-- name: book_counts
-- How many books and listings a month has.
select count(distinct b.book_id) as books, count(l.position) as listings
from generated_book b left join generated_listing l using (book_id)
where b.year = %(year)s and b.month = %(month)s;

-- name: provider_figures
-- What each generator gave for a month, and what it cost: its listings, the books they came to, tokens, and answers without a list.
with listed as (
    select l.provider, count(*) as listings, count(distinct l.book_id) as books
    from generated_book b join generated_listing l using (book_id)
    where b.year = %(year)s and b.month = %(month)s
    group by l.provider
), replied as (
    select provider, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(cost_usd) as cost_usd,
           count(refusal) as refusals
    from generation_reply where year = %(year)s and month = %(month)s
    group by provider
)
select provider, coalesce(books, 0) as books, coalesce(listings, 0) as listings, coalesce(input_tokens, 0) as input_tokens,
       coalesce(output_tokens, 0) as output_tokens, coalesce(cost_usd, 0) as cost_usd, coalesce(refusals, 0) as refusals
from listed full join replied using (provider)
order by provider;

-- name: skipped_rows_of
-- What was listed for a month and could not be used.
select source, position, reason, excerpt from set_aside
where year = %(year)s and month = %(month)s
order by source, position, set_aside_id
limit %(most)s;

-- name: skipped_row_count
-- How many rows of a month could not be used.
select count(*) as rows from set_aside where year = %(year)s and month = %(month)s;

-- name: refusals_of
-- Answers of a month that hold no list, and why.
select provider, model, received_at, refusal from generation_reply
where year = %(year)s and month = %(month)s and refusal is not null
order by reply_id;
