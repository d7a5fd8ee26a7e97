"""`alexandria report`: the report of the backfill, for people and for programs. What it says is `stages.figures_report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.domain.errors import InvalidValue


def report(
    form: Annotated[Literal["md", "html", "csv"], typer.Option("--format", help="How it is written.")] = "md",
    output: Annotated[Path | None, typer.Option(help="File to write; default: print it.", dir_okay=False)] = None,
) -> None:
    """Books, calls, tokens, cost and time by month, phase, service and model, and what the rest of the rollout will cost."""
    from alexandria_pipeline.operations import report as figures_report  # noqa: PLC0415 - pandas takes half a second to load

    with opened_database() as (settings, database):
        tables = figures_report.build(database, settings.rollout)
    text = figures_report.render(tables, figures_report.Format(form))
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidValue(f"{output} cannot be written: {error.strerror}") from error
    typer.echo(f"Written: {output}")
