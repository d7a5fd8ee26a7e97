"""The processes of docker-compose.yml, started by hand with its commands, environment and health checks, and deploy/roles.sql.

No container engine is needed: each process is its own, on real ports, with a gRPC code location and PostgreSQL over TCP with a
password. What only an engine can show (images, volumes, capabilities) is checked as text in test_packaging.py.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import psycopg
import pytest
import yaml

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.binaries import find_programs
from alexandria_pipeline_tests.processes import BIN, PROJECT, Command, Site
from alexandria_pipeline_tests.waiting import until
from alexandria_pipeline_tests.world import rows

pytestmark = pytest.mark.slow("starts the processes of the Compose file")

COMPOSE: Mapping[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text("utf-8"))

PORTS = {"code-location": "4100", "webserver": "3000", "monitoring": "8080"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Containers:
    """The services of the Compose file as processes of this machine: other folders, other ports, the same words."""

    def __init__(self, folder: Path, url: str) -> None:
        parts = urlsplit(url)
        self._ports = {port: str(_free_port()) for port in PORTS.values()}
        shutil.copy(PROJECT / "dagster.yaml", folder)
        (folder / "deploy").mkdir()
        workspace = self._here((PROJECT / "deploy" / "workspace.yaml").read_text("utf-8"))
        (folder / "deploy" / "workspace.yaml").write_text(workspace)
        given = {
            name: self._resolved(str(value)) for name, value in COMPOSE["services"]["migrate"]["environment"].items()
        }
        given |= {
            "ALEXANDRIA_DATABASE_URL": f"postgresql://{parts.username}@{parts.hostname}:{parts.port}{parts.path}",
            "ALEXANDRIA_DATABASE_PASSWORD": parts.password or "",
            "ALEXANDRIA_HOME": str(folder / "state"),
            "DAGSTER_HOME": str(folder),
        }
        self.site = Site(folder, url, variables=given)
        self.processes: dict[str, Command] = {}

    @staticmethod
    def _resolved(value: str) -> str:
        """`${NAME:-default}` with NAME unset."""
        return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)

    def _here(self, text: str) -> str:
        for inside, outside in self._ports.items():
            text = re.sub(rf"\b{inside}\b", outside, text)
        return text.replace("0.0.0.0", "127.0.0.1").replace("host: code-location", "host: 127.0.0.1")  # noqa: S104

    def start(self, name: str) -> Command:
        words = [self._here(word) for word in COMPOSE["services"][name]["command"]]
        self.processes[name] = Command(self.site, *words, installed=True)
        return self.processes[name]

    def healthy(self, name: str) -> bool:
        """Runs the health check of a service."""
        process = self.processes[name]
        assert process.running, process.output
        _, *words = [self._here(word) for word in COMPOSE["services"][name]["healthcheck"]["test"]]
        return subprocess.run(
            [BIN / words[0], *words[1:]], env=self.site.environment, cwd=self.site.folder, capture_output=True, check=False
        ).returncode == 0  # fmt: skip

    def wait_for(self, name: str) -> None:
        """Waits until a service is healthy. Its check is a process, so it is asked only once the port of the service is open."""
        until(lambda: self._listens(name), lambda: self.processes[name].output, poll_seconds=0.1)
        until(lambda: self.healthy(name), lambda: self.processes[name].output, poll_seconds=2)

    def _listens(self, name: str) -> bool:
        """Whether the port of a service is open; True for one without a port."""
        assert self.processes[name].running, self.processes[name].output
        if name not in PORTS:
            return True
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(self._ports[PORTS[name]]))) == 0

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{self._ports[port]}"


@pytest.fixture
def containers(empty_database_url: str, tmp_path: Path) -> Iterator[Containers]:
    found = Containers(tmp_path, empty_database_url)
    with ExitStack() as stack:
        stack.callback(found.stop)
        yield found


def test_the_processes_of_the_compose_file_do_a_month(containers: Containers) -> None:
    migrate = containers.start("migrate")
    assert migrate.wait() == 0, migrate.output
    for name in ("code-location", "monitoring"):
        containers.start(name)
    containers.wait_for("code-location")
    for name in ("webserver", "daemon"):
        containers.start(name)
    for name in ("webserver", "daemon", "monitoring"):
        containers.wait_for(name)

    launched = _launch(containers.url("3000"), "2020-08")
    assert launched["__typename"] == "LaunchRunSuccess", launched
    with Database(containers.site.url) as database:
        until(lambda: rows(database, "select status from backfill_log where status = 'completed'"), poll_seconds=0.5)
    page = httpx.get(f"{containers.url('8080')}/metrics", timeout=30)
    assert 'alexandria_months{status="completed"} 1.0' in page.text
    state = httpx.post(f"{containers.url('3000')}/graphql", json={"query": _LOCATIONS}, timeout=60).json()["data"]
    (location,) = state["repositoriesOrError"]["nodes"]
    assert location["location"]["name"] == "alexandria_pipeline", "the switches of schedules are stored by this name"


_LOCATIONS = "{ repositoriesOrError { ... on RepositoryConnection { nodes { location { name } } } } }"
_LAUNCH = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on PythonError { message } ... on RunConfigValidationInvalid { errors { message } } } }
"""


