"""Limits, latency and counters of the services. This module knows requests and times, but not their content."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any, Final

from alexandria_pipeline_tests.upstream.model import Service

# Requests in any one second (docs/services). Wikipedia's 200 a minute and the limits of the AI services are rounded down.
RATES: Final = {
    Service.ISBNDB: 3,
    Service.GOOGLE_BOOKS: 1,
    Service.OPEN_LIBRARY: 3,
    Service.INTERNET_ARCHIVE: 1,
    Service.WIKIDATA: 5,
    Service.WIKIPEDIA: 3,
    Service.GEMINI: 2,
    Service.XAI: 2,
}
PARALLEL: Final = {Service.WIKIDATA: 5}
ISBNDB_DAILY: Final = 15_000


@dataclass
class Behaviour:
    """The limits of a service. `rate`: requests in any one second. `daily`, `parallel`: None for no limit. `latency`: seconds."""

    rate: float
    daily: int | None = None
    parallel: int | None = None
    latency: float = 0.0
    enforced: bool = True


@dataclass
class Counters:
    """The requests so far. `breaches`: requests that exceeded the rate in the second before them, rejected or not."""

    requests: int = 0
    breaches: int = 0
    peak: int = 0
    refused_rate: int = 0
    refused_quota: int = 0
    refused_parallel: int = 0
    most_parallel: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    by_request: Counter[str] = field(default_factory=Counter)
    agents: Counter[str] = field(default_factory=Counter)
    first: float = 0.0
    last: float = 0.0


class RequestMeter:
    """Counts the requests of one service and rejects those that exceed its limits."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.spent = 0
        self.in_progress = 0
        self.reset()

    def reset(self) -> None:
        """Resets all counters except the calls of the quota day."""
        self.counters = Counters()
        self._arrived: deque[float] = deque()
        self._admitted: deque[float] = deque()

    def admit(self, request: str, agent: str, *, metered: bool = True, now: float | None = None) -> str | None:
        """Counts a request. Returns None if it is accepted, else the exceeded limit: "rate", "quota" or "parallel"."""
        now = time.monotonic() if now is None else now
        counters, rate = self.counters, self.behaviour.rate
        counters.requests += 1
        counters.by_request[request] += 1
        counters.agents[agent] += 1
        counters.first, counters.last = counters.first or now, now
        within = _within_second(self._arrived, now)
        counters.peak = max(counters.peak, within)
        counters.breaches += within > rate
        self.spent += metered
        refusal = self._refusal(now, rate, metered=metered)
        counters.refused_rate += refusal == "rate"
        counters.refused_quota += refusal == "quota"
        counters.refused_parallel += refusal == "parallel"
        return refusal

    def _refusal(self, now: float, rate: float, *, metered: bool) -> str | None:
        behaviour = self.behaviour
        self.counters.most_parallel = max(self.counters.most_parallel, self.in_progress)
        if metered and behaviour.daily is not None and self.spent > behaviour.daily:
            return "quota"
        if behaviour.parallel is not None and self.in_progress > behaviour.parallel:
            return "parallel"
        if behaviour.enforced and _within_second(self._admitted, now) > rate:
            self._admitted.pop()
            return "rate"
        return None

    def stats(self) -> dict[str, Any]:
        """All counters. `used_share`: the used share of the rate limit between the first and the last request."""
        c = self.counters
        elapsed = c.last - c.first
        return {
            "requests": c.requests,
            "breaches": c.breaches,
            "peak_in_a_second": c.peak,
            "rate": self.behaviour.rate,
            "refused": {"rate": c.refused_rate, "quota": c.refused_quota, "parallel": c.refused_parallel},
            "statuses": {str(status): count for status, count in sorted(c.statuses.items())},
            "faults": dict(c.faults),
            "spent_today": self.spent,
            "most_parallel": c.most_parallel,
            "seconds": round(elapsed, 3),
            "used_share": round((c.requests - 1) / (elapsed * self.behaviour.rate), 4) if elapsed > 0 else None,
            "distinct_requests": len(c.by_request),
            "repeats": c.requests - len(c.by_request),
            "most_repeated": [[text, count] for text, count in c.by_request.most_common(10) if count > 1],
            "agents": dict(c.agents),
        }


def _within_second(times: deque[float], now: float) -> int:
    """Adds `now` to the times and returns how many of them are in the second before it."""
    times.append(now)
    while times[0] <= now - 1.0:
        times.popleft()
    return len(times)


def behaviours(time_scale: float = 1.0, daily: int = ISBNDB_DAILY) -> dict[Service, Behaviour]:
    """The default limits of all services, with rates multiplied by `time_scale`."""
    return {
        service: Behaviour(
            rate * time_scale,
            daily if service is Service.ISBNDB else None,
            round(PARALLEL[service] * max(1.0, time_scale)) if service in PARALLEL else None,
        )
        for service, rate in RATES.items()
    }
