"""The stand-in as a whole: one port, a path for each service, rates and faults before the answers, and `/control/`.

How a service answers is its own file's business (`…_service.py`); how requests come in and bytes go out, `listener`'s.
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
    """One service: its answers, and what it says to those who come too often."""

    def respond(self, request: Request, path: str) -> Response: ...

    def limit_error(self, why: str, /) -> Response: ...


@dataclass(frozen=True)
class Options:
    """What stands behind a stand-in. `latency` is in seconds and for all services; `enforced`: too many get a 429."""

    spec: Spec = field(default_factory=Spec)
    time_scale: float = 1.0
    daily: int = ISBNDB_DAILY
    latency: float = 0.0
    enforced: bool = True


class StandIn:
    """All services on one port, and the counters and faults that `/control/` shows and sets."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.catalogue = build(self.options.spec)
        self.known = record_indexes(self.catalogue)
        self.lists = Lists(self.catalogue, self.known)
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
        catalogue, known = self.catalogue, self.known
        return {
            Service.ISBNDB: IsbnDbService(catalogue, known[Service.ISBNDB], self.meters[Service.ISBNDB]),
            Service.GOOGLE_BOOKS: GoogleService(catalogue, known[Service.GOOGLE_BOOKS]),
            Service.OPEN_LIBRARY: OpenLibraryService(catalogue, known[Service.OPEN_LIBRARY]),
            Service.INTERNET_ARCHIVE: ArchiveService(catalogue, known[Service.INTERNET_ARCHIVE]),
            Service.WIKIDATA: WikidataService(catalogue, known[Service.WIKIDATA]),
            Service.WIKIPEDIA: WikipediaService(catalogue),
            Service.GEMINI: GeminiService(self.lists),
            Service.XAI: XaiService(self.lists),
        }

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> str:
        """The base address."""
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
        return json_response({"error": "no service of the stand-in has this address"}, 404)

    async def _serve(self, service: Service, request: Request, path: str) -> Response:
        meter, answers = self.meters[service], self._services[service]
        meter.in_progress += 1
        try:
            metered = service is not Service.ISBNDB or path not in _NOT_METERED
            refusal = meter.admit(_request_text(request), request.headers.get("user-agent", ""), metered=metered)
            if meter.behaviour.latency:
                await asyncio.sleep(meter.behaviour.latency)
            good = answers.limit_error(refusal) if refusal else answers.respond(request, path)
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
            "/control/stats": self._stats, "/control/requests": self._requests, "/control/reset": self._reset, "/control/faults": self._faults,
            "/control/settings": self._settings, "/control/truth": self._truth, "/control/catalogue": self._about,
        }  # fmt: skip
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
        """Counts and the day's quota start anew; faults and settings stay."""
        for meter in self.meters.values():
            meter.reset()
            meter.spent = 0
        return {"reset": True}

    def _faults(self, request: Request) -> list[dict[str, Any]]:
        if request.method == "DELETE":
            self.faults.clear()
        elif request.method == "POST":
            told = request.json()
            for fault in told if isinstance(told, list) else [told]:
                self.faults.add(fault)
        return self.faults.as_list()

    def _settings(self, request: Request) -> dict[str, Any]:
        """POST {"isbndb": {"rate": 5, "daily": 100, "spent": 0, "latency": 0.2, "enforced": false, "parallel": 5}}; "*" is all."""
        for name, told in (request.json() or {}).items() if request.method == "POST" else ():
            for meter in self.meters.values() if name == "*" else [self.meters[Service(name)]]:
                for key, value in told.items():
                    if key not in {"rate", "daily", "spent", "latency", "enforced", "parallel"}:
                        raise ValueError(f"{key!r} is no setting")
                    setattr(meter if key == "spent" else meter.behaviour, key, value)
        return {
            service.value: {
                "rate": meter.behaviour.rate, "daily": meter.behaviour.daily, "spent": meter.spent, "latency": meter.behaviour.latency,
                "enforced": meter.behaviour.enforced, "parallel": meter.behaviour.parallel,
            }
            for service, meter in self.meters.items()
        }  # fmt: skip

    def _truth(self, request: Request) -> list[dict[str, Any]]:
        generators = [Service(name) for name in request.value("generators").split(",") if name] or list(GENERATORS)
        months = [month for key, month in request.query if key == "month"] or self.lists.months
        return [
            row for month in months for row in self.lists.truth(month, generators, request.number("limit", LIST_LENGTH))
        ]

    def _about(self, _request: Request) -> dict[str, Any]:
        spec = self.catalogue.spec
        return {
            "seed": spec.seed, "months": [spec.span[0], spec.span[-1], len(spec.span)], "works": len(self.catalogue.works),
            "editions": len(self.catalogue.editions) - len(self.catalogue.derivatives), "derivatives": len(self.catalogue.derivatives),
            "records": {service.value: len(self.known[service].records) for service in RESOLVERS},
        }  # fmt: skip


def _request_text(request: Request) -> str:
    """What is asked, without the key, so that the same question asked again is seen."""
    asked = "&".join(f"{name}={value}" for name, value in sorted(request.query) if name != "key")
    body = f" #{hashlib.sha256(request.body).hexdigest()[:12]}" if request.body else ""
    return f"{request.method} {request.path}{'?' if asked else ''}{asked}{body}"


@contextmanager
def running(options: Options | None = None, port: int = 0) -> Iterator[StandIn]:
    """A stand-in in a thread of its own, listening at `.base`."""
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
