"""`python -m alexandria_pipeline_tests.upstream`: runs the stand-in until it is interrupted, and prints its address."""

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
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--works", type=int, default=300, help="number of real works in the catalogue")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", help="first month, for example 2020-01")
    parser.add_argument("--months", type=int, help="number of months; default: one for every 20 works")
    parser.add_argument("--books", type=Path, default=BUNDLED_BOOKS, help="tab-separated file of facts about books")
    parser.add_argument("--time-scale", type=float, default=1.0, help="multiplies all rate limits")
    parser.add_argument("--daily", type=int, default=ISBNDB_DAILY, help="daily limit of ISBNdb")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every response")
    parser.add_argument(
        "--unenforced", action="store_true", help="count requests over the rate limit, but do not reject them"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of `export` lines")
    return parser


async def serve(options: argparse.Namespace) -> None:
    """Prints the environment variables when the stand-in is ready. Ends on SIGINT and SIGTERM."""
    spec = Spec(options.works, options.seed, options.first, options.months, options.books)
    stand_in = StandIn(Options(spec, options.time_scale, options.daily, options.latency, not options.unenforced))
    base = await stand_in.start(options.port)
    variables = environment(base, options.time_scale, options.daily)
    span = stand_in.lists.months
    if options.json:
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
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await stand_in.close()


if __name__ == "__main__":
    asyncio.run(serve(arguments().parse_args()))
