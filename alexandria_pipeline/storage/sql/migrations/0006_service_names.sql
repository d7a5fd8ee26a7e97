-- One name per service: the provider's, with hyphens, in the ledger, the quotas, the health table and the cache.

update api_call set service = case service when 'archive_org' then 'internet-archive' else replace(service, '_', '-') end
where service like '%\_%';

update quota_usage set service = case service when 'archive_org' then 'internet-archive' else replace(service, '_', '-') end
where service like '%\_%';

update provider_health set service = case service when 'archive_org' then 'internet-archive' else replace(service, '_', '-') end
where service like '%\_%';

update http_cache
set service = case service when 'archive_org' then 'internet-archive' else replace(service, '_', '-') end,
    cache_key = case service when 'archive_org' then 'internet-archive' else replace(service, '_', '-') end
                || substr(cache_key, length(service) + 1)
where service like '%\_%';
