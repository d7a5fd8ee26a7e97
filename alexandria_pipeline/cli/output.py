"""Output of the `alexandria` command: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from alexandria_pipeline.domain.text.display import for_terminal

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def say(text: str, *, err: bool = False) -> None:
    """Prints a line for people; what it quotes from outside cannot control the terminal."""
    typer.echo(for_terminal(text), err=err)


def say_exactly(text: str, *, end: str = "\n") -> None:
    """Prints text for other programs, such as an address or a file, without any change."""
    typer.echo(text + end, nl=False)


def show_progress(text: str) -> None:
    """Overwrites the current line of standard error."""
    typer.echo(f"\r{for_terminal(text):50}\r", err=True, nl=False)


def print_months(answer: dict[str, Any]) -> None:
    table = new_table("", "month", "status", "books", "resolved", "deferred", "synthetic", "checks")
    for row in answer["months"]:
        held = [f"{'✓' if holds else '✗'} {name.replace('_', ' ')}" for name, holds in row["checks"].items()]
        resolved = f"{row['resolved']} ({row['resolution_rate']} %)" if row["books"] else "0"
        synthetic = f"{row['synthetic']} ({row['synthetic_share']} %)" if row["works"] else "0"
        table.add_row(
            row["month"], row["status"], str(row["books"]), resolved, str(row["deferred"]), synthetic, "\n".join(held)
        )
        if row["error"]:
            table.add_row("", "", "", "", "", "", row["error"])
    print_table(table)
    print_skipped(answer["set_aside"], answer["unused_isbns"])
    month = answer["months"][0]["month"]
    say(f"Next: alexandria books {month}    every book of the month, with its ISBN or the reason why it has none")
    say("      make dev                   the same in the browser: assets, runs, checks, backfills")


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 row", "2 rows"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def print_skipped(rows: int, isbns: int) -> None:
    """Prints how many rows of lists, catalogues and replies were skipped, and how many of their ISBNs, if any."""
    if rows:
        say(f"{counted(rows, 'row')} skipped: alexandria set-aside")
    if isbns:
        say(f"{counted(isbns, 'listed ISBN')} not used: alexandria set-aside")


def print_years(answer: dict[str, Any], years: Sequence[dict[str, Any]]) -> None:
    table = new_table("", "year", "months", "completed", "books", "resolved", "deferred", "synthetic", "rate %")
    for row in years:
        table.add_row(
            *(
                cell(row[column])
                for column in ("year", "months", "completed", "books", "resolved", "deferred", "synthetic", "rate")
            )
        )
    print_table(table)
    totals, by_status = answer["totals"], answer["by_status"]
    say("months: " + ", ".join(f"{count} {name}" for name, count in by_status.items() if count))
    share = "" if totals["synthetic_share"] is None else f" ({totals['synthetic_share']} %)"
    say(f"works: {totals['works']}, {totals['synthetic']} of them synthetic{share}")
    for row in answer["months"]:
        if row["error"] or row["status"] == "processing":
            say(f"{row['month']} {row['status']}: {row['error'] or row['owner']}")
    print_skipped(answer["set_aside"], answer["unused_isbns"])


class PlainTable(Table):
    """A table whose cells are shown as they are: text from outside is neither mark-up nor an escape code."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*(Text(for_terminal(each)) if isinstance(each, str) else each for each in cells), **options)


def new_table(title: str, *columns: str) -> Table:
    table = PlainTable(title=Text(for_terminal(title)) if title else None, title_justify="left")
    for column in columns:
        table.add_column(
            Text(for_terminal(column)),
            overflow="fold",
            no_wrap=column in ("outcome", "isbn13", "provider", "confidence", "month", "status"),
        )
    return table


def print_table(table: Table) -> None:
    """Prints a table as wide as the terminal, or 150 columns wide into a file or a pipe."""
    Console(width=None if sys.stdout.isatty() else 150).print(table)


def cell(value: object) -> str:
    return "" if value is None or value != value else str(value)  # NaN is the one value unlike itself


def print_json(answer: object) -> None:
    """Prints JSON. Characters that control a terminal are written as escapes of JSON, so that the values stay the same."""
    text = json.dumps(answer, ensure_ascii=False, indent=2, default=str)
    say_exactly("".join(_json_escape(each) if each != "\n" and for_terminal(each) != each else each for each in text))


def _json_escape(character: str) -> str:
    return json.dumps(character)[1:-1] if character > "\x7f" else f"\\u{ord(character):04x}"
