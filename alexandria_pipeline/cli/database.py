"""`alexandria db`: the database."""

from __future__ import annotations

import typer

from alexandria_pipeline import composition
from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.cli.output import AsJson, cell, print_json
from alexandria_pipeline.settings import load_settings

db = typer.Typer(no_args_is_help=True, help="The database: a local server, or the server of ALEXANDRIA_DATABASE_URL.")


@db.command("start")
def db_start() -> None:
    """Starts the local server if none runs, and migrates its tables."""
    with opened_database() as (settings, database):
        typer.echo(
            f"The database is at {database.address}"
            + (
                " (ALEXANDRIA_DATABASE_URL; nothing was started)."
                if settings.database_url
                else f". Its files are in {composition.server(settings).home}."
            )
        )


@db.command("stop")
def db_stop() -> None:
    """Stops the local server; its data are kept."""
    settings = load_settings()
    stopped = composition.server(settings).stop()
    typer.echo("The local server has been stopped." if stopped else "No local server was running.")


@db.command("status")
def db_status(as_json: AsJson = False) -> None:
    """Shows whether the database answers, and its address."""
    answer = composition.database_status(load_settings())
    if as_json:
        print_json(answer)
        return
    for name, value in answer.items():
        typer.echo(f"{name:>10}  {cell(value)}")


@db.command("url")
def db_url() -> None:
    """Prints the address with the password, for psql and other clients; starts the local server if necessary."""
    typer.echo(composition.database_url(load_settings()))


@db.command("migrate")
def db_migrate() -> None:
    """Migrates the tables to this version."""
    applied = composition.migrate_database(load_settings())
    typer.echo("Applied: " + ", ".join(applied) if applied else "The tables are up to date.")
