"""Commands as a person types them, as real processes: where they run, what they are told, what they said.

A site has a folder with the project's `dagster.yaml` and a database of its own; nothing else of this process's environment
that could tell a command more than a newcomer's shell does.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import alexandria_pipeline

PROJECT = Path(alexandria_pipeline.__file__).parents[1]
BIN = Path(sys.executable).parent
PATIENCE = 120.0

_OURS = re.compile(r"ALEXANDRIA_|DAGSTER_|PG|.*_API_KEY$|VIRTUAL_ENV")


@dataclass(frozen=True)
class Site:
    """Where processes run: their folder, their database, and what they are told. `told`: more variables."""

    folder: Path
    url: str
    curated_list: Path | None = None
    told: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> Mapping[str, str]:
        """A bare shell's, with what leads to this site."""
        kept = {name: value for name, value in os.environ.items() if not _OURS.match(name)}
        here = {"ALEXANDRIA_DATABASE_URL": self.url, "ALEXANDRIA_HOME": str(self.folder / "state")}
        listed = {"ALEXANDRIA_CURATED_LIST": str(self.curated_list)} if self.curated_list else {}
        return {**kept, **here, **listed, **self.told}


class Command:
    """One process group, its output in a file."""

    def __init__(self, site: Site, *words: str, cwd: Path | None = None) -> None:
        with tempfile.NamedTemporaryFile("wb", dir=site.folder, suffix=".log", delete=False) as log:
            self._log = Path(log.name)
            self._process = subprocess.Popen(
                [BIN / words[0], *words[1:]], cwd=cwd or site.folder, env=site.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def wait(self) -> int:
        try:
            return self._process.wait(PATIENCE)
        finally:
            self.kill()

    def kill(self) -> None:
        """kill -9 of the whole group; without effect when it has ended."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")


def materialize(months: str) -> tuple[str, ...]:
    """What the README says to type."""
    option = "--partition-range" if "..." in months else "--partition"
    return ("dagster", "asset", "materialize", "-m", "alexandria_pipeline.definitions", "--select", "*", option, months)


def succeeds(site: Site, *words: str, cwd: Path | None = None) -> str:
    """What a command said that ended well."""
    command = Command(site, *words, cwd=cwd)
    assert command.wait() == 0, command.said[-4000:]
    return command.said
