"""`alexandria status`, `books` and `set-aside`: the months, their books, and skipped rows."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria_pipeline.cli.context import opened_catalog, opened_database, where
from alexandria_pipeline.cli.output import (
    AsJson,
    cell,
    counted,
    new_table,
    print_json,
    print_months,
    print_table,
    print_years,
    say,
)
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage import skipped_rows as skipped


def status(
    months: Annotated[
        list[str] | None, typer.Argument(help="Months such as 2020-08; default: all.", metavar="[MONTH]...")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Shows the months with their books, ISBNs and key figures."""
    from alexandria_pipeline.operations import status as report  # noqa: PLC0415 - pandas takes half a second to load

    wanted = [Month.parse(month) for month in months or []]
    with opened_database() as (settings, database):
        answer = report.status(database, wanted)
        any_at_all = bool(answer["months"]) or bool(wanted and report.status(database)["months"])
        place = where(settings, database)
    if as_json:
        print_json(answer)
    elif not answer["months"]:
        say(_not_processed(wanted, any_at_all))
    elif wanted:
        print_months(answer)
    else:
        print_years(answer, report.by_year(answer["months"]))
    if not as_json:
        say(f"database: {place}")


def books(
    month: Annotated[str, typer.Argument(help="A month such as 2020-08.", metavar="MONTH")], as_json: AsJson = False
) -> None:
    """Shows the books of a month with their ISBN, or the reason why they have none."""
    wanted = Month.parse(month)
    with opened_database() as (_, database), database.transaction() as tx:
        rows = figures.books_of(tx, wanted)
    if as_json:
        print_json(rows)
        return
    facts = ["year", "subjects", "cover"] if any(row["work"] for row in rows) else []
    outcome = ["outcome", "isbn13", "provider", "confidence", "reason"]
    table = new_table(f"{wanted}: {len(rows)} books", "title", "author", *facts, "named by", *outcome)
    for row in rows:
        work = row["work"] or {"title": row["title"], "author": row["author"]}
        shown = [work.get("first_published"), ", ".join(work.get("subjects", [])[:3]), "✓" if work.get("cover") else ""]
        cells = [work["title"], work["author"], *(shown if facts else []), ", ".join(row["sources"])]
        table.add_row(*map(cell, [*cells, *(row[column] for column in outcome)]))
    print_table(table)
    if not rows:
        say(f"Its books are listed by: alexandria run {wanted}")


def _not_processed(wanted: list[Month], any_at_all: bool) -> str:
    if not any_at_all:
        return "No month has been processed yet. Start one with: make run"
    shown = ", ".join(map(str, wanted))
    return f"{shown} {'has' if len(wanted) == 1 else 'have'} not been processed. alexandria status shows the months that have."


def skipped_rows(as_json: AsJson = False) -> None:
    """Shows skipped rows of lists, catalogues and replies, and listed ISBNs that were not used, with line and reason."""
    with opened_database() as (settings, database), database.transaction() as tx:
        rows = skipped.all_rows(tx)
    if settings.catalog_address is not None:
        with opened_catalog() as (_, catalog), catalog.transaction() as tx:
            rows += skipped.all_rows(tx)
    if as_json:
        print_json(rows)
        return
    if not rows:
        say("No row was skipped.")
        return
    isbns = sum(row["part"] == "isbn" for row in rows)
    parts = [counted(len(rows) - isbns, "row") + " skipped"] if len(rows) > isbns else []
    parts += [counted(isbns, "ISBN") + " not used (the books are kept)"] if isbns else []
    title = ", ".join(parts)
    table = new_table(title, "source", "line", "what", "reason", "excerpt")
    for row in rows:
        what = "ISBN not used" if row["part"] == "isbn" else "row skipped"
        table.add_row(row["source"], str(row["position"]), what, row["reason"], row["excerpt"])
    print_table(table)
