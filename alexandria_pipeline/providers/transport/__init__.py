"""The HTTP transport shared by all services: cache, circuit breaker, quota, rate limit, request, ledger."""
