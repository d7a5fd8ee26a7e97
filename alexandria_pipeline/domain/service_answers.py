"""How a question to one service ended, and how a book's way down the cascade ended.

Five endings of one question are told apart because they lead to different acts: only a definite no (`NotFound`,
`Rejected`) may be remembered as a no; `Unavailable` and `Failed` leave the book for a later run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    """The service answered, and has nothing by that title and author."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The service offered books, none of them acceptable; `nearest` is the best of them."""

    reason: str
    nearest: Candidate | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The service was not asked. `temporary`: quota used up or breaker open, so that a later run should ask.

    Otherwise (no key, switched off) the service does not count: a book need not wait for it.
    """

    reason: str
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The service was asked and gave no usable answer. `transient`: asking again later may help."""

    reason: str
    transient: bool = True


StepOutcome = Found | NotFound | Rejected | Unavailable | Failed
