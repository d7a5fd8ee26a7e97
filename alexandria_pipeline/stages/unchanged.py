"""Finds the months whose served rows need not be computed, because nothing that they are computed from has changed.

For each month and stage a digest is kept: of its books, the claims and locks about them, the judgements, the served rows themselves,
and our code. It is kept only if no book, claim or lock was added while the stage was at work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage import month_enrichment as store
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.month_enrichment import Inputs

PACKAGE: Final = Path(__file__).parents[1]
DECIDES: Final = ("domain", "stages", "storage")
"""The packages whose code decides what is served."""


class Unchanged:
    """The months of one stage of a run. `reports`: what the stage last reported about the unchanged ones."""

    def __init__(self, database: Database, stage: str, months: Sequence[Month]) -> None:
        self._database, self._stage, self._months = database, stage, months
        with database.transaction() as tx:
            self._before = store.inputs(tx, months, stage)
            known = store.known(tx, months, stage)
        self.reports: Mapping[Month, dict[str, Any]] = {
            month: known[month][1]
            for month, inputs in self._before.items()
            if month in known and known[month][0] == _digest(inputs)
        }

    def keep(self, reports: Mapping[Month, Mapping[str, Any]]) -> None:
        """Keeps the digests and reports of months that were computed."""
        if not reports:
            return
        with self._database.transaction() as tx:
            after = store.inputs(tx, list(reports), self._stage)
            same = {m: each for m, each in after.items() if m in self._before and self._before[m].given == each.given}
            store.keep(tx, self._stage, {month: (_digest(each), reports[month]) for month, each in same.items()})


def _digest(inputs: Inputs) -> str:
    return sha256(f"{inputs.given} {inputs.written} {_code()}".encode()).hexdigest()


@cache
def _code() -> str:
    """A digest of the code that decides what is served."""
    digest = sha256()
    for folder in DECIDES:
        for file in sorted((PACKAGE / folder).rglob("*")):
            if file.suffix in {".py", ".sql", ".tsv"}:
                digest.update(file.read_bytes())
    return digest.hexdigest()
