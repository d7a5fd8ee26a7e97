"""`alexandria export`: writes works and their editions to files that other programs read."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.cli.output import AsJson, print_json, say, show_progress
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.export import exporter as exports
from alexandria_pipeline.operations.export.terms import WITHHELD

_EVERY_MONTH = (Month(1450, 1), Month(9998, 12))


def export(
    output: Annotated[Path, typer.Option(help="Folder to write; made if it is missing.", file_okay=False)],
    form: Annotated[
        exports.ExportFormat, typer.Option("--format", help="Format of the file.")
    ] = exports.ExportFormat.CSV,
    months: Annotated[
        str | None, typer.Option(help="A month, or a range such as 2020-01...2020-12; default: all.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Only works changed since this date, YYYY-MM-DD.")] = None,
    own_use: Annotated[
        bool,
        typer.Option("--own-use", help="Also facts whose sources forbid passing them on; do not publish the files."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Writes works and their editions to files that other programs read, with a datapackage.json that describes them."""
    first, last = _range(months)
    with opened_database() as (_, database):
        progress = _Progress()
        done = exports.export(
            database, form, first, last, output, since=_time(since), own_use=own_use, progress=progress
        )
        progress.end()
    if as_json:
        counts = {name: getattr(done, name) for name in ("works", "left_out", "withheld")}
        print_json({**counts, "files": [str(file) for file in done.files]})
        return
    say(f"{done.works:,} works written: {', '.join(str(file) for file in done.files)}")
    if done.left_out:
        say(f"{done.left_out:,} works left out: the format needs an edition, and {form.value} its required fields.")
    if done.withheld:
        sources = ", ".join(sorted(WITHHELD))
        say(
            f"{done.withheld:,} works lack facts that may not be passed on ({sources}); see the column withheld, and --own-use."
        )


def _range(text: str | None) -> tuple[Month, Month]:
    if text is None:
        return _EVERY_MONTH
    first, dots, last = text.partition("...")
    found = Month.parse(first), Month.parse(last) if dots else Month.parse(first)
    if found[1] < found[0]:
        raise InvalidValue(f"{text} ends before it begins")
    return found


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidValue(f"{text!r} is not a date: write it as YYYY-MM-DD") from None


class _Progress:
    """Shows the number of works so far, twice a second, if a person is looking."""

    def __init__(self) -> None:
        self._shown, self._next, self._began = sys.stderr.isatty(), 0.0, time.monotonic()

    def __call__(self, works: int) -> None:
        if self._shown and (now := time.monotonic()) >= self._next:
            self._next = now + 0.5
            rate = works / max(now - self._began, 0.001)
            show_progress(f"{works:,} works read, {rate:,.0f} a second")

    def end(self) -> None:
        """Clears the line."""
        if self._shown:
            show_progress("")
