"""`alexandria report`: prints the report of `operations/report.py` or writes it to a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markdown import Markdown

from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.cli.output import say, say_exactly
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.text.display import for_terminal


def report(
    form: Annotated[Literal["md", "html", "csv"], typer.Option("--format", help="Output format.")] = "md",
    table: Annotated[
        Literal["phases", "months", "services", "saved", "generators", "models", "projection"] | None,
        typer.Option(help="Only this table; as CSV, it has its own columns only. Default: all tables."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="File to write; default: print it.", dir_okay=False)] = None,
) -> None:
    """Shows books, calls, tokens, cost and time by month, phase, service and model, with a cost projection."""
    from alexandria_pipeline.operations import report as reports  # noqa: PLC0415 - pandas takes half a second to load

    with opened_database() as (settings, database):
        tables = reports.build(database, settings.rollout)
    text = reports.render({table: tables[table]} if table else tables, reports.Format(form))
    if output is None:
        if form == "md" and sys.stdout.isatty():
            Console().print(Markdown(for_terminal(text)))
        else:
            say_exactly(for_terminal(text) if sys.stdout.isatty() else text, end="")
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidValue(f"{output} cannot be written: {error.strerror}") from error
    say(f"Written: {output}")
