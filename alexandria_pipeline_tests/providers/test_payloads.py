"""Every payload, served over HTTP to the real transport and clients.

First, payloads are served where they belong, with the expected result. Then every payload is served in response to every
request: no client breaks, and none finds a book that the payload does not contain.
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
from alexandria_pipeline_tests.providers.service import PAYLOADS
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
    """One payload as it came over the wire: its place (`service/name`), status and body."""

    place: str
    status: int
    body: bytes

    @property
    def response(self) -> Response:
        return Response(self.status, self.body)


def _documents() -> Iterator[Document]:
    """All payloads; those with a request or a status of their own are unwrapped."""
    for path in sorted(PAYLOADS.glob("*/*.json")):
        yield from _read(f"{path.parent.name}/{path.stem}", path)


def _read(place: str, path: Path) -> Iterator[Document]:
    text = path.read_bytes()
    content = json.loads(text)
    if isinstance(content, dict) and {"status", "body"} <= content.keys():
        yield Document(place, content["status"], json.dumps(content["body"], ensure_ascii=False).encode())
    elif place == "xai/restated_error_messages_quoted":
        for name, error in content.items():
            body = error if isinstance(error, dict) else {"code": "…", "error": error}
            yield Document(f"{place}/{name[:3]}", int(name[:3]), json.dumps(body).encode())
    else:
        status = re.search(r"error_(\d{3})", place)
        yield Document(place, int(status[1]) if status else 404 if "not_found" in place else 200, text)


DOCUMENTS = {document.place: document for document in _documents()}


class Stranger:
    """A pipeline whose services are all played by one server that answers as it is told: by path, or the same to all."""

    def __init__(self, database: Database, threads: Threads) -> None:
        self._database, self._threads = database, threads
        self.asked: list[str] = []

    def ask(self, answers: Mapping[str, Response] | Response, question: Callable[[Pipeline], Any]) -> Any:
        """The result of a question; each starts with no memory of the others."""
        with self._database.transaction() as tx:
            tx.execute("truncate provider_health, quota_usage, http_cache, api_call")
        self.asked.clear()

        async def handle(request: Request) -> Response:
            self.asked.append(request.path)
            if isinstance(answers, Response):
                return answers
            fitting = (response for path, response in answers.items() if path in request.path)
            return next(fitting, Response(404, b'{"error": "notfound"}'))

        async def scenario() -> Any:
            listener = Listener(handle)
            base = f"{HERE}:{await listener.start(0, '127.0.0.1')}"
            try:
                return await question(assemble(self._settings(base), self._database, self._threads))
            finally:
                await listener.close()

        return asyncio.run(scenario())

    @staticmethod
    def _settings(base: str) -> Settings:
        overrides: dict[str, Any] = {}
        for name, defaults in DECLARED.items():
            given = {"base_url": f"{base}/{name}", "requests_per_second": 1000, "timeout_seconds": 5}
            overrides[defaults.prefix.lower()] = given
            if defaults.key_variable:
                overrides[defaults.key_variable.lower()] = SecretStr("key")
        return load_settings(**overrides)


@pytest.fixture(scope="module")
def stranger(server: EmbeddedServer, administrator: psycopg.Connection, template: str) -> Iterator[Stranger]:
    """On one database for the tests of this file: they are many, and need four tables."""
    administrator.execute(f"create database test_payloads template {template}".encode())
    with Database(server.url("test_payloads")) as database, closing(Threads()) as threads:
        yield Stranger(database, threads)
    administrator.execute("drop database test_payloads with (force)")


def _provider(world: Pipeline, name: str) -> Any:
    return next(
        each
        for capability in Capability
        for each in world.registry.providers_with(capability)
        if each.declaration.name == name
    )


def _resolved(name: str, title: str, author: str) -> Callable[[Pipeline], Any]:
    async def question(world: Pipeline) -> str:
        cascade = replace(world.resolve.cascade, resolvers=[_provider(world, name)])
        resolution = await cascade.ask(BookQuery(title, author, None, "en"), cascade.revisions())
        return str(resolution.candidate.isbn13) if resolution.candidate else resolution.attempts[0].outcome

    return question


def _fetched(name: str, capability: Capability, **item: Any) -> Callable[[Pipeline], Any]:
    async def question(world: Pipeline) -> Any:
        answer = await fetch(capability, FetchItem(**item), [_provider(world, name)])
        return answer.data if answer.provider else answer.asked[0]

    return question


def _listed(name: str) -> Callable[[Pipeline], Any]:
    async def question(world: Pipeline) -> str | int:
        generator = _provider(world, name)
        try:
            return len(generator.parse(await generator.generate(REQUEST), REQUEST).listings)
        except SourceError as error:
            return str(error)

    return question


# Each in its place.

SEARCHES: list[tuple[str, str, str, str, str]] = [
    # payload, provider, title, author: the ISBN, or the outcome of the attempt
    ("isbndb/search_dune", "isbndb", "Dune", "Frank Herbert", "9780441172719"),
    ("isbndb/restated_v2_subject", "isbndb", "Dream Train", "Charlotte Vale Allen", "not_found"),
    ("isbndb/restated_v2_stats", "isbndb", "Dream Train", "Charlotte Vale Allen", "failed"),
    ("isbndb/restated_v2_authors", "isbndb", "Dream Train", "Charlotte Vale Allen", "failed"),
    ("isbndb/restated_error_404", "isbndb", "Dream Train", "Charlotte Vale Allen", "not_found"),
    ("isbndb/restated_error_429", "isbndb", "Dream Train", "Charlotte Vale Allen", "failed"),
    ("google_books/restated_error_429_quota_keyless", "google-books", "Harry", "Katie Nicholl", "unavailable"),
    ("google_books/restated_error_429_vcr_with_headers_0", "google-books", "Harry", "Katie Nicholl", "unavailable"),
    ("open_library/restated_search_empty", "open-library", "Dune", "Frank Herbert", "not_found"),
    ("open_library/restated_error_429", "open-library", "Dune", "Frank Herbert", "failed"),
    ("internet_archive/restated_scrape_response", "internet-archive", "Apollo 11", "Neil Armstrong", "failed"),
    ("wikidata/restated_entity_novalue_snak", "wikidata", "Dune", "Frank Herbert", "failed"),
]


@pytest.mark.parametrize(("place", "name", "title", "author", "expected"), SEARCHES)
def test_a_search(stranger: Stranger, place: str, name: str, title: str, author: str, expected: str) -> None:
    assert stranger.ask(DOCUMENTS[place].response, _resolved(name, title, author)) == expected


MODEL_ANSWERS = [
    ("gemini/restated_max_tokens_no_parts", "gemini", "Gemini reached its limit of tokens before it wrote anything"),
    ("gemini/restated_prompt_blocked_no_candidates", "gemini", "Gemini blocks the prompt (MODEL_ARMOR: "),
    ("gemini/restated_structured_output_ok", "gemini", "the reply is not a list of books: "),
    ("gemini/restated_structured_output_gemini3_thought_signature", "gemini", "the reply is not a list of books: "),
    ("gemini/restated_error_404_model", "gemini", "Gemini does not know the model: set ALEXANDRIA_GEMINI_MODEL"),
    ("gemini/restated_error_400_invalid_argument", "gemini", "Gemini refuses the request (HTTP 400 INVALID_ARGUMENT"),
    ("gemini/restated_error_429_free_tier_full", "gemini", "Gemini's quota of the day is used up"),
    ("gemini/restated_error_429_retry_info", "gemini", "Gemini"),
    ("xai/restated_xai_chat_text_2", "xai", "the reply is not a list of books: "),
    ("xai/restated_error_messages_quoted/429", "xai", "the xAI account of XAI_API_KEY is out of credits"),
    ("xai/restated_error_messages_quoted/400", "xai", "xAI refuses the key in XAI_API_KEY (HTTP 400)"),
    ("xai/restated_error_messages_quoted/403", "xai", "the xAI account of XAI_API_KEY is out of credits"),
    ("openai_compatible/restated_openai_json_schema_ok", "xai", "the reply is not a list of books: "),
    ("openai_compatible/restated_error_404_model", "xai", "xAI does not know the model: set ALEXANDRIA_XAI_MODEL"),
    ("openai_compatible/restated_error_400_unsupported", "xai", "xAI refuses the request (HTTP 400"),
    ("gemini/answer", "gemini", "books"),
    ("xai/answer", "xai", "books"),
]


@pytest.mark.parametrize(("place", "name", "expected"), MODEL_ANSWERS)
def test_a_model(stranger: Stranger, place: str, name: str, expected: str) -> None:
    said = stranger.ask(DOCUMENTS[place].response, _listed(name))
    assert (isinstance(said, int) and said > 0) if expected == "books" else str(said).startswith(expected)
    if DOCUMENTS[place].status in {400, 404}:
        assert len(stranger.asked) == 1, "what does not heal is not asked again"


def test_a_record_behind_a_redirect_is_followed_as_it_was_recorded(stranger: Stranger) -> None:
    """Open Library redirects /isbn/ to /books/."""
    record = {"key": "/books/OL1M", "title": "Circe", "isbn_13": ["9780316556347"], "type": {"key": "/type/edition"}}
    body, isbn, title = json.dumps(record).encode(), "9780316556347", "Circe"
    routes = {"/books/": Response(200, body), "/isbn/": Response(302, b"", headers={"location": "../books/OL1M.json"})}
    found = stranger.ask(routes, _fetched("open-library", Capability.METADATA_ENRICHMENT, isbn=Isbn13.parse(str(isbn))))
    assert (found["title"], found["isbn13"]) == (title, isbn)


def test_an_isbn_that_is_another_books_is_no_answer(stranger: Stranger) -> None:
    """Google's `isbn:` and Open Library's record may be about another edition."""
    other = Isbn13.parse("9780316556347")
    for name, place in (
        ("google-books", "google_books/volumes"),
        ("open-library", "open_library/edition"),
        ("isbndb", "isbndb/book"),
    ):
        for capability in (Capability.METADATA_ENRICHMENT, Capability.COVER_IMAGES, Capability.SUBJECT_ENRICHMENT):
            found = stranger.ask(DOCUMENTS[place].response, _fetched(name, capability, isbn=other))
            assert found.outcome in {"failed", "not_found"}, (name, capability, found)


# Each in every place.


@pytest.mark.parametrize("place", DOCUMENTS)
def test_no_payload_breaks_a_client_or_is_taken_for_another(stranger: Stranger, place: str) -> None:
    """Answered to every search, every question for a record, and every request for a list, of every service."""
    document = DOCUMENTS[place]
    query = BookQuery("A Title That No Payload Holds", "Nobody Whatsoever", None, "en")

    async def searches(world: Pipeline) -> list[Any]:
        return await asyncio.gather(*(_provider(world, name).resolve(query) for name in RESOLVERS))

    for name, answer in zip(RESOLVERS, stranger.ask(document.response, searches), strict=True):
        ours = place.startswith((f"{RESOLVERS[name]}/", "openai_compatible/"))
        if isinstance(answer, NotFound):
            assert ours or document.status == 404 or _says_nothing(document), f"{name} takes this for a no"
        elif not isinstance(answer, Unavailable | Failed):
            digits = re.sub(r"[^0-9Xx]", "", document.body.decode())
            assert all(str(each.isbn13)[3:12] in digits for each in answer), f"{name} invents ISBNs"
            assert ours, f"{name} takes this for a list of books"


@pytest.mark.parametrize("place", DOCUMENTS)
def test_no_payload_makes_a_capability_fail_loudly(stranger: Stranger, place: str) -> None:
    """Every capability of the services that a payload is of, or of Open Library where it is nobody's."""
    document = DOCUMENTS[place]
    asked = next((name for name, service in SERVICE_OF.items() if place.startswith(f"{service}/")), "open-library")
    item = FetchItem(Isbn13.parse("9780316556347"), "Circe", "Madeline Miller", "falconry", REQUEST.month)

    async def everything(world: Pipeline) -> list[Any]:
        provider = _provider(world, asked)
        fetched = [fetch(capability, item, [provider]) for capability in provider.declaration.capabilities]
        return [each.asked[0] for each in await asyncio.gather(*fetched)]

    for answer in stranger.ask(document.response, everything):
        assert answer.outcome in {"found", "not_found", "unavailable", "failed"}
        assert bool(answer.reason) == (answer.outcome in {"unavailable", "failed"})
        assert len(answer.reason) < 400
        if document.status >= 400 and document.status != 404:
            assert answer.outcome in {"unavailable", "failed"}, answer


def _says_nothing(document: Document) -> bool:
    """Whether a payload is an empty result in anybody's words."""
    told = json.loads(document.body)
    return isinstance(told, dict) and (not told or any(value in ([], 0) for value in told.values()))
