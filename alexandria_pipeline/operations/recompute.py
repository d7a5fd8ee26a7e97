"""Computes all served rows again from claims, as a change of the rules needs it: in blocks of works, one process per core.

Other writers of claims wait meanwhile for each block. A block is one transaction; a stop loses nothing, and a second run writes
what is left.
"""

from __future__ import annotations

import gc
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Final

from alexandria_pipeline.domain.merging.claims import EntityKind
from alexandria_pipeline.operations.processes import available_cores
from alexandria_pipeline.stages import computing, joining
from alexandria_pipeline.storage import served
from alexandria_pipeline.storage.database import Database

BLOCK: Final = 500
SMALL: Final = 2_000
"""Works for which a second process is not worth its start."""

Counts = dict[str, dict[str, int]]
Done = dict[EntityKind, tuple[int, int]]
"""Rows computed and rows changed, by kind."""


def recompute(database: Database, run_id: str, processes: int | None = None) -> Counts:
    """Computes every resolved work with its editions and authors; returns how many rows were computed, and how many changed."""
    with database.transaction() as tx:
        joining.point_again(tx, "author")
        ids = served.resolved_works(tx)
    blocks = [ids[start : start + BLOCK] for start in range(0, len(ids), BLOCK)]
    team = 1 if len(ids) <= SMALL and processes is None else min(processes or available_cores(), len(blocks) or 1)
    computed, changed = Counter[EntityKind](), Counter[EntityKind]()
    for counts in _in_one(database, blocks, run_id) if team == 1 else _in_many(database, blocks, run_id, team):
        computed.update({kind: done for kind, (done, _) in counts.items()})
        changed.update({kind: written for kind, (_, written) in counts.items()})
    return {kind: {"computed": computed[kind], "changed": changed[kind]} for kind in sorted(computed)}


def _in_one(database: Database, blocks: Sequence[Sequence[int]], run_id: str) -> Iterator[Done]:
    with _less_garbage():
        for block in blocks:
            yield _compute(database, block, run_id)


def _in_many(database: Database, blocks: Sequence[Sequence[int]], run_id: str, team: int) -> Iterator[Done]:
    """This process takes blocks from the end, the others from the front: one start of a process less."""
    # Spawned, not forked: a fork would share the connections of this process.
    context = multiprocessing.get_context("spawn")
    with (
        _less_garbage(),
        ProcessPoolExecutor(team - 1, context, initializer=_start, initargs=(database.conninfo,)) as pool,
    ):
        futures = [(block, pool.submit(_in_worker, block, run_id)) for block in blocks]
        for block, future in reversed(futures):
            if future.cancel():
                yield _compute(database, block, run_id)
        yield from (future.result() for _, future in futures if not future.cancelled())


_databases: list[Database] = []


def _start(address: str) -> None:
    """In a process of the pool: opens the database."""
    _databases.append(Database(address, pool_size=1))
    gc.freeze()
    gc.disable()


def _in_worker(block: Sequence[int], run_id: str) -> Done:
    return _compute(_databases[0], block, run_id)


@contextmanager
def _less_garbage() -> Iterator[None]:
    """Garbage is collected only behind each block: elsewhere it takes a third of the time."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _compute(database: Database, block: Sequence[int], run_id: str) -> Done:
    with database.transaction() as tx:
        written = computing.recompute(tx, block, run_id)
    gc.collect(0)
    return {kind: (each.computed, each.changed) for kind, each in written.items()}
