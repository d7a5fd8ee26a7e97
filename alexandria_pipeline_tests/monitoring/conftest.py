"""The application behind a real server on a real port, on a database of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import SecretStr

from alexandria_pipeline.domain.quota import QuotaLimits
from alexandria_pipeline.domain.rollout.phases import Rules
from alexandria_pipeline.monitoring.app import create_app
from alexandria_pipeline.monitoring.dashboard import Dashboard
from alexandria_pipeline.monitoring.pages.routes import Covers
from alexandria_pipeline.monitoring.server import listening, new_server
from alexandria_pipeline.operations.review import Review
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.library import Library

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECRET = "open-sesame"
LIMITS = {"isbndb": QuotaLimits(15_000, 2_000), "gemini": QuotaLimits(None)}


@contextmanager
def serving(
    database: Database,
    secret: str | None = SECRET,
    now: Callable[[], datetime] = lambda: NOW,
    api_per_minute: int = 0,
    hosts: tuple[str, ...] = (),
    reviewers: str | None = None,
    covers: Covers | None = None,
    dagster_url: str | None = None,
) -> Iterator[httpx.Client]:
    """A client of a running server."""
    watch = Dashboard(database, Rules(), LIMITS, now)
    key = SecretStr(secret) if secret else None
    persons = SecretStr(reviewers) if reviewers else None
    app = create_app(
        watch, key, Library(database), api_per_minute, hosts, Review(database), persons, covers, dagster_url
    )
    server = new_server(app)
    with listening("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            with httpx.Client(
                base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=30, trust_env=False
            ) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def client(database: Database) -> Iterator[httpx.Client]:
    """A client of a server with a secret; it does not bring it by itself."""
    with serving(database) as client:
        yield client


@pytest.fixture
def trusted(client: httpx.Client) -> httpx.Client:
    """The same, bringing the secret."""
    client.headers["X-Cron-Secret"] = SECRET
    return client
