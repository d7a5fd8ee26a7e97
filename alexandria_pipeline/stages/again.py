"""Further rounds for books that a passing failure of a service left open, within the same run.

Services fail in waves: for minutes, most of their calls fail at random. More attempts at once do not help as much as the same
attempts some minutes later, when all other books are done. A service that has answered in this run is waited for while its
circuit breaker is open, up to `PATIENCE_SECONDS` before each round. One that has answered nothing is down: it is asked
again once, if it may be called at all, and otherwise by the next run.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from alexandria_pipeline.domain.records import Resolution
from alexandria_pipeline.providers.base import IsbnResolver

MAX_ROUNDS: Final = 3
PATIENCE_SECONDS: Final = 90
POLL_SECONDS: Final = 1.0
ANSWERS: Final = frozenset({"found", "not_found", "rejected"})

log = logging.getLogger(__name__)


class Rounds:
    """The rounds of one run, from the first. `sleep`: waits for a number of seconds."""

    def __init__(self, resolvers: Sequence[IsbnResolver], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._resolvers = {resolver.declaration.name: resolver for resolver in resolvers}
        self._sleep = sleep
        self._answered: set[str] = set()
        self._number = 1

    @property
    def last(self) -> bool:
        """Whether no round follows."""
        return self._number >= MAX_ROUNDS

    def note(self, resolution: Resolution) -> None:
        """Notes which services have answered."""
        self._answered |= {each.provider for each in resolution.attempts if each.outcome in ANSWERS}

    def worth_asking(self, resolution: Resolution) -> bool:
        """Whether a service that the book waits for may answer in this round."""
        return any(self._is_worth(name) for name in resolution.again)

    async def next(self, left: Sequence[Resolution]) -> None:
        """Begins the next round, after the pauses of the services that have answered in this run."""
        self._number += 1
        names = {name for resolution in left for name in resolution.again} & self._answered
        waited = 0.0
        while waited < PATIENCE_SECONDS and any(self._pauses_shortly(name) for name in names):
            await self._sleep(POLL_SECONDS)
            waited += POLL_SECONDS
        log.info(
            "round %d for %d books that wait for %s",
            self._number,
            len(left),
            ", ".join(sorted({name for resolution in left for name in resolution.again})),
        )

    def _is_worth(self, name: str) -> bool:
        resolver = self._resolvers.get(name)
        asked_before = self._number > 2 and name not in self._answered
        return resolver is not None and not asked_before and resolver.unavailable() is None

    def _pauses_shortly(self, name: str) -> bool:
        resolver = self._resolvers.get(name)
        unavailable = resolver.unavailable() if resolver else None
        if unavailable is None or unavailable.retry_at is None:
            return False
        return unavailable.retry_at <= datetime.now(UTC) + timedelta(seconds=PATIENCE_SECONDS)
