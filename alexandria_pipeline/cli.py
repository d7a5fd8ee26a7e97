"""The `alexandria` command: parses, calls a stage or a storage query, prints. Nothing is decided here.

Exit status: 0 for an answer (also "not found"), 1 when something is broken, 2 for wrong use or wrong settings.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from alexandria_pipeline import cli_report, cli_review, cli_rollout, composition
from alexandria_pipeline.cli_tables import cell as _cell
from alexandria_pipeline.cli_tables import new_table as _table
from alexandria_pipeline.cli_tables import print_json as _print_json
from alexandria_pipeline.cli_tables import print_months as _print_months
from alexandria_pipeline.cli_tables import print_table as _print
from alexandria_pipeline.cli_tables import print_years as _print_years
from alexandria_pipeline.domain.errors import AlexandriaError, InvalidValue, SettingsError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookQuery, Resolution
from alexandria_pipeline.providers.base import Capability
from alexandria_pipeline.providers.http import call_context
from alexandria_pipeline.settings import SERVICES, Settings, load_settings
from alexandria_pipeline.stages import accounting
from alexandria_pipeline.stages import fetch as fetching
from alexandria_pipeline.storage import figures, generation
from alexandria_pipeline.storage.database import Database

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Fills a book database, month by month.",
)
db = typer.Typer(no_args_is_help=True, help="The database: a local server, or the one of ALEXANDRIA_DATABASE_URL.")
catalog = typer.Typer(no_args_is_help=True, help="The local catalogue of editions.")
app.add_typer(db, name="db")
app.add_typer(catalog, name="catalog")
app.add_typer(cli_rollout.app, name="rollout")
app.add_typer(cli_review.app, name="review")
app.command()(cli_review.explain)
app.command()(cli_report.report)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Entry point; says what went wrong in one plain sentence."""
    try:
        app()
    except (SettingsError, InvalidValue) as error:
        _fail(error, 2)
    except AlexandriaError as error:
        _fail(error, 1)


def _fail(error: Exception, status: int) -> None:
    print(f"alexandria: {error}", file=sys.stderr)
    raise SystemExit(status)


