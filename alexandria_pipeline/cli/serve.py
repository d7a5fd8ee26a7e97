"""`alexandria serve`: the monitoring app."""

from __future__ import annotations

from typing import Annotated

import typer

from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.monitoring import app as monitoring
from alexandria_pipeline.monitoring import server
from alexandria_pipeline.monitoring.dashboard import Dashboard
from alexandria_pipeline.operations.covers import Covers
from alexandria_pipeline.operations.review import Review
from alexandria_pipeline.providers.covers import CoverFetcher
from alexandria_pipeline.providers.transport.connection import HttpClient
from alexandria_pipeline.settings import SERVICES, Settings
from alexandria_pipeline.storage.library import Library


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.", min=0, max=65535)] = 8080,
) -> None:
    """Serves the status page, metrics for Prometheus, and the read API; see /openapi.json and /api/v1/openapi.json."""
    with opened_database(plans=True) as (settings, database):
        limits = {name: settings.service(name).quota for name in SERVICES}
        watch = Dashboard(database, settings.rollout, limits)
        library = Library(database)
        app = monitoring.create_app(
            watch,
            settings.cron_secret,
            library,
            settings.api_per_minute,
            settings.serve_hosts,
            Review(database),
            settings.reviewers,
            _covers(settings, library),
            settings.dagster_url,
        )
        server.serve(app, host, port)


def _covers(settings: Settings, library: Library) -> Covers | None:
    """None without a contact or own hosts: the hosts of covers want to know who asks, and nothing leaves the machine unasked."""
    if not settings.covers_mb or not (settings.contact or settings.cover_hosts):
        return None
    fetcher = CoverFetcher(HttpClient(settings.contact).user_agent, settings.cover_hosts)
    return Covers(settings.home / "covers", settings.covers_mb * 1_000_000, fetcher, library.cover)
