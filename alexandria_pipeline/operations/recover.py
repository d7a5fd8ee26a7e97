"""Recovery: returns the months of dead runs to `retry`, and finds runs that have died.

Two passes must find a month without an owner before it is recovered, and a run without a heartbeat before it counts as
dead. Between the passes, a live run that lost its connection can take its locks again. A run that comes back later
still cannot write: its claim is void.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.errors import DatabaseUnavailable, StorageError
from alexandria_pipeline.storage import recovery, run_heartbeat
from alexandria_pipeline.storage.recovery import Orphan, RecoveredMonth

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovered:
    """The result of one pass: months recovered, and months without an owner that the next pass checks again."""

    months: tuple[RecoveredMonth, ...]
    suspects: frozenset[Orphan]


def recover(database: Database, suspects: Collection[Orphan]) -> Recovered:
    """Recovers the suspects of the previous pass that still have no owner. Returns the suspects of this pass."""
    with database.transaction() as tx:
        orphans = frozenset(recovery.orphans(tx))
    confirmed = orphans & set(suspects)
    recovered = [month for orphan in sorted(confirmed) for month in _recover_one(database, orphan)]
    for each in recovered:
        log.warning("%s is %s now, after %d attempts: %s", each.month, each.status, each.attempts, each.reason)
    return Recovered(tuple(recovered), orphans - confirmed)


def _recover_one(database: Database, orphan: Orphan) -> Sequence[RecoveredMonth]:
    """Takes one month back, in a transaction of its own: a month that cannot be taken back does not block the others."""
    try:
        with database.transaction() as tx:
            return recovery.recover_months(tx, [orphan])
    except DatabaseUnavailable:
        raise
    except StorageError as error:
        log.error("%s cannot be taken back: %s", orphan.month, error)  # noqa: TRY400 - the message is enough
        return []


@dataclass(frozen=True, slots=True)
class RunLiveness:
    """Runs without a heartbeat: `dead` after two passes, `suspects` after one."""

    dead: frozenset[str]
    suspects: frozenset[str]


def find_dead_runs(database: Database, started: Collection[str], suspects: Collection[str]) -> RunLiveness:
    """Checks which of the started runs have no heartbeat; `suspects` are those of the previous pass."""
    with database.transaction() as tx:
        silent = frozenset(started) - run_heartbeat.live_runs(tx)
    dead = silent & frozenset(suspects)
    return RunLiveness(dead, silent - dead)
