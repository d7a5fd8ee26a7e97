"""Commands as real processes, as a person types them in a shell, and functions of tests in processes of their own.

A site has a folder with the project's `dagster.yaml` and a database of its own. A command gets no variable of this process
that configures the pipeline, Dagster or PostgreSQL.

To import Dagster takes most of the time of a short command. So `Command` and `Worker` fork their process from a server that has
imported it once (`multiprocessing`'s fork server); the definitions and the settings are read in the new process. `installed`
starts the script of the virtual environment instead, which a few tests and all commands that start servers do.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

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


class Worker:
    """A function of a module, called with a connection to this process and then the arguments, in a process of its own."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.connection, theirs = _FORKED.Pipe()
        self._process = _FORKED.Process(target=function, args=(theirs, *arguments))
        self._process.start()
        theirs.close()
        _started.append(self)

    def receive(self) -> Any:
        """The next object that the function sends. Raises EOFError if the process has ended."""
        return self.connection.recv()

    def go(self) -> None:
        """Lets a function continue that waits for a message."""
        self.connection.send("go")

    def kill(self) -> None:
        """kill -9; without effect when it has ended."""
        self._process.kill()
        self._process.join()

    @property
    def pid(self) -> int:
        assert self._process.pid
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def wait(self) -> int:
        """The exit status."""
        self._process.join(PATIENCE)
        assert self._process.exitcode is not None
        return self._process.exitcode


class Command:
    """One process group, its output in a file. `installed`: the script itself, not a copy of a process that has imported Dagster."""

    def __init__(self, site: Site, *words: str, cwd: Path | None = None, installed: bool = False) -> None:
        with tempfile.NamedTemporaryFile("wb", dir=site.folder, suffix=".log", delete=False) as log:
            self._log = Path(log.name)
        start = _Script if installed else _Fork
        self._process = start(words, cwd or site.folder, site.environment, self._log)
        _started.append(self)

    def wait(self) -> int:
        try:
            return self._process.wait()
        finally:
            self.kill()

    def kill(self) -> None:
        """kill -9 of the whole group; without effect when it has ended."""
        self._process.kill_group()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")


class _Script:
    """The script of the virtual environment, started as a shell does."""

    def __init__(self, words: tuple[str, ...], folder: Path, environment: Mapping[str, str], log: Path) -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [BIN / words[0], *words[1:]], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.pid = self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> int:
        return self._process.wait(PATIENCE)

    def kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


class _Fork(Worker):
    """The function behind a script, in a process that is forked."""

    def __init__(self, words: tuple[str, ...], folder: Path, environment: Mapping[str, str], log: Path) -> None:
        super().__init__(_run_script, words, folder, dict(environment), log)
        self.receive()

    def kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.kill()


def _run_script(connection: Any, words: tuple[str, ...], folder: Path, environment: dict[str, str], log: Path) -> None:
    """Becomes a process as a shell starts it: group, streams, folder, environment and arguments. Then runs the script."""
    os.setsid()
    connection.send("has a group of its own")
    connection.close()
    for number, path, mode in ((0, os.devnull, os.O_RDONLY), (1, log, os.O_WRONLY | os.O_APPEND)):
        opened = os.open(path, mode)
        os.dup2(opened, number)
        os.close(opened)
    os.dup2(1, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = list(words)
    (script,) = entry_points(group="console_scripts", name=words[0])
    try:
        sys.exit(script.load()())
    finally:
        atexit._run_exitfuncs()  # a forked process does not run them by itself


_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(
    [
        "alexandria_pipeline.orchestration.build",
        "alexandria_pipeline.operations.report",
        "dagster._cli.asset",
        "dagster_postgres",
    ]
)

_started: list[Command | Worker] = []


def kill_all() -> None:
    """Kills every command that was started. Runs after each test: a failed test leaves no process behind."""
    while _started:
        _started.pop().kill()


def materialize(months: str) -> tuple[str, ...]:
    """The command of the README."""
    option = "--partition-range" if "..." in months else "--partition"
    return ("dagster", "asset", "materialize", "-m", "alexandria_pipeline.definitions", "--select", "*", option, months)


def succeeds(site: Site, *words: str, cwd: Path | None = None, installed: bool = False) -> str:
    """Runs a command, which must succeed, and returns its output."""
    command = Command(site, *words, cwd=cwd, installed=installed)
    assert command.wait() == 0, command.output[-4000:]
    return command.output
