"""`alexandria explain` and `alexandria review`: why a book has its ISBN or none, and review decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.cli.output import AsJson, counted, print_json, say
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.operations import explain as explaining
from alexandria_pipeline.operations.review import Review

app = typer.Typer(
    no_args_is_help=True, help="Near misses: candidates that were nearly accepted, for a person to decide."
)

WorkKey = Annotated[
    str, typer.Argument(help="Key of the work, as `review list` and `books MONTH --json` show it.", metavar="WORK_KEY")
]
By = Annotated[str, typer.Option("--by", help="Name of the person who decides; stored.", metavar="NAME")]
Why = Annotated[str, typer.Option("--why", help="Reason; stored.", metavar="TEXT")]


def explain(
    about: Annotated[
        str, typer.Argument(help="A month such as 2020-08, or the key of a work.", metavar="MONTH|WORK_KEY")
    ],
    as_json: AsJson = False,
) -> None:
    """Shows why each book has its ISBN or none: attempts with evidence, calls, and review decisions."""
    with opened_database() as (_, database):
        books = explaining.explain(database, about)
    if as_json:
        print_json(books)
        return
    for book in books:
        _print_book(book)
    if not books:
        say(f"{about} has no books.")


@app.command("list")
def list_near_misses(as_json: AsJson = False) -> None:
    """Lists the undecided near misses, nearest first."""
    with opened_database() as (_, database):
        rows = Review(database).near_misses()
    if as_json:
        print_json(rows)
        return
    for row in rows:
        say(f"{row['title']} / {row['author']}  ({', '.join(row['months'])})")
        say(f"  {row['isbn13']}  {_edition(row['candidate'])}  [{row['provider']}, confidence {row['confidence']}]")
        if second := row["candidate"].get("runner_up"):
            say(f"  or {second['isbn13']}  {_edition(second)}")
        say(f"  {row['words']}")
        _print_evidence(row["evidence"], "    ")
        say(f"  {row['work_key']}")
    say(
        f"{len(rows)} near {'miss' if len(rows) == 1 else 'misses'}"
        + ("; decide one: alexandria review accept WORK_KEY ISBN --by NAME" if rows else ".")
    )


@app.command("conflicts")
def list_conflicts(as_json: AsJson = False) -> None:
    """Lists the fields about which sources contradict each other, and pairs of works or authors that may be one, oldest first."""
    with opened_database() as (_, database):
        review = Review(database)
        found, pairs = review.conflicts(), review.refused_merges()
    if as_json:
        print_json({"conflicts": found, "pairs": pairs})
        return
    for each in found:
        say(f"{each['title'] or ''}  ({each['kind']} {each['key']})")
        say(f"  {each['field']}: {each['detail']}")
    for pair in pairs:
        say(f"{pair['left_title']} / {pair['right_title']}  ({pair['kind']}; {pair['guard'] or pair['rule']})")
        say(f"  {pair['left_key']}")
        say(f"  {pair['right_key']}")
    say(
        f"{counted(len(found), 'conflict')}, {counted(len(pairs), 'pair')}"
        + ("; `alexandria show KEY` shows the sources, `alexandria lock` decides a field" if found else "")
        + ("; `alexandria works|authors merge` or `split` decides a pair" if pairs else "")
        + "."
    )


@app.command()
def accept(
    work_key: WorkKey,
    isbn: Annotated[str, typer.Argument(help="ISBN-13 or ISBN-10 of an edition of the work.", metavar="ISBN")],
    by: By,
    why: Why = "",
) -> None:
    """Gives the work this ISBN: its books are resolved, and no later run changes it."""
    with opened_database() as (_, database):
        work = Review(database).accept(work_key, Isbn13.parse(isbn), by, why)
    say(f"{work.title} / {work.author} has the ISBN {Isbn13.parse(isbn)}, decided by {by}.")


@app.command()
def reject(
    work_key: WorkKey,
    by: By,
    isbn: Annotated[
        str | None, typer.Argument(help="The ISBN that is wrong; default: every ISBN.", metavar="[ISBN]")
    ] = None,
    why: Why = "",
) -> None:
    """Bars the work from this ISBN for good; without an ISBN, no service is asked for the work again."""
    rejected = Isbn13.parse(isbn) if isbn else None
    with opened_database() as (_, database):
        work = Review(database).reject(work_key, rejected, by, why)
    effect = f"never gets the ISBN {rejected}" if rejected else "stays without an ISBN and is not asked for again"
    say(f"{work.title} / {work.author} {effect}, decided by {by}.")


def _print_book(book: Mapping[str, Any]) -> None:
    isbn = f", {book['isbn13']} ({book['provider']}, confidence {book['confidence']})" if book["isbn13"] else ""
    reason = f" ({book['reason']})" if book["reason"] else ""
    say(f"{book['month']}  {book['title']} / {book['author']}: {book['outcome']}{isbn}{reason}")
    for attempt in book["attempts"]:
        _print_attempt(attempt)
    for decision in book["decisions"]:
        why = f": {decision['why']}" if decision["why"] else ""
        say(
            f"  {decision['decided_at']}  {decision['isbn13'] or 'the work'} {decision['decision']} by {decision['by']}{why}"
        )
    if not book["attempts"] and not book["decisions"]:
        say(
            "  No service was asked yet."
            if book["outcome"] == "pending"
            else "  No service was asked: the work had its ISBN already."
        )


def _print_attempt(attempt: Mapping[str, Any]) -> None:
    made = len(attempt["calls"])
    calls = f"  [{made} {'call' if made == 1 else 'calls'}]" if made else ""
    say(f"  {attempt['attempted_at']}  {attempt['words']}{calls}")
    if attempt["candidate"]:
        sure = f", confidence {attempt['confidence']}" if attempt["confidence"] is not None else ""
        say(f"    {attempt['isbn13']}  {_edition(attempt['candidate'])}{sure}")
        _print_evidence(attempt["evidence"], "      ")


def _print_evidence(lines: Sequence[Mapping[str, Any]], indent: str) -> None:
    for line in lines:
        say(f"{indent}{line['points']:+4d}  {line['name']}: {line['detail']}")


def _edition(facts: Mapping[str, Any]) -> str:
    """Formats title / authors (date, publisher, language, format)."""
    names = [each["name"] if isinstance(each, Mapping) else each for each in facts.get("authors", ())]
    rest = [str(facts[name]) for name in ("published", "publisher", "language", "format") if facts.get(name)]
    return f"{facts.get('title', '')} / {', '.join(names) or 'no author'}" + (f" ({', '.join(rest)})" if rest else "")
