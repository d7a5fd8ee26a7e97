"""The Starlette application: the routes, and which responses come from memory or from the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from importlib import metadata
from typing import TypeVar

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.monitoring import metrics, openapi, page
from alexandria_pipeline.monitoring.api.rate_limit import RateLimit
from alexandria_pipeline.monitoring.api.routes import routes
from alexandria_pipeline.monitoring.dashboard import Dashboard
from alexandria_pipeline.monitoring.host_guard import HostGuard
from alexandria_pipeline.monitoring.models import Health, ScheduleBackfill, SeedBackfillQueue
from alexandria_pipeline.monitoring.pages.routes import Covers
from alexandria_pipeline.monitoring.pages.routes import routes as page_routes
from alexandria_pipeline.monitoring.requests import CronSecret, body
from alexandria_pipeline.monitoring.responses import (
    NO_DATABASE,
    Json,
    Refusal,
    SecurityHeadersMiddleware,
    problem,
    refused,
    unavailable,
)
from alexandria_pipeline.monitoring.review.routes import Reviews
from alexandria_pipeline.monitoring.review.routes import routes as review_routes
from alexandria_pipeline.monitoring.review.session import Sessions
from alexandria_pipeline.monitoring.ttl_cache import TtlCache
from alexandria_pipeline.storage.library import Library
from alexandria_pipeline.storage.threads import Threads

log = logging.getLogger(__name__)

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]

# Seconds for which a response is shared. Ten thousand simultaneous requests cost one statement.
QUOTA_SECONDS = 2.0
HEALTH_SECONDS = 1.0
PAGE_SECONDS = 5.0
PATIENCE = 10.0  # seconds; a database without a response counts as unavailable after that
HEALTH_PATIENCE = 5.0  # the same for the health check


def create_app(
    watch: Dashboard,
    secret: SecretStr | None,
    library: Library,
    api_per_minute: int = 0,
    hosts: Collection[str] = (),
    reviews: Reviews | None = None,
    reviewers: SecretStr | None = None,
    covers: Covers | None = None,
    dagster_url: str | None = None,
) -> Starlette:
    """Builds the application. Without a secret, every path below /api/internal is closed.

    `api_per_minute`: requests of one client to /api/v1; 0: no limit. `hosts`: allowed names in the header Host. `reviews`: the near misses,
    on which `reviewers` decide; None: there is no /review. `covers`: None: the pages show none. `dagster_url`: the address of
    the Dagster UI, for a link.
    """
    threads, readers = Threads(), Threads()
    ask = _Endpoints(watch, threads, dagster_url)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        if covers is not None:
            await covers.close()
        threads.close()
        readers.close()

    internal = [
        Route("/backfill-stats", ask.stats),
        Route("/schedule-backfill", ask.schedule, methods=["POST"]),
        Route("/seed-backfill-queue", ask.seed, methods=["POST"]),
        Route("/services/{name}/reopen", ask.reopen, methods=["POST"]),
    ]
    app = Starlette(
        routes=[
            Route("/", ask.page),
            Route("/healthz", ask.health),
            Route("/metrics", ask.metrics),
            Route("/openapi.json", ask.openapi),
            Route("/api/quota/status", ask.quota),
            *page_routes(library, readers, covers),
            *(review_routes(reviews, Sessions(reviewers), readers, covers=covers is not None) if reviews else ()),
            Mount("/api/internal", routes=internal, middleware=[Middleware(CronSecret, secret=secret)]),
            Mount(
                "/api/v1",
                routes=routes(library, readers),
                middleware=[Middleware(RateLimit, per_minute=api_per_minute)],
            ),
        ],
        middleware=[Middleware(SecurityHeadersMiddleware), Middleware(HostGuard, hosts=hosts)],
        exception_handlers={HTTPException: refused, StorageError: unavailable},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


class _Endpoints:
    """One method per path. Public paths respond from memory."""

    def __init__(self, watch: Dashboard, threads: Threads, dagster_url: str | None) -> None:
        self._watch, self._threads, self._dagster_url = watch, threads, dagster_url
        self._document = JSONResponse(openapi.document(metadata.version("alexandria-pipeline")))
        self._quota = TtlCache(lambda: self._or_503("/api/quota/status", self._ask_quota), QUOTA_SECONDS)
        self._health = TtlCache(self._ask_health, HEALTH_SECONDS)
        self._metrics = TtlCache(lambda: self._or_503("/metrics", self._ask_metrics), PAGE_SECONDS)
        self._page = TtlCache(lambda: self._or_503("/", self._ask_page), PAGE_SECONDS)

    async def quota(self, _request: Request) -> Response:
        return await self._quota.get()

    async def health(self, _request: Request) -> Response:
        return await self._health.get()

    async def metrics(self, _request: Request) -> Response:
        return await self._metrics.get()

    async def page(self, _request: Request) -> Response:
        return await self._page.get()

    async def openapi(self, _request: Request) -> Response:
        return self._document

    async def stats(self, _request: Request) -> Response:
        return Json(await self._threads.run(self._watch.stats))

    async def schedule(self, request: Request) -> Response:
        return Json(await self._threads.run(self._watch.schedule, await body(request, ScheduleBackfill)))

    async def seed(self, request: Request) -> Response:
        return Json(await self._threads.run(self._watch.seed, await body(request, SeedBackfillQueue)))

    async def reopen(self, request: Request) -> Response:
        reopened = await self._threads.run(self._watch.reopen, request.path_params["name"])
        if reopened is None:
            raise Refusal(404, "there is no service of this name; `alexandria quota` lists them")
        return Json(reopened)

    def _ask_quota(self) -> Response:
        return Json(self._watch.quota(), headers={"Cache-Control": "max-age=60"})

    def _ask_metrics(self) -> Response:
        return Response(metrics.exposition(self._watch.measured()), media_type=metrics.CONTENT_TYPE)

    def _ask_page(self) -> Response:
        return HTMLResponse(
            page.render(self._watch.overview(), self._dagster_url), headers={"Content-Security-Policy": page.policy()}
        )

    async def _ask_health(self) -> Response:
        try:
            await asyncio.wait_for(self._threads.run(self._watch.alive), HEALTH_PATIENCE)
        except (StorageError, TimeoutError) as error:
            log.warning("the database does not answer: %s", str(error) or f"no response within {HEALTH_PATIENCE:.0f} s")
            return Json(Health(status="unavailable"), 503)
        return Json(Health(status="ok"))

    async def _or_503(self, path: str, work: Callable[[], Response]) -> Response:
        """Returns the response or an error; both are cached, so that a dead database is not queried for every request."""
        try:
            return await asyncio.wait_for(self._threads.run(work), PATIENCE)
        except (StorageError, TimeoutError) as error:
            log.warning(
                "%s cannot be answered: %s",
                path,
                str(error) or f"no response from the database within {PATIENCE:.0f} s",
            )
            return problem(path, 503, NO_DATABASE)
