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

-- name: set_aside
-- Keeps a row that could not be used, once per source and content.
insert into set_aside (source, digest, position, year, month, reason, excerpt)
values (%(source)s, %(digest)s, %(position)s, %(year)s, %(month)s, %(reason)s, %(excerpt)s)
on conflict (source, digest, position) do nothing;

-- name: set_aside_rows
-- Rows set aside, newest file first.
select source, position, year, month, reason, excerpt, seen_at from set_aside order by seen_at desc, source, digest, position;

-- name: book_counts
-- How many books and listings a month has.
select count(distinct b.book_id) as books, count(l.position) as listings
from generated_book b left join generated_listing l using (book_id)
where b.year = %(year)s and b.month = %(month)s;