@app.command()
def status(
    months: Annotated[
        list[str] | None, typer.Argument(help="Months such as 2020-08; all when none is named.", metavar="[MONTH]...")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Where the backfill stands: months, books, ISBNs, and which key figures hold."""
    from alexandria_pipeline.stages import report  # noqa: PLC0415 - pandas takes half a second to load

    wanted = [Month.parse(month) for month in months or []]
    with _database() as (_, database):
        answer = report.status(database, wanted)
    if as_json:
        _print_json(answer)
    elif not answer["months"]:
        print("No month has been processed yet. Start one with: make run")
    elif wanted:
        _print_months(answer)
    else:
        _print_years(answer, report.by_year(answer["months"]))


@app.command()
def books(
    month: Annotated[str, typer.Argument(help="A month such as 2020-08.", metavar="MONTH")], as_json: AsJson = False
) -> None:
    """The books of a month: who listed them, their ISBN, or why they have none."""
    wanted = Month.parse(month)
    with _database() as (_, database), database.transaction() as tx:
        rows = figures.books_of(tx, wanted)
    if as_json:
        _print_json(rows)
        return
    table = _table(
        f"{wanted}: {len(rows)} books", "title", "author", "outcome", "isbn13", "provider", "confidence", "reason"
    )
    for row in rows:
        table.add_row(
            *(
                _cell(row[column])
                for column in ("title", "author", "outcome", "isbn13", "provider", "confidence", "reason")
            )
        )
    _print(table)


@app.command()
def resolve(
    title: Annotated[str, typer.Argument(help="Title of the book.", metavar="TITLE")],
    author: Annotated[str, typer.Option("--author", "-a", help="Its author.")],
    year: Annotated[int | None, typer.Option(help="Year in which it came out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Finds the ISBN of one book and shows why; stores nothing."""
    with _pipeline() as (settings, pipeline):
        query = BookQuery(title, author, year, settings.language)
        resolution = asyncio.run(pipeline.resolve.ask(query, pipeline.resolve.revisions()))
    answer = _answer(title, author, resolution)
    if as_json:
        _print_json(answer)
        return
    print(
        f"{title} / {author}: {answer['outcome']}"
        + (
            f", {answer['isbn13']} ({answer['provider']}, confidence {answer['confidence']})"
            if answer["isbn13"]
            else f" ({answer['reason']})"
        )
    )
    for attempt in answer["attempts"]:
        print(f"  {attempt['provider']}: {attempt['outcome']} {attempt['reason']}".rstrip())
        for line in attempt["evidence"]:
            print(f"    {line['points']:+4d}  {line['name']}: {line['detail']}")


@app.command()
def providers(as_json: AsJson = False) -> None:
    """What can be asked of whom, and why not."""
    with _pipeline() as (settings, pipeline):
        cells = list(pipeline.registry.matrix())
        warnings = composition.model_warnings(settings, datetime.now(UTC).date())
    if as_json:
        _print_json([
            {
                "capability": c.capability.value, "provider": c.provider, "kind": c.kind.value,
                "offered": c.offered, "available": c.available, "reason": c.reason, "warning": warnings.get(c.provider, ""),
            }
            for c in cells
        ])  # fmt: skip
        return
    table = _table("Who can be asked for what", "capability", "provider", "kind", "available")
    for c in cells:
        if c.offered:
            table.add_row(c.capability.value, c.provider, c.kind.value, "yes" if c.available else f"no: {c.reason}")
    _print(table)


@app.command()
def quota(as_json: AsJson = False) -> None:
    """What was asked of each service today, what is left, and whether it is asked at all just now."""
    with _pipeline() as (settings, pipeline):
        paces = {name: settings.service(name).requests_per_second for name in SERVICES}
        rows = accounting.standings(pipeline.database, pipeline.quota, paces)
    if as_json:
        _print_json(rows)
        return
    table = _table(f"Calls since 00:00 UTC; the count starts anew at {rows[0]['reset_at']}",
                   "service", "used", "limit", "safe limit", "left", "a second", "breaker", "note")  # fmt: skip
    for row in rows:
        limits = (row["daily_limit"], row["safety_limit"], row["safety_remaining"])
        cells = (row["service"], row["used"], *limits, row["requests_per_second"], row["breaker"])
        table.add_row(*map(_cell, cells), _cell(row["exhausted"] or row["last_error"]))
    _print(table)


@app.command()
def fetch(
    capability: Annotated[
        Capability, typer.Argument(help="What to ask for; see `alexandria providers`.", metavar="CAPABILITY")
    ],
    isbn: Annotated[str | None, typer.Option(help="ISBN-10 or ISBN-13.")] = None,
    title: Annotated[str | None, typer.Option(help="Title, for isbn-resolution.")] = None,
    author: Annotated[str | None, typer.Option(help="Author, for isbn-resolution and author-biography.")] = None,
    subject: Annotated[str | None, typer.Option(help="Subject, for subject-browsing.")] = None,
    month: Annotated[str | None, typer.Option(help="Month, for book-generation.")] = None,
    year: Annotated[int | None, typer.Option(help="Year of the book.")] = None,
    provider: Annotated[str | None, typer.Option(help="Ask this provider only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Asks for one thing about one item, from whoever has it, until somebody answers; stores nothing but the call."""
    with _pipeline() as (settings, pipeline):
        item = fetching.Item(
            isbn=Isbn13.parse(isbn) if isbn else None, title=title, author=author, subject=subject,
            month=Month.parse(month) if month else None, year=year, language=settings.language,
        )  # fmt: skip
        able = pipeline.registry.able(capability)
        chosen = [each for each in able if provider in (None, each.info.name)]
        if not chosen:
            names = ", ".join(each.info.name for each in able)
            raise InvalidValue(f"{provider} does not offer {capability.value}; these do: {names}")
        with call_context(stage="fetch", operation="manual"):
            answer = asyncio.run(fetching.fetch(capability, item, chosen))
    if as_json:
        outcome = "found" if answer.provider else _worst(answer.asked)
        _print_json({"capability": capability.value, "outcome": outcome, **fetching.plain(answer)})
        return
    for asked in answer.asked:
        print(f"{asked.provider}: {asked.outcome} {asked.reason}".rstrip())
    if answer.provider:
        _print_json(answer.data)


def _worst(asked: Sequence[fetching.Asked]) -> str:
    """Nobody has it only when somebody said so and nobody failed."""
    said = {each.outcome for each in asked}
    return next((outcome for outcome in ("failed", "not_found") if outcome in said), "unavailable")


@app.command("set-aside")
def set_aside(as_json: AsJson = False) -> None:
    """Rows of lists, catalogues and replies that could not be used, with their line and reason."""
    with _database() as (_, database), database.transaction() as tx:
        rows = generation.set_aside_rows(tx)
    if as_json:
        _print_json(rows)
        return
    table = _table(f"{len(rows)} rows set aside", "source", "line", "reason", "excerpt")
    for row in rows:
        table.add_row(row["source"], str(row["position"]), row["reason"], row["excerpt"])
    _print(table)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.", min=0, max=65535)] = 8080,
) -> None:
    """Shows how the backfill is doing: a page, JSON, and figures for Prometheus; see /openapi.json."""
    from alexandria_pipeline.monitoring import app as monitoring  # noqa: PLC0415 - only needed here
    from alexandria_pipeline.monitoring import server  # noqa: PLC0415
    from alexandria_pipeline.monitoring.watch import Watch  # noqa: PLC0415

    with _database() as (settings, database):
        limits = {name: settings.service(name).quota for name in SERVICES}
        server.serve(monitoring.create_app(Watch(database, settings.rollout, limits), settings.cron_secret), host, port)


@db.command("start")
def db_start() -> None:
    """Starts the local server if there is none, and brings its tables up to date."""
    with _database() as (settings, database):
        print(
            f"The database is at {database.address}"
            + (" (ALEXANDRIA_DATABASE_URL; nothing was started)." if settings.database_url else ".")
        )


@db.command("stop")
def db_stop() -> None:
    """Stops the local server; its data stay."""
    settings = load_settings()
    stopped = composition.server(settings).stop()
    print("The local server has been stopped." if stopped else "No local server was running.")


@db.command("status")
def db_status(as_json: AsJson = False) -> None:
    """Whether the database answers, and where it is."""
    answer = composition.database_status(load_settings())
    if as_json:
        _print_json(answer)
        return
    for name, value in answer.items():
        print(f"{name:>10}  {_cell(value)}")


@db.command("url")
def db_url() -> None:
    """Prints the address, password included, for psql and other clients; starts the local server if need be."""
    print(composition.database_url(load_settings()))


@db.command("migrate")
def db_migrate() -> None:
    """Brings the tables up to date."""
    applied = composition.migrate_database(load_settings())
    print("Applied: " + ", ".join(applied) if applied else "The tables are up to date.")


@catalog.command("load")
def catalog_load(
    files: Annotated[
        list[Path],
        typer.Argument(help="Tab-separated files with the columns title, author, isbn13.", metavar="FILE..."),
    ],
) -> None:
    """Adds editions to the local catalogue. Bad rows are set aside, the others go on."""
    from alexandria_pipeline.stages.catalog import load_catalog, read_file  # noqa: PLC0415 - only needed here

    with _database() as (_, database):
        for file in files:
            loaded = load_catalog(database, file.name, read_file(file))
            if loaded is None:
                print(f"{file}: has been loaded before; nothing to do.")
            else:
                print(f"{file}: {loaded.editions} editions, {loaded.added} of them new; {loaded.set_aside} rows set aside"
                      + (" (see: alexandria set-aside)." if loaded.set_aside else "."))  # fmt: skip


@contextmanager
def _database() -> Iterator[tuple[Settings, Database]]:
    settings = _settings()
    with composition.opened_database(settings) as database:
        yield settings, database


@contextmanager
def _pipeline() -> Iterator[tuple[Settings, composition.Pipeline]]:
    settings = _settings()
    with composition.opened_pipeline(settings) as pipeline:
        yield settings, pipeline


def _settings() -> Settings:
    settings = load_settings()
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(message)s")
    return settings


def _answer(title: str, author: str, resolution: Resolution) -> dict[str, Any]:
    candidate = resolution.candidate
    return {
        "title": title, "author": author, "outcome": resolution.outcome.value, "isbn13": candidate.isbn13 if candidate else None,
        "provider": candidate.provider if candidate else None, "confidence": resolution.confidence, "reason": resolution.reason,
        "evidence": _evidence(resolution.evidence),
        "attempts": [
            {
                "provider": a.provider, "outcome": a.outcome, "reason": a.reason, "isbn13": a.isbn13, "confidence": a.confidence,
                "candidate": a.candidate.title if a.candidate else None, "evidence": _evidence(a.evidence),
            }
            for a in resolution.attempts
        ],
    }  # fmt: skip


def _evidence(lines: Sequence[Any]) -> list[dict[str, Any]]:
    return [{"name": line.name, "detail": line.detail, "points": line.points} for line in lines]


if __name__ == "__main__":
    main()
