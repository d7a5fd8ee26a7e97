"""Every payload, returned over HTTP to the real transport and clients.

The first tests return payloads of the called service and expect a result. The others return every payload to every service:
no client raises, and none finds a book that the payload does not contain.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from alexandria_pipeline.composition import Pipeline, assemble
from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookQuery, GenerationRequest
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.operations.fetch import FetchItem, fetch
from alexandria_pipeline.providers.base import Capability
from alexandria_pipeline.providers.registry import SERVICES as DECLARED
from alexandria_pipeline.settings import Settings, load_settings
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.providers.scripted_http import PAYLOADS
from alexandria_pipeline_tests.upstream.listener import Listener, Request, Response

RESOLVERS = {
    "isbndb": "isbndb", "google-books": "google_books", "open-library": "open_library", "internet-archive": "internet_archive",
    "wikidata": "wikidata",
}  # fmt: skip
SERVICE_OF = {**RESOLVERS, "wikipedia": "wikipedia", "gemini": "gemini", "xai": "xai"}
REQUEST = GenerationRequest(Month(2020, 6), 20, "baseline")
HERE = "http://127.0.0.1"


@dataclass(frozen=True)
class Document:
    """One payload as a response: its place (`service/name`), status and body."""

    place: str
    status: int
    body: bytes

    @property
    def response(self) -> Response:
        return Response(self.status, self.body)


def _documents() -> Iterator[Document]:
    """All payloads. A payload with members `status` and `body` is unwrapped."""
    for path in sorted(PAYLOADS.glob("*/*.json")):
        yield from _read(f"{path.parent.name}/{path.stem}", path)


def _read(place: str, path: Path) -> Iterator[Document]:
    text = path.read_bytes()
    content = json.loads(text)
    if isinstance(content, dict) and {"status", "body"} <= content.keys():
        yield Document(place, content["status"], json.dumps(content["body"], ensure_ascii=False).encode())
    else:
        status = re.search(r"error_(\d{3})", place)
        yield Document(place, int(status[1]) if status else 404 if "not_found" in place else 200, text)


DOCUMENTS = {document.place: document for document in _documents()}


class OneServer:
    """A pipeline whose services are all one server, which returns given responses: by path, or the same for every request."""

    def __init__(self, database: Database, threads: Threads) -> None:
        self._database, self._threads = database, threads
        self.paths: list[str] = []

    def run(self, responses: Mapping[str, Response] | Response, action: Callable[[Pipeline], Any]) -> Any:
        """The result of an action on the pipeline, with empty tables of calls, quota, breakers and cache."""
        with self._database.transaction() as tx:
            for emptied in (b"provider_health", b"quota_usage", b"http_cache", b"api_call"):
                tx.execute(b"delete from " + emptied)  # of few rows, faster than truncate
        self.paths.clear()

        async def handle(request: Request) -> Response:
            self.paths.append(request.path)
            if isinstance(responses, Response):
                return responses
            matching = (response for path, response in responses.items() if path in request.path)
            return next(matching, Response(404, b'{"error": "notfound"}'))

        async def scenario() -> Any:
            listener = Listener(handle)
            base = f"{HERE}:{await listener.start(0, '127.0.0.1')}"
            try:
                return await action(assemble(self._settings(base), self._database, self._threads))
            finally:
                await listener.close()

        return asyncio.run(scenario())

    @staticmethod
    def _settings(base: str) -> Settings:
        overrides: dict[str, Any] = {"contact": "tests@example.org"}
        for name, defaults in DECLARED.items():
            given = {
                "base_url": f"{base}/{name}",
                "requests_per_second": 1000,
                "timeout_seconds": 5,
                "backoff_seconds": 0.001,
            }
            overrides[defaults.prefix.lower()] = given
            if defaults.key_variable:
                overrides[defaults.key_variable.lower()] = SecretStr("key")
        return load_settings(**overrides)


@pytest.fixture(scope="module")
def one_server(server: EmbeddedServer, administrator: psycopg.Connection, template: str) -> Iterator[OneServer]:
    """All tests of this file share one database, because a new one for each of them would take minutes."""
    administrator.execute(f"create database test_payloads template {template}".encode())
    with Database(server.url("test_payloads")) as database, closing(Threads()) as threads:
        yield OneServer(database, threads)
    administrator.execute("drop database test_payloads with (force)")


def _provider(pipeline: Pipeline, name: str) -> Any:
    return next(
        each
        for capability in Capability
        for each in pipeline.registry.providers_with(capability)
        if each.declaration.name == name
    )


def _resolved(name: str, title: str, author: str) -> Callable[[Pipeline], Any]:
    async def action(pipeline: Pipeline) -> str:
        cascade = replace(pipeline.resolve.cascade, resolvers=[_provider(pipeline, name)])
        resolution = await cascade.ask(BookQuery(title, author, None, "en"), cascade.revisions())
        return str(resolution.candidate.isbn13) if resolution.candidate else resolution.attempts[0].outcome

    return action


def _fetched(name: str, capability: Capability, **item: Any) -> Callable[[Pipeline], Any]:
    async def action(pipeline: Pipeline) -> Any:
        answer = await fetch(capability, FetchItem(**item), [_provider(pipeline, name)])
        return answer.data if answer.provider else answer.asked[0]

    return action


def _listed(name: str) -> Callable[[Pipeline], Any]:
    async def action(pipeline: Pipeline) -> str | int:
        generator = _provider(pipeline, name)
        try:
            return len(generator.parse(await generator.generate(REQUEST), REQUEST).listings)
        except SourceError as error:
            return str(error)

    return action


# Payloads of the service that is called.

ELLISON = "Mara Jane Ellison"
SEARCHES: list[tuple[str, str, str, str, str]] = [
    # payload, provider, title, author: the ISBN, or the outcome of the attempt
    ("isbndb/search_dune", "isbndb", "Dune", "Frank Herbert", "9780441172719"),
    ("isbndb/author_books", "isbndb", "Salt Meridian", ELLISON, "9781998400027"),
    ("isbndb/author_books", "isbndb", "Tidal Court", ELLISON, "9781998400034"),
    ("isbndb/author_books", "isbndb", "The Quiet Signal", ELLISON, "9781998400041"),
    ("isbndb/author_books", "isbndb", "Salt Meridian", "Anders Blick", "rejected"),
    ("isbndb/subject_empty", "isbndb", "Salt Meridian", ELLISON, "not_found"),
    ("isbndb/stats", "isbndb", "Salt Meridian", ELLISON, "failed"),
    ("isbndb/authors_by_name", "isbndb", "Salt Meridian", ELLISON, "failed"),
    ("isbndb/error_404", "isbndb", "Salt Meridian", ELLISON, "not_found"),
    ("isbndb/error_429_limit", "isbndb", "Salt Meridian", ELLISON, "failed"),
    (
        "google_books/search_page",
        "google-books",
        "Harry and the Harbour: Myths of a Modern Epic",
        "Reyl, Tomas",
        "9781998400126",
    ),
    ("google_books/search_page", "google-books", "The Tides of Harry", "Conway, Rolf", "9781998400140"),
    ("google_books/search_page", "google-books", "Harry Trimble and City Rights", "Anders Blick", "rejected"),
    ("google_books/volume_artist_first", "google-books", "Nightwatch: The Lantern", "Tomas Reyl", "9781998400119"),
    ("google_books/error_429_keyless", "google-books", "Harry", "Anders Blick", "unavailable"),
    ("open_library/search_empty", "open-library", "Dune", "Frank Herbert", "not_found"),
    ("open_library/error_429", "open-library", "Dune", "Frank Herbert", "failed"),
    ("internet_archive/search_other_media", "internet-archive", "Harbour Tales", "Mara Ellison", "not_found"),
    ("internet_archive/scrape", "internet-archive", "Harbour Tales", "Mara Ellison", "failed"),
    ("wikidata/entity_novalue", "wikidata", "Dune", "Frank Herbert", "failed"),
]


@pytest.mark.parametrize(("place", "name", "title", "author", "expected"), SEARCHES)
def test_a_search(one_server: OneServer, place: str, name: str, title: str, author: str, expected: str) -> None:
    assert one_server.run(DOCUMENTS[place].response, _resolved(name, title, author)) == expected


MODEL_REPLIES = [
    # payload, provider: "books", or the start of the error
    ("gemini/answer", "gemini", "books"),
    ("gemini/max_tokens_no_parts", "gemini", "Gemini reached its token limit before it wrote any text"),
    ("gemini/prompt_blocked_model_armor", "gemini", "Gemini blocks the prompt (MODEL_ARMOR: "),
    ("gemini/structured_output", "gemini", "the reply is not a list of books: "),
    ("gemini/thought_signature", "gemini", "the reply is not a list of books: "),
    ("gemini/error_404_model", "gemini", "Gemini does not know the model: set ALEXANDRIA_GEMINI_MODEL"),
    ("gemini/error_400_invalid_argument", "gemini", "Gemini rejects the request (HTTP 400 INVALID_ARGUMENT"),
    ("gemini/error_429_three_quotas", "gemini", "Gemini's daily quota is used up"),
    ("gemini/error_429_wait", "gemini", "Gemini requests a delay of 0.4s"),
    ("xai/answer", "xai", "books"),
    ("xai/chat_with_reasoning", "xai", "the reply is not a list of books: "),
    ("xai/error_429_credits", "xai", "the prepaid credits of the xAI account of XAI_API_KEY are used up"),
    ("xai/error_403_credits", "xai", "the prepaid credits of the xAI account of XAI_API_KEY are used up"),
    ("xai/error_400_key", "xai", "xAI rejects the key in XAI_API_KEY (HTTP 400)"),
    ("openai_compatible/json_schema", "xai", "the reply is not a list of books: "),
    ("openai_compatible/error_404_model", "xai", "xAI does not know the model: set ALEXANDRIA_XAI_MODEL"),
    ("openai_compatible/error_400_unsupported", "xai", "xAI rejects the request (HTTP 400"),
]


@pytest.mark.parametrize(("place", "name", "expected"), MODEL_REPLIES)
def test_a_model(one_server: OneServer, place: str, name: str, expected: str) -> None:
    result = one_server.run(DOCUMENTS[place].response, _listed(name))
    assert (isinstance(result, int) and result > 0) if expected == "books" else str(result).startswith(expected)
    if DOCUMENTS[place].status in {400, 404}:
        assert len(one_server.paths) == 1, "a permanent error is not retried"


RECORDS: list[tuple[dict[str, str], str, Capability, str, dict[str, Any]]] = [
    # payloads by path, provider, capability, ISBN: some members of the result
    (
        {"/book/": "isbndb/book"},
        "isbndb",
        Capability.METADATA_ENRICHMENT,
        "9780441172719",
        {"title": "Dune", "pages": 535, "published": "1990", "subjects": ["Science fiction"]},
    ),
    (
        {"/book/": "isbndb/book_isbn10"},
        "isbndb",
        Capability.METADATA_ENRICHMENT,
        "9781998400010",
        {"title": "The Glass Harbour", "pages": 262, "published": "1992", "publisher": "Harbour Press & Co"},
    ),
    (
        {"/volumes": "google_books/volume_artist_first"},
        "google-books",
        Capability.METADATA_ENRICHMENT,
        "9781998400119",
        {"title": "Nightwatch: The Lantern (DELUXE)", "published": "2008-03-19", "pages": 64},
    ),
    (
        {
            "/isbn/": "open_library/edition_isbn10_only",
            "/works/": "open_library/work_full",
            "/authors/": "open_library/author_name_only",
        },
        "open-library",
        Capability.METADATA_ENRICHMENT,
        "9781998400096",
        {
            "title": "The Harbour Keeper",
            "language": "en",
            "series": None,
            "description": "A keeper must cross the tide.",
        },
    ),
    (
        {"/isbn/": "open_library/book_full", "/authors/": "open_library/author_years_only"},
        "open-library",
        Capability.METADATA_ENRICHMENT,
        "9781998400164",
        {"title": "The Glass Harbour", "format": "paperback", "pages": 180},
    ),
]


@pytest.mark.parametrize(("places", "name", "capability", "isbn", "expected"), RECORDS)
def test_a_record(
    one_server: OneServer,
    places: dict[str, str],
    name: str,
    capability: Capability,
    isbn: str,
    expected: dict[str, Any],
) -> None:
    routes = {path: DOCUMENTS[place].response for path, place in places.items()}
    found = one_server.run(routes, _fetched(name, capability, isbn=Isbn13.parse(isbn)))
    assert isinstance(found, dict), found
    assert {key: found[key] for key in expected} == expected
    assert all(path.startswith(f"/{name}/") for path in one_server.paths)


@pytest.mark.parametrize("place", ["open_library/editions_all", "open_library/editions_next_page"])
def test_the_editions_of_a_work(one_server: OneServer, place: str) -> None:
    isbn = "9781998400096"
    routes = {"/isbn/": DOCUMENTS["open_library/edition_isbn10_only"].response, "/editions": DOCUMENTS[place].response}
    found = one_server.run(routes, _fetched("open-library", Capability.EDITION_VARIANTS, isbn=Isbn13.parse(isbn)))
    assert len({each["isbn13"] for each in found} - {isbn}) == len(json.loads(DOCUMENTS[place].body)["entries"])


def test_a_redirect_to_a_record_is_followed(one_server: OneServer) -> None:
    """Open Library redirects /isbn/ to /books/."""
    record = DOCUMENTS["open_library/book_recent"].response
    redirect = Response(302, b"", headers={"location": "../books/OL999110M.json"})
    isbn = Isbn13("9781998400218")
    routes = {"/books/": record, "/isbn/": redirect, "/authors/": DOCUMENTS["open_library/author_name_only"].response}
    found = one_server.run(routes, _fetched("open-library", Capability.METADATA_ENRICHMENT, isbn=isbn))
    assert (found["title"], found["isbn13"]) == ("Harbour Mechanics for Engineering Students", isbn)
    assert (found["published"], found["contributors"][0]["name"]) == (
        "2019-07-24",
        "Howard D. Quay Ph.D. Harbour University",
    )


def test_a_record_of_another_isbn_is_not_used(one_server: OneServer) -> None:
    """A search by ISBN and a record may return another edition."""
    other = Isbn13.parse("9780316556347")
    for name, place in (
        ("google-books", "google_books/volumes"),
        ("open-library", "open_library/edition"),
        ("isbndb", "isbndb/book"),
    ):
        for capability in (Capability.METADATA_ENRICHMENT, Capability.COVER_IMAGES, Capability.SUBJECT_ENRICHMENT):
            found = one_server.run(DOCUMENTS[place].response, _fetched(name, capability, isbn=other))
            assert found.outcome in {"failed", "not_found"}, (name, capability, found)


# Every payload for every service.


@pytest.mark.parametrize("place", DOCUMENTS)
def test_every_payload_as_a_search_result_of_every_resolver(one_server: OneServer, place: str) -> None:
    """No client raises, a definite no comes only from the service's own form of it, and no ISBN is invented."""
    document = DOCUMENTS[place]
    query = BookQuery("A Title Without Payload", "Somename Whatsoever", None, "en")

    async def searches(pipeline: Pipeline) -> list[Any]:
        return await asyncio.gather(*(_provider(pipeline, name).resolve(query) for name in RESOLVERS))

    for name, answer in zip(RESOLVERS, one_server.run(document.response, searches), strict=True):
        own_payload = place.startswith((f"{RESOLVERS[name]}/", "openai_compatible/"))
        if isinstance(answer, NotFound):
            assert own_payload or document.status == 404 or _is_empty_result(document), (
                f"{name} reads this as a definite no"
            )
        elif not isinstance(answer, Unavailable | Failed):
            digits = re.sub(r"[^0-9Xx]", "", document.body.decode())
            assert all(str(each.isbn13)[3:12] in digits for each in answer), f"{name} invents ISBNs"
            assert own_payload, f"{name} reads this as a list of books"


