-- Costs: as precise as the bills of services (xAI bills in units of 10^-10 US dollars), and null where the price of the model
-- is unknown. An unknown cost must not look like no cost.

alter table api_call alter column cost_usd type numeric(20, 10), alter column cost_usd drop not null;
alter table generation_reply alter column cost_usd type numeric(20, 10), alter column cost_usd drop not null;
comment on column api_call.cost_usd is 'US dollars. Null: no price is known for the model.';
comment on column generation_reply.cost_usd is 'US dollars. Null: no price is known for the model.';

-- Cached responses that earlier versions stored before their parser had accepted them: an error in a body with status 200, and
-- lists that are empty although the count is not. Their bodies are compressed, so SQL cannot read them. All short responses and
-- all noes of the two services are removed, which includes every such row; pages with books are longer and stay.

delete from http_cache where service in ('google-books', 'open-library') and (negative or octet_length(body) < 300);
