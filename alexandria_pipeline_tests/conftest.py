"""Fixtures for every test that needs PostgreSQL: a real server per session, a fresh migrated database per test.

The server is a local one of our own (`EmbeddedServer`), without safety against power loss. A test's database is cloned
from a migrated template, which takes tens of milliseconds, and dropped afterwards. Nothing of ours is patched.

Properties are tried with the same 50 examples every time, so that a run that fails fails again. HYPOTHESIS_PROFILE=thorough looks
for new ones among 1,000.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import migrate
from alexandria_pipeline_tests.processes import kill_all

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile(
    "repeatable", derandomize=True, max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

ROOM_IN_MEMORY = 2 * 1024**3
"""Bytes for one server with its databases."""

# Numpy's threads would be there when a process is forked (`processes.py`), and no test calculates with them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A shell starts its background jobs with SIGINT ignored, and the processes of the tests would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TEMPLATE = "alexandria_template"
_numbers = itertools.count(1)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keeps tests together that share what a module sets up: with `--dist loadgroup`, one worker runs a group."""
    if isinstance(item, pytest.Function) and _shares_a_module_fixture(item):
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuses a mark `slow` without a reason, and puts slow tests first.

    A worker gets one test at a time: slow ones wait for their processes beside each other, and the last ones to run are short.
    """
    for item in items:
        for mark in item.iter_markers("slow"):
            if not mark.args:
                raise pytest.UsageError(f"{item.nodeid}: write the reason, as in slow('starts a server')")
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def _shares_a_module_fixture(item: pytest.Function) -> bool:
    fixtures = item._fixtureinfo.name2fixturedefs.values()
    return any(each[-1].scope == "module" for each in fixtures)


@pytest.fixture(autouse=True)
def _no_process_outlives_its_test() -> Iterator[None]:
    yield
    kill_all()


@pytest.fixture(scope="session")
def server_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home (as in ALEXANDRIA_HOME) of the session's server: in memory if there is room, where a database is copied four times as fast."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder with a random name is made in it
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < ROOM_IN_MEMORY:
        yield tmp_path_factory.mktemp("alexandria-test")
        return
    home = Path(tempfile.mkdtemp(prefix="alexandria-test-", dir=memory))
    home.chmod(0o755)
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def server(server_home: Path) -> Iterator[EmbeddedServer]:
    """A running server for this test session; it is not there afterwards."""
    server = EmbeddedServer(server_home, durable=False)
    try:
        server.ensure()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.home, ignore_errors=True)


@pytest.fixture
def fragile() -> Iterator[EmbeddedServer]:
    """A server that this test may kill: a durable one, as a user's is, which keeps what it has committed."""
    home = Path(tempfile.mkdtemp(prefix="alexandria-fragile-"))
    home.chmod(0o755)
    server = EmbeddedServer(home)
    try:
        server.ensure()
        yield server
    finally:
        server.stop()
        for folder in (home, server.home):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def administrator(server: EmbeddedServer) -> Iterator[psycopg.Connection]:
    """A connection in autocommit that makes and drops databases."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def template(server: EmbeddedServer, administrator: psycopg.Connection) -> str:
    """The name of a database with all tables and no rows."""
    administrator.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    with Database(server.url(TEMPLATE)) as database:
        migrate(database)
    return TEMPLATE


@pytest.fixture
def empty_database_url(server: EmbeddedServer, administrator: psycopg.Connection) -> Iterator[str]:
    """The URL of a database without any table."""
    yield from _new_database(server, administrator, "template1")


@pytest.fixture
def database_url(server: EmbeddedServer, administrator: psycopg.Connection, template: str) -> Iterator[str]:
    """The URL of a fresh database with all tables and no rows."""
    yield from _new_database(server, administrator, template)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database with all tables and no rows."""
    with Database(database_url) as database:
        yield database


@pytest.fixture(scope="module")
def module_database(server: EmbeddedServer, administrator: psycopg.Connection, template: str) -> Iterator[Database]:
    """A database with all tables for the tests of a module that only read what a fixture of the module has written."""
    for url in _new_database(server, administrator, template):
        with Database(url) as database:
            yield database


def _new_database(server: EmbeddedServer, administrator: psycopg.Connection, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    new, old = sql.Identifier(name), sql.Identifier(template)
    # A copy of the files takes two thirds of the time of the usual copy through the log.
    administrator.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(new, old))
    yield server.url(name)
    administrator.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(new))
