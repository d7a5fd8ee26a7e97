"""What the transport and its callers exchange: the specification and settings of a service, and responses.

Values and one Protocol. `client.py` uses them.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from pydantic import SecretStr

from alexandria_pipeline.domain.calls import Allowance, CallContext
from alexandria_pipeline.domain.quota import QuotaLimits, end_of_day
from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable

if TYPE_CHECKING:
    from alexandria_pipeline.domain.month import Month

Json = Any
"""A decoded JSON value of unknown shape; parsers check every step into it."""

Params = Mapping[str, str | int | Sequence[str]]
"""Query parameters; a parameter with several values is repeated for each."""

MAX_PAUSE_SECONDS = 60.0  # a longer Retry-After opens the circuit breaker
PAID_REPLY_DAYS = 365.0  # the time for which the reply of an AI service waits to be stored with its month


@dataclass(frozen=True, slots=True)
class JsonResponse:
    """A complete response with a JSON body and a status that the service's error table does not explain.

    `receipt`: the key of the cached copy, "" if there is none.
    """

    status: int
    data: Json
    text: str
    receipt: str = field(default="", compare=False)


T = TypeVar("T")
Parse: TypeAlias = Callable[[JsonResponse], T | NotFound | Failed]
"""Reads a response. Its verdict decides what is cached: a value and NotFound are, Failed is not."""


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """The tokens and the cost of an AI call, for the ledger. `cost_usd` is None if the price is unknown."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a service expects its key: a header or a query parameter, with the key after `prefix`."""

    header: str | None = None
    parameter: str | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """What the transport must know about one service; each client module defines its own.

    `explain` is the service's error table: (status, decoded body or None) → the meaning of an error, None for a normal
    response (200, or a 404 for an empty result). A temporary Unavailable makes a service with a key unavailable until its
    quota day ends, and a service without a key for 15 minutes. A transient Failed with a retryable status is retried.
    `retry_after` finds the seconds to wait in a body, for services that do not use the header. `cache_days` and
    `negative_cache_days` are the lives of accepted responses and of definite noes; 0: nothing is cached. `fails_in_waves`:
    single calls fail at random for minutes, so the circuit breaker counts a call only when all its attempts have failed.
    """

    name: str
    explain: Callable[[int, Json], Unavailable | Failed | None]
    cache_days: float = 0
    negative_cache_days: float = 0
    usage: Callable[[Json], TokenUsage] | None = None
    key: KeyPlace | None = None
    retry_after: Callable[[Json], float | None] | None = None
    max_attempts: int = 3
    fails_in_waves: bool = False


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """The settings of one service. `timeout_seconds` covers a whole attempt, from its slot to the last byte.

    `key_variable`: the environment variable of the key. `enabled_variable`: the one that switches the service off.
    `redirect_hosts`: hosts other than the base URL's to which it may redirect. `parallel`: requests of one process at a
    time. `shared_with`: services that keep `shared_rate` together with this one. `country`: of the user, two letters.
    `effort`: of AI models. `missing`: why these settings do not suffice for a call, "" if they do.
    """

    base_url: str
    requests_per_second: float
    timeout_seconds: float = 15.0
    enabled: bool = True
    key: SecretStr | None = None
    model: str | None = None
    quota: QuotaLimits = field(default_factory=lambda: QuotaLimits(None))
    key_variable: str = ""
    enabled_variable: str = ""
    redirect_hosts: tuple[str, ...] = ()
    parallel: int = 32
    backoff_seconds: float = 1.0
    country: str | None = None
    effort: str | None = None
    missing: str = ""
    shared_with: tuple[str, ...] = ()
    shared_rate: float = math.inf

    @property
    def allowance(self) -> Allowance:
        """Rate limit and safe limit, for the shared tables."""
        return Allowance(
            self.requests_per_second,
            self.quota.safe_limit,
            self.timeout_seconds + MAX_PAUSE_SECONDS,
            end_of_day(self.quota.zone),
            self.shared_with,
            self.shared_rate,
        )


class ServiceHttp(Protocol):
    """The transport of one service: base URL, key, rate limit, quota, cache, circuit breaker and ledger included.

    No method raises for what the network or the service does. `parse` reads the response and decides whether it is
    cached. `path` is relative to the base URL.
    """

    name: str

    def unavailable(self) -> Unavailable | None:
        """Why the service cannot be called now (no key, switched off, breaker open, quota used up); None if it can."""
        ...

    async def get(self, path: str, parse: Parse[T], params: Params | None = None) -> Answer[T]: ...

    async def post(self, path: str, body: Mapping[str, Json], parse: Parse[T]) -> Answer[T]: ...


_NO_CONTEXT = CallContext()
_CONTEXT: ContextVar[CallContext] = ContextVar("alexandria_call_context", default=_NO_CONTEXT)


@contextlib.contextmanager
def call_context(
    *,
    run_id: str | None = None,
    month: Month | None = None,
    stage: str | None = None,
    purpose: str | None = None,
    work_id: int | None = None,
) -> Iterator[None]:
    """Sets what the calls of this block, and of tasks started in it, are made for. Omitted values keep the outer ones."""
    outer = _CONTEXT.get()
    token = _CONTEXT.set(
        CallContext(
            run_id or outer.run_id,
            month or outer.month,
            stage or outer.stage,
            purpose or outer.purpose,
            work_id or outer.work_id,
        )
    )
    try:
        yield
    finally:
        _CONTEXT.reset(token)


def current_context() -> CallContext:
    """The context of the running task."""
    return _CONTEXT.get()


_CALLS: ContextVar[list[int] | None] = ContextVar("alexandria_calls_made", default=None)


@contextlib.contextmanager
def calls_made() -> Iterator[list[int]]:
    """Collects the ids of the calls of this block, and of tasks started in it, without those of an inner block."""
    calls: list[int] = []
    token = _CALLS.set(calls)
    try:
        yield calls
    finally:
        _CALLS.reset(token)


def note_call(call_id: int) -> None:
    """Adds a call to those of the running block, if there is one."""
    if (calls := _CALLS.get()) is not None:
        calls.append(call_id)