def _launch(webserver: str, month: str) -> dict[str, Any]:
    params = {
        "selector": {
            "repositoryLocationName": "alexandria_pipeline", "repositoryName": "__repository__", "jobName": "monthly_books",
        },
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": month}]},
    }  # fmt: skip
    body = {"query": _LAUNCH, "variables": {"params": params}}
    launched: dict[str, Any] = httpx.post(f"{webserver}/graphql", json=body, timeout=120).json()["data"]["launchRun"]
    return launched


# The roles of deploy/roles.sql.


@pytest.fixture
def roles(database_url: str, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Addresses of owner, writer and reader, made by psql from deploy/roles.sql under names of this test's own."""
    suffix = f"_{os.getpid()}"
    names = ("alexandria_owner", "alexandria_writer", "alexandria_reader")
    script = (PROJECT / "deploy" / "roles.sql").read_text("utf-8")
    script = re.sub(r"\balexandria_(owner|writer|reader)\b", rf"alexandria_\1{suffix}", script)
    script = re.sub(r"\b(database|connect) alexandria\b", rf"\1 books{suffix}", script)
    (tmp_path / "roles.sql").write_text(script)
    programs = find_programs(None, None, tmp_path / "programs", None)
    passwords = [f"--set={name.removeprefix('alexandria_')}_password=it's {name}" for name in names]
    done = subprocess.run(
        [programs.folder / "psql", database_url.partition("?")[0], "--no-psqlrc", "--quiet", *passwords, "--file", tmp_path / "roles.sql"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    parts = urlsplit(database_url)
    host = f"{parts.hostname}:{parts.port}/books{suffix}"
    yield {
        name.removeprefix("alexandria_"): f"postgresql://{name}{suffix}:{quote('it' + chr(39) + f's {name}')}@{host}"
        for name in names
    }
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"drop database books{suffix} with (force)".encode())
        for name in names:
            connection.execute(f"drop role {name}{suffix}".encode())


def test_the_roles_can_do_what_they_need_and_no_more(roles: Mapping[str, str], tmp_path: Path) -> None:
    owner = Site(tmp_path, roles["owner"])
    migrated = subprocess.run(
        [sys.executable, "-m", "alexandria_pipeline.cli.app", "db", "migrate"], env=owner.environment, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert migrated.returncode == 0, migrated.stderr
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    words = "dagster asset materialize -m alexandria_pipeline.definitions --select * --partition 2020-08".split()
    run = Command(Site(tmp_path, roles["writer"]), *words)
    assert run.wait() == 0, run.output
    with Database(roles["reader"]) as database:
        assert rows(database, "select status from backfill_log where month = 8") == [{"status": "completed"}]
    for role, statement in {
        "reader": "delete from generated_book", "writer": "drop table generated_book",
    }.items():  # fmt: skip
        with psycopg.connect(roles[role]) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
