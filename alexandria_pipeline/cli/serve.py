"""`alexandria serve`: the monitoring app."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.monitoring import app as monitoring
from alexandria_pipeline.monitoring import server
from alexandria_pipeline.monitoring.dashboard import Dashboard
from alexandria_pipeline.operations.review import Review
from alexandria_pipeline.settings import SERVICES
from alexandria_pipeline.storage.library import Library


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.", min=0, max=65535)] = 8080,
) -> None:
    """Serves the status page, metrics for Prometheus, and the read API; see /openapi.json and /api/v1/openapi.json."""
    with opened_database(plans=True) as (settings, database):
        limits = {name: settings.service(name).quota for name in SERVICES}
        watch = Dashboard(database, settings.rollout, limits)
        app = monitoring.create_app(
            watch,
            settings.cron_secret,
            Library(database),
            settings.api_per_minute,
            settings.serve_hosts,
            Review(database),
            settings.reviewers,
        )
        server.serve(app, host, port)
