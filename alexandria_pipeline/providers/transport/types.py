"""What the transport and its callers agree on: what is declared and set for a service, and what an answer looks like.

Values and one Protocol; how they are used is in `http.py`, from where all of it can be imported.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import SecretStr

from alexandria_pipeline.domain.calls import Allowance, CallContext
from alexandria_pipeline.domain.quota import QuotaLimits
from alexandria_pipeline.domain.service_answers import Failed, Unavailable

if TYPE_CHECKING:
    from alexandria_pipeline.domain.month import Month

Json = Any
"""A decoded JSON value of unknown shape; parsers check every step into it."""

Params = Mapping[str, str | int | Sequence[str]]
"""Parameters of an address; one with several values is repeated for each."""

MAX_PAUSE_SECONDS = 60.0  # seconds; who asks for more is left alone


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer with a JSON body: `status` below 500 and not one that the service's error table explains."""

    status: int
    data: Json
    text: str


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """What an AI call used, for the ledger."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """What the transport must know about one service; each provider file declares its own.

    `explain` is the vendor's error table: (status, decoded body or None) → what that means, None where the status and
    body are an answer (200, a 404 that is an empty result). A temporary Unavailable closes the service until 00:00 UTC
    if it has a key (the account's day is used up), or else for a quarter of an hour (it refuses this client). A
    transient Failed with a status that may be repeated is repeated. `empty` says whether an answer is a definite no,
    which has a life of its own in the cache. `retry_after` finds the seconds to wait in a body, where a service does
    not say them in a header.
    """

    name: str
    explain: Callable[[int, Json], Unavailable | Failed | None]
    empty: Callable[[Reply], bool]
    cache_days: float
    negative_cache_days: float
    usage: Callable[[Json], TokenUsage] | None = None
    key: KeyPlace | None = None
    retry_after: Callable[[Json], float | None] | None = None


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a service wants its key: a header or a query parameter, the key after `prefix`. Never part of a cache key."""

    header: str | None = None
    parameter: str | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """What is set for one service. `timeout_seconds` is for a whole attempt, from its slot to the last byte.

    `key_setting`: the variable that holds the key. `enabled_setting`: the one that switches the service off.
    `redirect_hosts`: hosts other than the base's that it may redirect to. `parallel`: requests of one process at a time.
    """

    base_url: str
    requests_per_second: float
    timeout_seconds: float = 15.0
    enabled: bool = True
    key: SecretStr | None = None
    model: str | None = None
    quota: QuotaLimits = field(default_factory=lambda: QuotaLimits(None))
    key_setting: str = ""
    enabled_setting: str = ""
    redirect_hosts: tuple[str, ...] = ()
    parallel: int = 32
    backoff_seconds: float = 1.0

    @property
    def allowance(self) -> Allowance:
        """The pace and the daily limit, for the shared tables."""
        return Allowance(self.requests_per_second, self.quota.safe, self.timeout_seconds + MAX_PAUSE_SECONDS)


class ServiceHttp(Protocol):
    """The transport, bound to one service: base URL, key, pace, quota, cache, breaker and ledger are its business."""

    name: str

    def unavailable(self) -> Unavailable | None:
        """No key, switched off, breaker open or quota used up; None when the service can be asked."""
        ...

    async def get(self, path: str, params: Params | None = None) -> Reply | Unavailable | Failed:
        """`path` is relative to the base URL. Never raises for what the network or the service does."""
        ...

    async def post(self, path: str, body: Mapping[str, Json]) -> Reply | Unavailable | Failed: ...


_NOBODY = CallContext()
_CONTEXT: ContextVar[CallContext] = ContextVar("alexandria_call_context", default=_NOBODY)


@contextlib.contextmanager
def call_context(
    *,
    run_id: str | None = None,
    month: Month | None = None,
    stage: str | None = None,
    operation: str | None = None,
    work_id: int | None = None,
) -> Iterator[None]:
    """Says for whom the calls of this block (and of tasks started in it) are made; what is not given stays as it was."""
    now = _CONTEXT.get()
    token = _CONTEXT.set(
        CallContext(
            run_id or now.run_id,
            month or now.month,
            stage or now.stage,
            operation or now.operation,
            work_id or now.work_id,
        )
    )
    try:
        yield
    finally:
        _CONTEXT.reset(token)


def current_call() -> CallContext:
    """For whom the running task calls."""
    return _CONTEXT.get()
