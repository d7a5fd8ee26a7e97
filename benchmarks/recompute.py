"""How fast all served rows are computed again from claims: works a second, and the time of processors for a work.

    PYTHONPATH=. .venv/bin/python benchmarks/recompute.py --works 6000 --books FACTS.tsv

Each work has an edition with the claims of up to five services (`library_facts.py`) and its authors. `first` writes every row;
`again` finds nothing to write, as after an upgrade that changes no rule; `changed` has one more claim about a tenth of the works.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from library_facts import Sources, fill, read

from alexandria_pipeline.domain.merging.claims import Stated
from alexandria_pipeline.operations.recompute import recompute
from alexandria_pipeline.storage import claims
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline_tests.upstream.books_file import BUNDLED_BOOKS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--works", type=int, default=6_000)
    parser.add_argument("--books", type=Path, default=BUNDLED_BOOKS, help="facts about books; the bundled ones are 620")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    books = read(options.books, options.works, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder) / "home")
        try:
            with Database(server.ensure()) as database:
                migrate(database)
                fill(database, books)
                _settle(database)
                for name, processes in (("first", 2), ("again", 1), ("again", 2)):
                    print(json.dumps({"run": name} | _measured(database, server, processes)), flush=True)
                _change(database, books[::10])
                print(json.dumps({"run": "changed"} | _measured(database, server, 2)))
        finally:
            server.stop()
            shutil.rmtree(server.home, ignore_errors=True)


def _measured(database: Database, server: EmbeddedServer, processes: int) -> dict[str, Any]:
    before, began = _cpu(server), time.monotonic()
    counts = recompute(database, "benchmark", processes)
    seconds, (own, theirs) = (
        time.monotonic() - began,
        (now - then for now, then in zip(_cpu(server), before, strict=True)),
    )
    works = counts["work"]["computed"]
    return {
        "processes": processes, "works": works, "changed": {kind: each["changed"] for kind, each in counts.items()},
        "works_per_second": round(works / seconds), "cpu_us_per_work": round(1e6 * own / works),
        "server_cpu_us_per_work": round(1e6 * theirs / works), "load_average": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def _cpu(server: EmbeddedServer) -> tuple[float, float]:
    """The seconds of this process and its ended children, and of the server with all its processes, ended ones included."""
    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    pid = int((_data_folder(server) / "postmaster.pid").read_text().splitlines()[0])
    postmaster = psutil.Process(pid)
    return own, sum(map(_used, [postmaster, *postmaster.children()]))


def _used(process: psutil.Process) -> float:
    try:
        used = process.cpu_times()
    except psutil.NoSuchProcess:  # it has ended meanwhile; the postmaster has its time as that of a child
        return 0.0
    return float(used.user + used.system + used.children_user + used.children_system)


def _data_folder(server: EmbeddedServer) -> Path:
    return next(path.parent for path in server.home.rglob("postmaster.pid"))


def _settle(database: Database) -> None:
    with database.transaction(timeout=0) as tx:
        tx.execute("analyze")


def _change(database: Database, books: list[Sources]) -> None:
    stated = [
        Stated("review", "edition", "note", each.book.isbn13, (("pages", each.book.pages + 1),)) for each in books
    ]
    with database.transaction() as tx:
        claims.store(tx, stated, "benchmark")


if __name__ == "__main__":
    main()