@pytest.mark.parametrize("place", DOCUMENTS)
def test_every_payload_for_every_capability_of_its_service(one_server: OneServer, place: str) -> None:
    """No capability raises, and failures have a reason. Payloads of other services are returned to Open Library."""
    document = DOCUMENTS[place]
    service = next((name for name, service in SERVICE_OF.items() if place.startswith(f"{service}/")), "open-library")
    item = FetchItem(Isbn13.parse("9780316556347"), "Circe", "Madeline Miller", "falconry", REQUEST.month)

    async def everything(pipeline: Pipeline) -> list[Any]:
        provider = _provider(pipeline, service)
        fetched = [fetch(capability, item, [provider]) for capability in provider.declaration.capabilities]
        return [each.asked[0] for each in await asyncio.gather(*fetched)]

    for answer in one_server.run(document.response, everything):
        assert answer.outcome in {"found", "not_found", "unavailable", "failed"}
        assert bool(answer.reason) == (answer.outcome in {"unavailable", "failed"})
        assert len(answer.reason) < 400
        if document.status >= 400 and document.status != 404:
            assert answer.outcome in {"unavailable", "failed"}, answer


def _is_empty_result(document: Document) -> bool:
    """Whether a payload is an empty result in the form of any service."""
    body = json.loads(document.body)
    return isinstance(body, dict) and (not body or any(value in ([], 0) for value in body.values()))
