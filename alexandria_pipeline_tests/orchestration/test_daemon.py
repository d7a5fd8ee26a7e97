"""A backfill under `dagster dev`, launched as the UI does it, through three deaths. Thirty at random: `benchmarks/kills.py`."""

import json
import os
import re
import shutil
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import psycopg
import pytest

from alexandria_pipeline.domain.errors import AlexandriaError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline_tests.checkpoints import BOOKS_ARE_WAITED_FOR, books_locked
from alexandria_pipeline_tests.processes import PROJECT, Command, Site
from alexandria_pipeline_tests.waiting import PATIENCE, until

pytestmark = pytest.mark.slow("starts `dagster dev` three times")

MONTHS = [str(Month(2001, 1) + number) for number in range(2)]
BOOKS = 5
LAUNCH = """mutation launch($months: [String!]!, $assets: [AssetKeyInput!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: $assets, partitionNames: $months}) { __typename } }"""
BACKFILLS = "{ partitionBackfillsOrError(limit: 5) { ... on PartitionBackfills { results { status } } } }"


class Dev:
    """`dagster dev` on a local server that may die."""

    def __init__(self, folder: Path, server: EmbeddedServer) -> None:
        shutil.copy(PROJECT / "dagster.yaml", folder)
        lines = [f"{month}\tThing {at} of {month}\tNobody Known" for month in MONTHS for at in range(BOOKS)]
        (folder / "list.tsv").write_text("\n".join(["month\ttitle\tauthor", *lines]) + "\n")
        # No address: it is the local server, which a process that finds it dead may start again.
        variables = {
            "ALEXANDRIA_DATABASE_URL": "",
            "ALEXANDRIA_HOME": str(server.home.parent),
            "DAGSTER_HOME": str(folder),
        }
        self.server = server
        self._site = Site(folder, "", folder / "list.tsv", variables)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = str(probe.getsockname()[1])
        self._command: Command | None = None

    def start(self) -> None:
        self._command = Command(
            self._site, "dagster", "dev", "-m", "alexandria_pipeline.definitions", "-p", self._port, installed=True
        )
        self.until(lambda: self.graphql("{ version }") is not None)

    def stop(self) -> None:
        if self._command is not None:
            self._command.kill()

    def until(self, condition: Callable[[], object]) -> None:
        """Waits for a condition. While the database or the web server is unavailable, it is not met."""

        def is_met() -> bool:
            with suppress(psycopg.Error, OSError, AlexandriaError):
                return bool(condition())
            return False

        until(is_met, lambda: self._command.output[-3000:] if self._command else "", poll_seconds=0.1)

    def has_ended(self) -> bool:
        return self._command is None or not self._command.running

    def graphql(self, query: str, **variables: object) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        address = f"http://127.0.0.1:{self._port}/graphql"
        with urlopen(Request(address, body, {"Content-Type": "application/json"}), timeout=PATIENCE) as answer:
            return json.load(answer)["data"]

    def launch(self) -> None:
        assets = [{"path": [name]} for name in ("generated_books", "persisted_works", "resolved_isbns")]
        response = self.graphql(LAUNCH, months=MONTHS, assets=assets)
        assert response["launchPartitionBackfill"]["__typename"] == "LaunchBackfillSuccess"

    def at_rest(self) -> bool:
        backfills = self.graphql(BACKFILLS)["partitionBackfillsOrError"]["results"]
        return all(each["status"] != "REQUESTED" for each in backfills)

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            return connection.execute(question.encode()).fetchall()

    def worker(self) -> int:
        """The process that has the months, as it has signed."""
        ((owner,),) = self.ask("select distinct owner from backfill_log where owner is not null")
        return int(re.match(r"process (\d+) on ", owner)[1])  # type: ignore[index]

    def daemon(self) -> int:
        assert self._command is not None
        children = psutil.Process(self._command.pid).children(recursive=True)
        (found,) = (each for each in children if "dagster._daemon" in each.cmdline())
        return found.pid

    def works(self) -> bool:
        return bool(self.ask(BOOKS_ARE_WAITED_FOR)[0][0])


@pytest.fixture
def dev(fragile: EmbeddedServer, tmp_path: Path) -> Iterator[Dev]:
    dev = Dev(tmp_path, fragile)
    try:
        yield dev
    finally:
        dev.stop()


@pytest.mark.timeout(1800)  # three starts of `dagster dev`
def test_a_backfill_through_the_deaths_of_its_database_its_worker_and_the_daemon(dev: Dev) -> None:
    """Nothing is done by hand but to start `dagster dev` and the backfill again."""
    dev.start()
    with books_locked(dev.server.url()):
        dev.launch()
        dev.until(dev.works)
        postmaster = dev.server.status().pid
        assert postmaster
        _kill(postmaster)
    dev.until(dev.at_rest)

    with books_locked(dev.server.url()):
        dev.launch()
        dev.until(dev.works)
        _kill(dev.worker(), dev.daemon())
    dev.until(dev.has_ended)

    dev.start()
    dev.launch()
    dev.until(
        lambda: dev.ask("select status, count(*) from backfill_log group by status") == [("completed", len(MONTHS))]
    )
    books = len(MONTHS) * BOOKS
    once: Mapping[str, int] = {
        "generated_book where work_id is not null and outcome = 'not_found'": books,
        "generated_book": books, "enriched_works": books, "generation_reply": len(MONTHS),
        "month_claim where ended_as = 'completed'": len(MONTHS), "month_claim where released_at is null": 0,
    }  # fmt: skip
    assert {what: _only(dev.ask(f"select count(*) from {what}")) for what in once} == once  # noqa: S608 - words of ours


def _only(found: list[tuple[Any, ...]]) -> Any:
    ((value,),) = found
    return value


def _kill(*pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
