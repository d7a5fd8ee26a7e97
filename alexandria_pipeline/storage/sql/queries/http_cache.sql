-- name: find
-- The answers that are still good, of so many keys.
select cache_key, status, body from http_cache where cache_key = any(%(keys)s) and expires_at > clock_timestamp();

-- name: prune
-- Removes expired entries, a part at a time, so that no process waits for it.
delete from http_cache
where cache_key in (select cache_key from http_cache where expires_at <= clock_timestamp() order by expires_at limit %(portion)s);

-- name: forget
-- Removes all answers of a service.
delete from http_cache where service = %(service)s;
