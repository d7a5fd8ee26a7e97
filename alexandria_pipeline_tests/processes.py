"""Commands as real processes, as a person types them in a shell.

A site has a folder with the project's `dagster.yaml` and a database of its own. A command gets no variable of this process
that configures the pipeline, Dagster or PostgreSQL.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import alexandria_pipeline
from alexandria_pipeline_tests.waiting import PATIENCE

PROJECT = Path(alexandria_pipeline.__file__).parents[1]
BIN = Path(sys.executable).parent

_OURS = re.compile(r"ALEXANDRIA_|DAGSTER_|PG|.*_API_KEY$|VIRTUAL_ENV")


@dataclass(frozen=True)
class Site:
    """Where processes run: their folder and their database. `variables`: more environment variables."""

    folder: Path
    url: str
    curated_list: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of a shell, with the variables of this site."""
        inherited = {name: value for name, value in os.environ.items() if not _OURS.match(name)}
        here = {"ALEXANDRIA_DATABASE_URL": self.url, "ALEXANDRIA_HOME": str(self.folder / "state")}
        listed = {"ALEXANDRIA_CURATED_LIST": str(self.curated_list)} if self.curated_list else {}
        return {**inherited, **here, **listed, **self.variables}


class Command:
    """One process group, its output in a file."""

    def __init__(self, site: Site, *words: str, cwd: Path | None = None) -> None:
        with tempfile.NamedTemporaryFile("wb", dir=site.folder, suffix=".log", delete=False) as log:
            self._log = Path(log.name)
            self._process = subprocess.Popen(
                [BIN / words[0], *words[1:]], cwd=cwd or site.folder, env=site.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        _started.append(self)

    def wait(self) -> int:
        try:
            return self._process.wait(PATIENCE)
        finally:
            self.kill()

    def kill(self) -> None:
        """kill -9 of the whole group; without effect when it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")


_started: list[Command] = []


def kill_all() -> None:
    """Kills every command that was started. Runs after each test: a failed test leaves no process behind."""
    while _started:
        _started.pop().kill()


def materialize(months: str) -> tuple[str, ...]:
    """The command of the README."""
    option = "--partition-range" if "..." in months else "--partition"
    return ("dagster", "asset", "materialize", "-m", "alexandria_pipeline.definitions", "--select", "*", option, months)


def succeeds(site: Site, *words: str, cwd: Path | None = None) -> str:
    """Runs a command, which must succeed, and returns its output."""
    command = Command(site, *words, cwd=cwd)
    assert command.wait() == 0, command.output[-4000:]
    return command.output
