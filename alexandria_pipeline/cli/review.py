"""`alexandria explain` and `alexandria review`: why a book has its ISBN or none, and a person's word about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.cli.output import AsJson, print_json
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.operations import explain as explaining
from alexandria_pipeline.operations.review import Review

app = typer.Typer(
    no_args_is_help=True, help="Near misses: candidates that nearly were accepted, for a person to settle."
)

WorkKey = Annotated[
    str, typer.Argument(help="Key of the work, as `review list` and `books MONTH --json` show it.", metavar="WORK_KEY")
]
By = Annotated[str, typer.Option("--by", help="Who decides; kept for good.", metavar="NAME")]
Why = Annotated[str, typer.Option("--why", help="The reason; kept for good.", metavar="TEXT")]


def explain(
    about: Annotated[
        str, typer.Argument(help="A month such as 2020-08, or the key of a work.", metavar="MONTH|WORK_KEY")
    ],
    as_json: AsJson = False,
) -> None:
    """Why each book got its ISBN, or did not: every attempt with its evidence, calls, and decisions of persons."""
    with opened_database() as (_, database):
        books = explaining.explain(database, about)
    if as_json:
        print_json(books)
        return
    for book in books:
        _print_book(book)
    if not books:
        typer.echo(f"{about} has no books.")


@app.command("list")
def list_near_misses(as_json: AsJson = False) -> None:
    """The near misses that nobody has settled, nearest first."""
    with opened_database() as (_, database):
        rows = Review(database).near_misses()
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['title']} / {row['author']}  ({', '.join(row['months'])})")
        typer.echo(
            f"  {row['isbn13']}  {_edition(row['candidate'])}  [{row['provider']}, confidence {row['confidence']}]"
        )
        if second := row["candidate"].get("runner_up"):
            typer.echo(f"  or {second['isbn13']}  {_edition(second)}")
        typer.echo(f"  {row['words']}")
        _print_evidence(row["evidence"], "    ")
        typer.echo(f"  {row['work_key']}")
    typer.echo(
        f"{len(rows)} near {'miss' if len(rows) == 1 else 'misses'}"
        + ("; settle one: alexandria review accept WORK_KEY ISBN --by NAME" if rows else ".")
    )


@app.command()
def accept(
    work_key: WorkKey,
    isbn: Annotated[str, typer.Argument(help="ISBN-13 or ISBN-10 of an edition of the work.", metavar="ISBN")],
    by: By,
    why: Why = "",
) -> None:
    """The ISBN is the work's: its books are resolved, and no later run changes that."""
    with opened_database() as (_, database):
        work = Review(database).accept(work_key, Isbn13.parse(isbn), by, why)
    typer.echo(f"{work.title} / {work.author} has the ISBN {Isbn13.parse(isbn)}, by {by}.")


@app.command()
def reject(
    work_key: WorkKey,
    by: By,
    isbn: Annotated[
        str | None, typer.Argument(help="The ISBN that is not the work's; none: no ISBN is.", metavar="[ISBN]")
    ] = None,
    why: Why = "",
) -> None:
    """The ISBN is not the work's, and no later run gives it to it; without ISBN: the work is not asked for again."""
    refused = Isbn13.parse(isbn) if isbn else None
    with opened_database() as (_, database):
        work = Review(database).reject(work_key, refused, by, why)
    said = f"never gets the ISBN {refused}" if refused else "stays without ISBN and is not asked for again"
    typer.echo(f"{work.title} / {work.author} {said}, by {by}.")


def _print_book(book: Mapping[str, Any]) -> None:
    isbn = f", {book['isbn13']} ({book['provider']}, confidence {book['confidence']})" if book["isbn13"] else ""
    reason = f" ({book['reason']})" if book["reason"] else ""
    typer.echo(f"{book['month']}  {book['title']} / {book['author']}: {book['outcome']}{isbn}{reason}")
    for attempt in book["attempts"]:
        _print_attempt(attempt)
    for said in book["decisions"]:
        why = f": {said['why']}" if said["why"] else ""
        typer.echo(f"  {said['decided_at']}  {said['isbn13'] or 'the work'} {said['decision']} by {said['by']}{why}")
    if not book["attempts"] and not book["decisions"]:
        typer.echo(
            "  No service was asked for it."
            if book["outcome"] == "pending"
            else "  No service was asked: it was known."
        )


def _print_attempt(attempt: Mapping[str, Any]) -> None:
    made = len(attempt["calls"])
    calls = f"  [{made} {'call' if made == 1 else 'calls'}]" if made else ""
    typer.echo(f"  {attempt['attempted_at']}  {attempt['words']}{calls}")
    if attempt["candidate"]:
        sure = f", confidence {attempt['confidence']}" if attempt["confidence"] is not None else ""
        typer.echo(f"    {attempt['isbn13']}  {_edition(attempt['candidate'])}{sure}")
        _print_evidence(attempt["evidence"], "      ")


def _print_evidence(lines: Sequence[Mapping[str, Any]], indent: str) -> None:
    for line in lines:
        typer.echo(f"{indent}{line['points']:+4d}  {line['name']}: {line['detail']}")


def _edition(facts: Mapping[str, Any]) -> str:
    """Title / authors, then what else tells editions apart."""
    names = [each["name"] if isinstance(each, Mapping) else each for each in facts.get("authors", ())]
    rest = [str(facts[name]) for name in ("published", "publisher", "language", "format") if facts.get(name)]
    return f"{facts.get('title', '')} / {', '.join(names) or 'nobody named'}" + (
        f" ({', '.join(rest)})" if rest else ""
    )
