"""Processes months in a run of Dagster: checks the months, starts `dagster asset materialize`, and reads its log, text or JSON.

The run is a process of its own, as if the command had been typed. Its log is the file `run.log` in the home.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.month import FIRST_YEAR, Month

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

FIRST: Final = Month(FIRST_YEAR, 1)
POLL_SECONDS: Final = 0.3
MAX_LAST_LINES: Final = 8

# A line of the log has time, level, run and step, and then the message: resolved_isbns: 47 of 152 books …
_PROGRESS: Final = re.compile(r" - (\w+: \d+ (?:of|done).*)")
_FAILURE: Final = re.compile(r"^[\w.]+\.Failure: (.*)")
_ERROR: Final = re.compile(r"^(?:[\w.]+(?:Error|Exception)|Error): (.*)")


@dataclass(frozen=True, slots=True)
class Months:
    """The months from `first` to `last`, both included."""

    first: Month
    last: Month

    @classmethod
    def parse(cls, text: str, today: date) -> Months:
        """The months of "2020-08" or "2020-01...2020-06". Raises InvalidValue unless all are finished months from 2000-01."""
        text = text.strip()
        first, _, last = text.partition("...")
        if not last and (".." in text or " " in text):
            raise InvalidValue(f"{text!r} is not a range of months: write it as 2020-01...2020-06, with three dots")
        months = cls(Month.parse(first), Month.parse(last or first))
        finished = Month.of(today) - 1
        if months.last < months.first:
            raise InvalidValue(f"{text!r} ends before it begins")
        if months.first < FIRST:
            raise InvalidValue(f"{months.first} is before {FIRST}, the first month of the backfill")
        if months.last == finished + 1:
            raise InvalidValue(f"{months.last} is not finished yet; the last finished month is {finished}")
        if months.last > finished:
            raise InvalidValue(f"{months.last} is in the future; the last finished month is {finished}")
        return months

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}...{self.last}"

    def __iter__(self) -> Iterator[Month]:
        month = self.first
        while month <= self.last:
            yield month
            month += 1


def run(months: Months, selection: str, log: Path, report: Callable[[str], None]) -> tuple[str, ...]:
    """Runs Dagster to its end and passes each progress message to `report`; returns the causes of a failure.

    Ctrl-C reaches Dagster, too, which releases the months; this waits for it. No Python file of the working folder is imported.
    Raises InvalidValue if `log` cannot be written or is a link.
    """
    option = "--partition" if months.first == months.last else "--partition-range"
    dagster = [
        sys.executable,
        "-m",
        "alexandria_pipeline.orchestration.materialize",
        "-m",
        "alexandria_pipeline.definitions",
    ]
    command = [*dagster, "--select", selection, option, str(months)]
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        written = os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb")
    except OSError as error:
        reason = "it is a link; remove it" if log.is_symlink() else error.strerror
        raise InvalidValue(f"{log} cannot be written: {reason}") from error
    with written, log.open("rb") as read:
        environment = {**os.environ, "PYTHONSAFEPATH": "1"}
        process = subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT, env=environment)  # noqa: S603 - our own command
        rest = b""
        try:
            while process.poll() is None:
                rest = _pass_on(rest + read.read(), report)
                time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            report("interrupted; waiting until the months are released")
            process.wait()
            raise
        _pass_on(rest + read.read() + b"\n", report)
    return () if process.returncode == 0 else causes(log.read_text(encoding="utf-8", errors="replace"))


def causes(log: str) -> tuple[str, ...]:
    """Why a run failed: the messages of its failed steps, else of its last error, else the last lines of its log."""
    lines = [part for line in log.splitlines() for part in _plain(line).splitlines() or [""]]
    found: dict[str, None] = {}
    for at, line in enumerate(lines):
        if match := _FAILURE.match(line):
            found[match[1]] = None
            for more in lines[at + 1 :]:
                if not more.strip():
                    break
                found[more] = None
    if not found:
        errors = [match[1] for line in lines if (match := _ERROR.match(line)) and match[1] != "Materialization failed."]
        found = dict.fromkeys(errors[-1:] or [line for line in lines if line.strip()][-MAX_LAST_LINES:])
    return tuple(found)


def _pass_on(read: bytes, report: Callable[[str], None]) -> bytes:
    """Reports the progress in whole lines; returns the line that is not whole yet."""
    whole, _, rest = read.rpartition(b"\n")
    for line in whole.decode(errors="replace").splitlines():
        if match := _PROGRESS.search(_plain(line)):
            report(match[1])
    return rest


def _plain(line: str) -> str:
    """The text of a line of JSON, with its traceback; any other line as it is."""
    try:
        found = json.loads(line) if line.startswith("{") else None
    except ValueError:
        return line
    if not isinstance(found, dict) or "message" not in found:
        return line
    return f" - {found['message']}\n{found.get('error', '')}"
