"""`alexandria export`: writes works and their editions to files that other programs read."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.cli.output import AsJson, print_json, say
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations import export as exports

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
    as_json: AsJson = False,
) -> None:
    """Writes works and their editions as CSV, JSON lines or JSON-LD, with a datapackage.json that describes the columns."""
    first, last = _range(months)
    with opened_database() as (_, database):
        done = exports.export(database, form, first, last, output, since=_time(since), progress=_progress)
    if as_json:
        print_json({"works": done.works, "files": [str(file) for file in done.files]})
        return
    say(f"{done.works:,} works written: {', '.join(str(file) for file in done.files)}")


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


def _progress(works: int) -> None:
    if works % 10_000 == 0 and sys.stderr.isatty():
        typer.echo(f"\r{works:,} works", err=True, nl=False)
