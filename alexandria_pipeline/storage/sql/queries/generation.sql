-- name: usable_reply
-- The stored reply that answers this request again.
select reply_id, provider, model, body, source, read_at is not null as read
from generation_reply
where year = %(year)s and month = %(month)s and provider = %(provider)s and model = %(model)s
  and prompt_variant = %(prompt_variant)s and refusal is null;

-- name: store_reply
-- Stores a reply as received. No row if another process has stored one first.
insert into generation_reply (year, month, provider, model, prompt_variant, source, body, input_tokens, output_tokens, cost_usd, run_id)
values (%(year)s, %(month)s, %(provider)s, %(model)s, %(prompt_variant)s, %(source)s, %(body)s, %(input_tokens)s,
        %(output_tokens)s, %(cost_usd)s, %(run_id)s)
on conflict (year, month, provider, model, prompt_variant) where refusal is null do nothing
returning reply_id;

-- name: consume_receipt
-- The cached copy of a reply is not needed any more: the reply is stored.
delete from http_cache where cache_key = %(receipt)s;

-- name: record_request
-- Stores the prompt variant and the number of books requested per generator.
update backfill_log set prompt_variant = %(prompt_variant)s, batch_size = %(batch_size)s, updated_at = now()
where year = %(year)s and month = %(month)s;

-- name: refuse_reply
-- The reply contains no list; it stays as a record and is not used again.
update generation_reply set refusal = %(refusal)s, read_at = clock_timestamp() where reply_id = %(reply_id)s;

-- name: mark_read
-- The books of the reply are stored.
update generation_reply set read_at = clock_timestamp() where reply_id = %(reply_id)s;

-- name: listings
-- All listings of a month with their books.
select l.reply_id, l.position, l.book_id, l.provider, l.title, l.author, l.isbns, l.details
from generated_listing l join generated_book b using (book_id)
where b.year = %(year)s and b.month = %(month)s
order by b.book_id, l.reply_id, l.position;

-- name: add_book
-- Adds a book of a month. Exactly the same title and author is the same row.
insert into generated_book (year, month, title, author, run_id)
values (%(year)s, %(month)s, %(title)s, %(author)s, %(run_id)s)
on conflict (year, month, md5(title), md5(author)) do update set title = excluded.title
returning book_id;

-- name: add_listing
-- Adds a listing of a book.
insert into generated_listing (reply_id, position, book_id, provider, title, author, isbns, details)
values (%(reply_id)s, %(position)s, %(book_id)s, %(provider)s, %(title)s, %(author)s, %(isbns)s, %(details)s)
on conflict do nothing;

-- name: book_counts
-- The number of books and listings of a month.
select count(distinct b.book_id) as books, count(l.position) as listings
from generated_book b left join generated_listing l using (book_id)
where b.year = %(year)s and b.month = %(month)s;

-- name: provider_figures
-- The listings, books, tokens, cost, replies of unknown cost, and refusals of each generator for a month.
with listed as (
    select l.provider, count(*) as listings, count(distinct l.book_id) as books
    from generated_book b join generated_listing l using (book_id)
    where b.year = %(year)s and b.month = %(month)s
    group by l.provider
), replied as (
    select provider, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, sum(cost_usd) as cost_usd,
           count(*) filter (where cost_usd is null) as unpriced, count(refusal) as refusals
    from generation_reply where year = %(year)s and month = %(month)s
    group by provider
)
select provider, coalesce(books, 0) as books, coalesce(listings, 0) as listings, coalesce(input_tokens, 0) as input_tokens,
       coalesce(output_tokens, 0) as output_tokens, coalesce(cost_usd, 0) as cost_usd, coalesce(unpriced, 0) as unpriced, coalesce(refusals, 0) as refusals
from listed full join replied using (provider)
order by provider;

-- name: refusals_of
-- The refused replies of a month, with reasons.
select provider, model, received_at, refusal from generation_reply
where year = %(year)s and month = %(month)s and refusal is not null
order by reply_id;
