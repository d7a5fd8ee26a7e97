"""`python -m alexandria_pipeline_tests.upstream`: runs the stand-in until it is interrupted, and says where it is."""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import signal
import sys
from pathlib import Path

from alexandria_pipeline_tests.upstream.behaviour import ISBNDB_DAILY
from alexandria_pipeline_tests.upstream.books_file import BUNDLED_BOOKS
from alexandria_pipeline_tests.upstream.catalogue import Spec
from alexandria_pipeline_tests.upstream.environment import environment
from alexandria_pipeline_tests.upstream.server import Options, StandIn


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m alexandria_pipeline_tests.upstream", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--works", type=int, default=300, help="real works in the catalogue")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", help="first month, such as 2020-01")
    parser.add_argument("--months", type=int, help="how many months; unset: one for every 20 works")
    parser.add_argument(
        "--books", type=Path, default=BUNDLED_BOOKS, help="tab-separated facts, such as ../shared/data/known_books.tsv"
    )
    parser.add_argument("--time-scale", type=float, default=1.0, help="raises all rates so many times")
    parser.add_argument("--daily", type=int, default=ISBNDB_DAILY, help="ISBNdb's requests a day")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument(
        "--unenforced", action="store_true", help="count breaches of the rates, but answer all the same"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of `export` lines")
    return parser


async def serve(told: argparse.Namespace) -> None:
    """Prints the environment when it is ready to answer; ends on SIGINT and SIGTERM."""
    spec = Spec(told.works, told.seed, told.first, told.months, told.books)
    stand_in = StandIn(Options(spec, told.time_scale, told.daily, told.latency, not told.unenforced))
    base = await stand_in.start(told.port)
    variables = environment(base, told.time_scale, told.daily)
    span = stand_in.lists.months
    if told.json:
        lines = [
            json.dumps(
                {"base": base, "control": f"{base}/control", "months": [span[0], span[-1]], "environment": variables}
            )
        ]
    else:
        lines = [f"# {base}, months {span[0]} to {span[-1]}; counters: {base}/control/stats"]
        lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    await stand_in.close()


if __name__ == "__main__":
    asyncio.run(serve(arguments().parse_args()))
