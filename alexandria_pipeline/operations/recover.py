"""Gives months back whose run has died, and says which runs have. A month must be found without an owner twice before
it is taken from it, and a run without a sign of life twice before it is called dead.

The second look is for a run that lives and has lost its connection: it has the time between two looks to take its locks
back. Should it come later still, its next write is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alexandria_pipeline.storage import recovery
from alexandria_pipeline.storage import run_heartbeat as presence
from alexandria_pipeline.storage.recovery import Orphan, RecoveredMonth

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a look has done: months taken back, and those to be looked at again."""

    taken_back: tuple[RecoveredMonth, ...]
    suspects: frozenset[Orphan]


def recover(database: Database, suspects: Collection[Orphan]) -> Recovered:
    """Takes back the suspects of the last look that still have no owner; names the suspects of this one."""
    with database.transaction() as tx:
        found = frozenset(recovery.orphans(tx))
        again = found & set(suspects)
        taken = recovery.recover_months(tx, again) if again else []
    for each in taken:
        log.warning("%s is %s now, after %d attempts: %s", each.month, each.status, each.attempts, each.reason)
    return Recovered(tuple(taken), found - again)


@dataclass(frozen=True, slots=True)
class Silent:
    """Runs without a sign of life: `dead` ones, found so by two looks, and those to be looked at again."""

    dead: frozenset[str]
    suspects: frozenset[str]


def silent_runs(database: Database, started: Collection[str], suspects: Collection[str]) -> Silent:
    """Which of the runs that are said to be at work are not; `suspects` are those of the last look."""
    with database.transaction() as tx:
        silent = frozenset(started) - presence.live_runs(tx)
    dead = silent & frozenset(suspects)
    return Silent(dead, silent - dead)
