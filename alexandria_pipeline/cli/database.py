"""`alexandria db`: the database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from alexandria_pipeline import composition
from alexandria_pipeline.cli.context import opened_database, where
from alexandria_pipeline.cli.output import AsJson, cell, print_json, say, say_exactly
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage import backup as backups
from alexandria_pipeline.storage import move as moves

db = typer.Typer(no_args_is_help=True, help="The database: a local server, or the server of ALEXANDRIA_DATABASE_URL.")


@db.command("start")
def db_start() -> None:
    """Starts the local server if none runs, and migrates its tables."""
    with opened_database() as (settings, database):
        place = where(settings, database)
        say(
            f"The database is at {place}."
            if settings.database_url
            else f"The database is at {database.address}, in {place}."
        )


@db.command("stop")
def db_stop() -> None:
    """Stops the local server; its data are kept."""
    settings = load_settings()
    stopped = composition.server(settings).stop()
    say("The local server has been stopped." if stopped else "No local server was running.")


@db.command("status")
def db_status(as_json: AsJson = False) -> None:
    """Shows whether the database answers, and its address."""
    settings = load_settings()
    answer = composition.database_status(settings)
    if catalog := composition.catalog_status(settings):
        answer["catalog"] = catalog if as_json else ", ".join(f"{name} {value}" for name, value in catalog.items())
    if as_json:
        print_json(answer)
        return
    for name, value in answer.items():
        say(f"{name:>10}  {cell(value)}")


@db.command("url")
def db_url() -> None:
    """Prints the address with the password, for psql and other clients; starts the local server if necessary."""
    settings = load_settings()
    address = composition.database_url(settings)
    if settings.database_address is None:
        address = address.partition("?")[0]  # psql before version 16 refuses an address with require_auth
    say_exactly(address)


@db.command("migrate")
def db_migrate() -> None:
    """Migrates the tables to this version, also those of the catalogue's own database."""
    settings = load_settings()
    applied = composition.migrate_database(settings)
    in_catalog = composition.migrate_catalog(settings)
    if in_catalog:
        say("Applied in the database of the catalogue: " + ", ".join(in_catalog))
    say("Applied: " + ", ".join(applied) if applied else "The tables are up to date.")


Confirmed = Annotated[bool, typer.Option("--yes", help="Replace the database without asking.")]


@db.command("backup")
def db_backup(file: Annotated[Path, typer.Argument(help="New file for the backup.", metavar="FILE")]) -> None:
    """Writes the whole database to a file; runs may be at work. It holds no API key."""
    settings = load_settings()
    size = backups.backup(composition.server(settings).programs(), composition.database_url(settings), file)
    say(f"Written: {file} ({size / 1_000_000:.1f} MB)")


@db.command("restore")
def db_restore(
    file: Annotated[Path, typer.Argument(help="A file of `alexandria db backup`.", metavar="FILE")],
    confirmed: Confirmed = False,
) -> None:
    """Replaces the database by a backup. The earlier database is kept under another name."""
    settings = load_settings()
    _confirm(confirmed, f"replace the database by {file}")
    url = composition.database_url(settings)
    kept = backups.restore(composition.server(settings).programs(), url, file)
    composition.migrate_database(settings)
    say(f"Restored from {file}. The earlier database is kept as {kept} on the same server.")


@db.command("move")
def db_move(
    url: Annotated[
        str,
        typer.Argument(
            help="postgresql://user:password@host:5432/name of the new database; -: read from standard input.",
            metavar="URL",
        ),
    ],
) -> None:
    """Copies the whole database to another server, checks the copy, and makes this one read-only."""
    settings = load_settings()
    target = sys.stdin.readline().strip() if url == "-" else url
    moved = moves.move(composition.server(settings).programs(), composition.database_url(settings), target)
    password = urlsplit(target).password
    say(f"Moved: {moved.tables} tables, {moved.rows:,} rows, the same number on both sides.")
    say("Put this into .env before the next command; the password is that of the new server:")
    say_exactly(f"  ALEXANDRIA_DATABASE_URL={target.replace(f':{password}@', '@', 1) if password else target}")
    say_exactly("  ALEXANDRIA_DATABASE_PASSWORD=...")
    say("The earlier database is kept; it is read-only.")


@db.command("reset")
def db_reset(confirmed: Confirmed = False) -> None:
    """Begins with an empty database. The earlier database is kept under another name."""
    settings = load_settings()
    _confirm(confirmed, "replace the database by an empty one")
    kept = backups.reset(composition.database_url(settings))
    composition.migrate_database(settings)
    say(f"The database is empty. The earlier database is kept as {kept} on the same server.")


def _confirm(confirmed: bool, action: str) -> None:
    if not confirmed:
        raise InvalidValue(f"this would {action}, with all months and paid replies: add --yes to do it")
