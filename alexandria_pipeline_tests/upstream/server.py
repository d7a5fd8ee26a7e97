"""The whole stand-in: one port, a path for each service, limits and faults, and `/control/`.

The responses of a service are in its `…_service.py`; `listener` reads requests and sends responses.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from alexandria_pipeline_tests.upstream.ai_services import GeminiService, XaiService
from alexandria_pipeline_tests.upstream.behaviour import ISBNDB_DAILY, RequestMeter, behaviours
from alexandria_pipeline_tests.upstream.catalogue import Spec, build
from alexandria_pipeline_tests.upstream.environment import PREFIXES
from alexandria_pipeline_tests.upstream.faults import REDIRECT_TARGET, Faults
from alexandria_pipeline_tests.upstream.google_books_service import GoogleService
from alexandria_pipeline_tests.upstream.internet_archive_service import ArchiveService
from alexandria_pipeline_tests.upstream.isbndb_service import IsbnDbService
from alexandria_pipeline_tests.upstream.listener import Listener, Request, Response, json_response
from alexandria_pipeline_tests.upstream.lists import GENERATORS, LIST_LENGTH, Lists
from alexandria_pipeline_tests.upstream.model import RESOLVERS, Service
from alexandria_pipeline_tests.upstream.open_library_service import OpenLibraryService
from alexandria_pipeline_tests.upstream.service_records import record_indexes
from alexandria_pipeline_tests.upstream.wikidata_service import WikidataService
from alexandria_pipeline_tests.upstream.wikipedia_service import WikipediaService

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NOT_METERED: Final = ("/key",)


class ServiceStandIn(Protocol):
    """The stand-in of one service: its responses, and its response if a limit is exceeded."""

    def respond(self, request: Request, path: str) -> Response: ...

    def limit_error(self, limit: str, /) -> Response: ...


@dataclass(frozen=True)
class Options:
    """The options of a stand-in. `latency`: seconds for all services. `enforced`: requests over the rate get a 429."""

    spec: Spec = field(default_factory=Spec)
    time_scale: float = 1.0
    daily: int = ISBNDB_DAILY
    latency: float = 0.0
    enforced: bool = True


class StandIn:
    """All services on one port, with the counters and faults that `/control/` shows and sets."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.catalogue = build(self.options.spec)
        self.indexes = record_indexes(self.catalogue)
        self.lists = Lists(self.catalogue, self.indexes)
        self.faults = Faults(self.options.spec.seed)
        self.meters = {
            service: RequestMeter(each)
            for service, each in behaviours(self.options.time_scale, self.options.daily).items()
        }
        for meter in self.meters.values():
            meter.behaviour.latency, meter.behaviour.enforced = self.options.latency, self.options.enforced
        self._services = self._all_services()
        self._listener = Listener(self.handle)
        self.base = ""

    def _all_services(self) -> dict[Service, ServiceStandIn]:
        catalogue, indexes = self.catalogue, self.indexes
        return {
            Service.ISBNDB: IsbnDbService(catalogue, indexes[Service.ISBNDB], self.meters[Service.ISBNDB]),
            Service.GOOGLE_BOOKS: GoogleService(catalogue, indexes[Service.GOOGLE_BOOKS]),
            Service.OPEN_LIBRARY: OpenLibraryService(catalogue, indexes[Service.OPEN_LIBRARY]),
            Service.INTERNET_ARCHIVE: ArchiveService(catalogue, indexes[Service.INTERNET_ARCHIVE]),
            Service.WIKIDATA: WikidataService(catalogue, indexes[Service.WIKIDATA]),
            Service.WIKIPEDIA: WikipediaService(catalogue),
            Service.GEMINI: GeminiService(self.lists),
            Service.XAI: XaiService(self.lists),
        }

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> str:
        """Starts the server and returns the base URL."""
        self.base = f"http://{host}:{await self._listener.start(port, host)}"
        return self.base

    async def close(self) -> None:
        await self._listener.close()

    async def handle(self, request: Request) -> Response:
        if request.path.startswith("/control"):
            return self._control(request)
        for service, prefix in PREFIXES.items():
            if request.path == prefix or request.path.startswith(f"{prefix}/"):
                return await self._serve(service, request, request.path.removeprefix(prefix))
        return json_response({"error": "no service of the stand-in has this path"}, 404)

    async def _serve(self, service: Service, request: Request, path: str) -> Response:
        meter, stand_in = self.meters[service], self._services[service]
        meter.in_progress += 1
        try:
            metered = service is not Service.ISBNDB or path not in _NOT_METERED
            refusal = meter.admit(_request_text(request), request.headers.get("user-agent", ""), metered=metered)
            if meter.behaviour.latency:
                await asyncio.sleep(meter.behaviour.latency)
            good = stand_in.limit_error(refusal) if refusal else stand_in.respond(request, path)
        finally:
            meter.in_progress -= 1
        sent, fault = self.faults.apply_to(service, path, good)
        meter.counters.statuses[sent.status] += 1
        if fault:
            meter.counters.faults[fault] += 1
        return sent

    def _control(self, request: Request) -> Response:
        if request.path == REDIRECT_TARGET:
            return Response(200, b"<html><body>You have been redirected.</body></html>", "text/html")
        routes: dict[str, Callable[[Request], Any]] = {
            "/control/stats": self._stats,
            "/control/requests": self._requests,
            "/control/reset": self._reset,
            "/control/faults": self._faults,
            "/control/settings": self._settings,
            "/control/truth": self._truth,
            "/control/catalogue": self._about,
        }
        route = routes.get(request.path)
        if route is None:
            return json_response({"error": "unknown", "routes": list(routes)}, 404)
        try:
            return json_response(route(request))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return json_response({"error": str(error)}, 400)

    def _stats(self, request: Request) -> dict[str, Any]:
        if request.method == "DELETE":
            return self._reset(request)
        return {service.value: meter.stats() for service, meter in self.meters.items()}

    def _requests(self, request: Request) -> dict[str, int]:
        return dict(self.meters[Service(request.value("service"))].counters.by_request)

    def _reset(self, _request: Request) -> dict[str, Any]:
        """Resets the counters and the calls of the quota day. Faults and limits stay."""
        for meter in self.meters.values():
            meter.reset()
            meter.spent = 0
        return {"reset": True}

    def _faults(self, request: Request) -> list[dict[str, Any]]:
        if request.method == "DELETE":
            self.faults.clear()
        elif request.method == "POST":
            body = request.json()
            for fault in body if isinstance(body, list) else [body]:
                self.faults.add(fault)
        return self.faults.as_list()

    def _settings(self, request: Request) -> dict[str, Any]:
        """POST {"isbndb": {"rate": 5, "daily": 100, "spent": 0, "latency": 0.2, "enforced": false, "parallel": 5}}; "*": all services."""
        for name, values in (request.json() or {}).items() if request.method == "POST" else ():
            for meter in self.meters.values() if name == "*" else [self.meters[Service(name)]]:
                for key, value in values.items():
                    if key not in {"rate", "daily", "spent", "latency", "enforced", "parallel"}:
                        raise ValueError(f"{key!r} is not a setting")
                    setattr(meter if key == "spent" else meter.behaviour, key, value)
        return {
            service.value: {
                "rate": meter.behaviour.rate,
                "daily": meter.behaviour.daily,
                "spent": meter.spent,
                "latency": meter.behaviour.latency,
                "enforced": meter.behaviour.enforced,
                "parallel": meter.behaviour.parallel,
            }
            for service, meter in self.meters.items()
        }

    def _truth(self, request: Request) -> list[dict[str, Any]]:
        generators = [Service(name) for name in request.value("generators").split(",") if name] or list(GENERATORS)
        months = [month for key, month in request.query if key == "month"] or self.lists.months
        return [
            row for month in months for row in self.lists.truth(month, generators, request.number("limit", LIST_LENGTH))
        ]

    def _about(self, _request: Request) -> dict[str, Any]:
        spec = self.catalogue.spec
        return {
            "seed": spec.seed,
            "months": [spec.span[0], spec.span[-1], len(spec.span)],
            "works": len(self.catalogue.works),
            "editions": len(self.catalogue.editions) - len(self.catalogue.derivatives),
            "derivatives": len(self.catalogue.derivatives),
            "records": {service.value: len(self.indexes[service].records) for service in RESOLVERS},
        }


def _request_text(request: Request) -> str:
    """The request as text without the key, so that equal requests are recognised."""
    parameters = "&".join(f"{name}={value}" for name, value in sorted(request.query) if name != "key")
    body = f" #{hashlib.sha256(request.body).hexdigest()[:12]}" if request.body else ""
    return f"{request.method} {request.path}{'?' if parameters else ''}{parameters}{body}"


@contextmanager
def running(options: Options | None = None, port: int = 0) -> Iterator[StandIn]:
    """A stand-in that runs in its own thread and listens at `.base`."""
    stand_in = StandIn(options)
    started, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        try:
            await stand_in.start(port)
        finally:
            started.set()
        await ended.wait()
        await stand_in.close()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=run, name="upstream stand-in", daemon=True)
    thread.start()
    started.wait()
    try:
        if not stand_in.base:
            raise OSError(f"the stand-in cannot listen on port {port}")
        yield stand_in
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(ended.set)
        thread.join()
