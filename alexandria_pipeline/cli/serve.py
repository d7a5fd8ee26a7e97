"""`alexandria serve`: the monitoring app."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.monitoring import app as monitoring
from alexandria_pipeline.monitoring import server
from alexandria_pipeline.monitoring.dashboard import Dashboard
from alexandria_pipeline.settings import SERVICES


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.", min=0, max=65535)] = 8080,
) -> None:
    """Serves the status of the backfill: a page, JSON, and metrics for Prometheus; see /openapi.json."""
    with opened_database(plans=True) as (settings, database):
        limits = {name: settings.service(name).quota for name in SERVICES}
        server.serve(
            monitoring.create_app(Dashboard(database, settings.rollout, limits), settings.cron_secret), host, port
        )
