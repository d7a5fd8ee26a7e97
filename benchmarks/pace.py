"""The pace of one service as the service sees it, with many processes asking: never over its allowance, and how much of it is used.

    python benchmarks/pace.py --rates 1 3 20 40 --processes 8 --requests 200

Each rate has a database server, a counting service and client processes of its own. Prints one line of JSON for each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline.storage.queries import Query
from alexandria_pipeline_tests.providers.transport.bad_server import as_json, serving
from alexandria_pipeline_tests.storage.workers import call, together

LEDGER = Query("ledger", "what was written down", "select outcome, count(*) from api_call group by outcome")
DELAYED = Query("delayed", "by how much late requests moved the slots", "select delayed from provider_health")


def main() -> None:
    options = _arguments()
    for rate in options.rates:
        print(json.dumps(measure(rate, options.processes, options.requests)), flush=True)


def measure(rate: float, processes: int, requests: int) -> dict[str, Any]:
    """Figures of `processes` × `requests` questions to a service that allows `rate` a second."""
    with _database_url() as url:
        times, answered = asyncio.run(_asked(url, rate, processes, requests))
        with Database(url) as database:
            ledger = {row["outcome"]: row["count"] for row in database.fetch_all(LEDGER)}
            (delayed,) = database.fetch_all(DELAYED)
    whole = round(rate)
    spans = [later - earlier for earlier, later in zip(times, times[whole:], strict=False)]
    return {
        "rate": rate,
        "processes": processes,
        "arrived": len(times),
        "answered": answered,
        "ledger": ledger,
        "allowance_used": round((len(times) - 1) / (times[-1] - times[0]) / rate, 4),
        "windows_over_allowance": sum(span < 1 for span in spans),
        "shortest_span_of_one_more": round(min(spans), 4),
        "longest_gap": round(max(later - earlier for earlier, later in pairwise(times)), 4),
        "late_seconds": round(float(delayed["delayed"]), 3),
        "load": round(os.getloadavg()[0], 1),
    }


async def _asked(url: str, rate: float, processes: int, requests: int) -> tuple[list[float], int]:
    async with serving(as_json({"title": "Circe"})) as server:
        answered = await asyncio.to_thread(list, together(processes, call, url, server.url, rate, requests))
        return sorted(asked.at for asked in server.asked), sum(map(sum, answered))


@contextmanager
def _database_url() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="alexandria-pace-"))
    home.chmod(0o755)
    server = EmbeddedServer(home)
    try:
        url = server.ensure()
        with Database(url) as database:
            migrate(database)
        yield url
    finally:
        server.stop()
        for folder in (home, server.home):
            shutil.rmtree(folder, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=float, nargs="+", default=[3, 20, 40], help="requests a second")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--requests", type=int, default=200, help="by each process")
    return parser.parse_args()


if __name__ == "__main__":
    main()
