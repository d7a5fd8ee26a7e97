"""The `alexandria` command: the list of its commands and the entry point.

Each topic has a module. A command parses its arguments, calls an operation or a storage query, and prints the result.

Exit status: 0 for an answer (also "not found"), 1 for a failure, 2 for wrong arguments or settings.
"""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria_pipeline.cli import books as cli_books
from alexandria_pipeline.cli import catalog as cli_catalog
from alexandria_pipeline.cli import database as cli_database
from alexandria_pipeline.cli import doctor as cli_doctor
from alexandria_pipeline.cli import evaluate as cli_evaluate
from alexandria_pipeline.cli import report as cli_report
from alexandria_pipeline.cli import review as cli_review
from alexandria_pipeline.cli import rollout as cli_rollout
from alexandria_pipeline.cli import services as cli_services
from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.cli.output import say
from alexandria_pipeline.domain.errors import AlexandriaError, InvalidValue, SettingsError
from alexandria_pipeline.settings import SERVICES

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Fills a book database, month by month.",
)
app.add_typer(cli_database.db, name="db")
app.add_typer(cli_catalog.catalog, name="catalog")
app.add_typer(cli_rollout.app, name="rollout")
app.add_typer(cli_review.app, name="review")
app.add_typer(cli_services.services, name="services")
app.command()(cli_doctor.doctor)
app.command()(cli_review.explain)
app.command()(cli_report.report)
app.command()(cli_evaluate.evaluate)
app.command()(cli_books.status)
app.command()(cli_books.books)
app.command()(cli_services.resolve)
app.command()(cli_services.providers)
app.command()(cli_services.quota)
app.command()(cli_services.fetch)
app.command("set-aside")(cli_books.skipped_rows)


def main() -> None:
    """Runs the command; prints an expected error as one sentence."""
    try:
        app()
    except (SettingsError, InvalidValue) as error:
        _fail(error, 2)
    except AlexandriaError as error:
        _fail(error, 1)


def _fail(error: Exception, status: int) -> None:
    say(f"alexandria: {error}", err=True)
    raise SystemExit(status)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.", min=0, max=65535)] = 8080,
) -> None:
    """Serves the status of the backfill: a page, JSON, and metrics for Prometheus; see /openapi.json."""
    from alexandria_pipeline.monitoring import app as monitoring  # noqa: PLC0415 - only needed here
    from alexandria_pipeline.monitoring import server  # noqa: PLC0415
    from alexandria_pipeline.monitoring.dashboard import Dashboard  # noqa: PLC0415

    with opened_database() as (settings, database):
        limits = {name: settings.service(name).quota for name in SERVICES}
        server.serve(
            monitoring.create_app(Dashboard(database, settings.rollout, limits), settings.cron_secret), host, port
        )


if __name__ == "__main__":
    main()
