"""The possible answers of a service to one request.

They are distinguished because they have different consequences: only a definite no (`NotFound`, `Rejected`) may be cached as
a no; `Unavailable` and `Failed` leave the book for a later run.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

if TYPE_CHECKING:
    from alexandria_pipeline.domain.matching.verdict import Verdict
    from alexandria_pipeline.domain.records import Candidate


@dataclass(frozen=True, slots=True)
class Found:
    """The service knows the book, and the candidate was accepted."""

    candidate: Candidate
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class NotFound:
    """The service responded and has no such thing."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The service offered books, but none is acceptable; `nearest` is the best of them."""

    reason: str
    nearest: Candidate | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The service was not called. `temporary`: its quota is used up or its breaker is open, so a later run should call it.

    If not temporary (no key, switched off), the service does not count: a book does not wait for it. `retry_at`: the end of
    the pause of an open circuit breaker.
    """

    reason: str
    temporary: bool = False
    retry_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """The service was called and gave no usable response. `transient`: a later call may succeed.

    `refusal`: a healthy service refuses this one request, so its circuit breaker does not count the failure.
    `concerns_model`: another model of the AI service may answer the same request.
    `pause_seconds`: the service requests a pause in the body of a response whose status does not say so.
    """

    reason: str
    transient: bool = True
    refusal: bool = False
    concerns_model: bool = False
    pause_seconds: float | None = None


OUR_FAULTS: Final = ("rejects the key", "rejects this key", "not asked: the database is down")
"""Parts of reasons whose cause is on our side. The reason of an open circuit breaker quotes the reason of its last failure."""


def is_our_fault(reason: str) -> bool:
    """Whether books wait because of our own database or key, and not because of a service."""
    return any(part in reason for part in OUR_FAULTS)


def our_fault(reason: str) -> str:
    """The part of a reason of several services that names our fault; the whole reason if no part does."""
    parts = re.split(r"; (?=[a-z-]+: )", reason)
    part = next((part for part in parts if is_our_fault(part)), reason)
    _, paused, quoted = part.partition(" after repeated failures (")
    return quoted.removesuffix(")") if paused else re.sub(r"\A[a-z-]+: ", "", part)


T = TypeVar("T")
Answer: TypeAlias = T | NotFound | Unavailable | Failed
"""What a provider returns: a value, or why there is none."""

StepOutcome = Found | NotFound | Rejected | Unavailable | Failed

U = TypeVar("U")


def then(answer: Answer[T], make: Callable[[T], Answer[U]]) -> Answer[U]:
    """`make` applied to a value; any other answer unchanged."""
    if isinstance(answer, NotFound | Unavailable | Failed):
        return answer
    return make(answer)


async def then_call(answer: Answer[T], call: Callable[[T], Awaitable[Answer[U]]]) -> Answer[U]:
    """The answer of `call`, which is made with a value; any other answer unchanged, without a call."""
    if isinstance(answer, NotFound | Unavailable | Failed):
        return answer
    return await call(answer)
