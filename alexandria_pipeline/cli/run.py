"""`alexandria run`: processes months and shows the progress of each step."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from alexandria_pipeline.cli.context import opened_database, where
from alexandria_pipeline.cli.output import print_months, print_years, say
from alexandria_pipeline.domain.text.display import for_terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from rich.status import Status

    from alexandria_pipeline.settings import Settings


def run(
    months: Annotated[
        str, typer.Argument(help="A month such as 2020-08, or several: 2020-01...2020-06.", metavar="MONTH[...MONTH]")
    ],
    select: Annotated[str, typer.Option(help="The assets, in Dagster's selection syntax.")] = "*",
) -> None:
    """Processes months: lists, stores, resolves and checks their books. Exit status 1 unless all are completed."""
    from alexandria_pipeline.operations import run as runs  # noqa: PLC0415 - see cli/app.py
    from alexandria_pipeline.operations import status as statuses  # noqa: PLC0415 - pandas takes half a second to load

    wanted = runs.Months.parse(months, datetime.now(UTC).date())
    with opened_database() as (settings, database):
        database.refuse_read_only()
        log = settings.home / "run.log"
        say(f"Processing {wanted}; the log is {log}, the database is in {where(settings, database)}")
        with _progress() as shown:
            try:
                causes = runs.run(wanted, select, log, _report(shown))
            except KeyboardInterrupt:
                say("Interrupted. The same command continues where it stopped.", err=True)
                raise SystemExit(130) from None
        answer = statuses.status(database, list(wanted))
    if len(answer["months"]) > 1:
        print_years(answer, statuses.by_year(answer["months"]))
    elif answer["months"]:
        print_months(answer)
    if causes:
        say("The run failed:", err=True)
        for cause in causes:
            say(f"  {cause}", err=True)
        say(f"All of it is in {log}. The same command continues where it stopped.", err=True)
    empty = [month["month"] for month in answer["months"] if month["status"] == "completed" and not month["books"]]
    if empty:
        say(f"{', '.join(empty[:3])}{' …' if len(empty) > 3 else ''}: no book was listed. {_source_of_books(settings)}")
    completed = sum(month["status"] == "completed" for month in answer["months"])
    raise SystemExit(1 if causes or completed < len(list(wanted)) else 0)


def _source_of_books(settings: Settings) -> str:
    """Where books come from with these settings, and what else there is."""
    if settings.curated_list is not None:
        return f"{settings.curated_list} has no row for it."
    if not settings.services_set_up:
        return "The sample has the books of 2020 only: set ALEXANDRIA_CURATED_LIST, ALEXANDRIA_CONTACT or a key (docs/settings.md)."
    return "The generators named none: alexandria providers shows which are used."


def _progress() -> AbstractContextManager[Status | None]:
    """A line that changes in place on a terminal; None elsewhere, where each message is a line."""
    if not sys.stdout.isatty():
        return nullcontext()
    from rich.console import Console  # noqa: PLC0415 - only for a terminal

    return Console().status("starting Dagster")


def _report(shown: Status | None) -> Callable[[str], None]:
    """Prints a message. On a terminal, only finished steps are lines; the others replace each other."""

    def report(message: str) -> None:
        if shown is None or " done, " in message:
            say(message)
        else:
            shown.update(Text(for_terminal(message)))

    return report
