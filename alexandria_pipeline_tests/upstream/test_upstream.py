"""The stand-in itself: it speaks each wire format, keeps rates and quotas, gives faults, and is the same for the same seed.

Shapes of recorded answers are compared where the folder ../shared/payloads is at hand; the other tests need nothing.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from alexandria_pipeline_tests.upstream.ai_services import limit_of, month_of
from alexandria_pipeline_tests.upstream.behaviour import Behaviour, RequestMeter
from alexandria_pipeline_tests.upstream.catalogue import Catalogue, Spec, build
from alexandria_pipeline_tests.upstream.environment import PREFIXES, environment, variable_prefix
from alexandria_pipeline_tests.upstream.faults import KINDS
from alexandria_pipeline_tests.upstream.google_books_service import project
from alexandria_pipeline_tests.upstream.lists import GENERATORS, Lists
from alexandria_pipeline_tests.upstream.model import RESOLVERS, Damage, Kind, Origin, Record, Service, Work
from alexandria_pipeline_tests.upstream.randomness import seeded_random
from alexandria_pipeline_tests.upstream.score import score
from alexandria_pipeline_tests.upstream.service_records import record_indexes, services_with_usable_record
from alexandria_pipeline_tests.upstream.words import (
    any_isbn13,
    family,
    initials,
    is_isbn13,
    isbn10,
    last_first,
    misspelt,
    tokens,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from alexandria_pipeline_tests.upstream.server import StandIn

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)

PAYLOADS = Path(__file__).resolve().parents[1] / "payloads"

ISBNDB_MEMBERS = {"publisher", "image", "title_long", "pages", "authors", "title", "isbn13", "binding", "isbn"}


class Asker:
    """Asks one stand-in, with the keys that each service wants."""

    def __init__(self, client: httpx.Client, stand_in: StandIn) -> None:
        self.client = client
        self.stand_in = stand_in

    def get(self, service: Service, path: str, **params: str | int) -> httpx.Response:
        if service is Service.GOOGLE_BOOKS:
            params = {"key": "k", **params}
        return self.client.get(self.address(service, path), params=params, headers={"Authorization": "k"})

    def post(self, service: Service, path: str, body: object) -> httpx.Response:
        headers = {"Authorization": "Bearer k" if service is Service.XAI else "k", "x-goog-api-key": "k"}
        return self.client.post(self.address(service, path), json=body, headers=headers)

    def control(self, path: str, body: object = None, **params: str) -> Any:
        address = f"{self.stand_in.base}/control/{path}"
        reply = self.client.get(address, params=params) if body is None else self.client.post(address, json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def address(self, service: Service, path: str) -> str:
        return f"{self.stand_in.base}{PREFIXES[service]}{path}"

    def record(self, service: Service, **wanted: object) -> Record:
        """A sound record of a real work that the service knows."""
        for record in self.stand_in.known[service].records:
            work = self.work(record)
            plain = record.damage is None and record.edition.kind is Kind.EDITION and work.origin is Origin.REAL
            if plain and all(getattr(record.edition, name) == value for name, value in wanted.items()):
                return record
        raise AssertionError(f"{service} knows no sound record with {wanted}")

    def work(self, record: Record) -> Work:
        return self.stand_in.catalogue.works[record.edition.work]


@pytest.fixture
def ask(upstream: StandIn) -> Iterator[Asker]:
    with httpx.Client(timeout=60) as client:
        yield Asker(client, upstream)


@pytest.fixture(scope="module")
def small() -> Catalogue:
    return build(Spec(works=120, seed=7, months=6))


def recorded(name: str, *within: str | int) -> Any:
    """A restated response, or a part of it."""
    service, _, file = name.partition("/")
    found: Any = json.loads((PAYLOADS / service / f"restated_{file}").read_text(encoding="utf-8"))
    for step in within:
        found = found[step]
    return found


def assert_like(real: Any, ours: Any, *, some: set[str]) -> None:
    """The members named are in ours, and of the same kind as in the restated response."""
    assert some <= set(ours)
    for name in some:
        assert type(real[name]) is type(ours[name]), name


# The catalogue and the lists


def test_the_same_seed_gives_the_same_world(small: Catalogue) -> None:
    again, other = build(small.spec), build(Spec(works=120, seed=8, months=6))
    assert again.editions == small.editions
    assert other.editions != small.editions
    assert {s: held.records for s, held in record_indexes(again).items()} == {
        s: held.records for s, held in record_indexes(small).items()
    }
    ours, theirs = Lists(small, record_indexes(small)), Lists(again, record_indexes(again))
    assert [ours.listing(month, g) for month in ours.months for g in GENERATORS] == [
        theirs.listing(month, g) for month in theirs.months for g in GENERATORS
    ]


def test_every_number_is_valid_and_belongs_to_one_edition(small: Catalogue) -> None:
    assert all(is_isbn13(edition.isbn13) for edition in small.editions)
    own = [edition.isbn13 for edition in small.editions if edition.kind is not Kind.PLACEHOLDER]
    assert len(own) == len(set(own))
    assert {edition.isbn13[:11] for edition in small.editions if edition.kind is Kind.PLACEHOLDER} == {"97800000000"}


def test_a_work_has_editions_of_many_kinds_and_decoys(small: Catalogue) -> None:
    real = [work for work in small.works if work.origin is Origin.REAL]
    assert len(real) == 120
    assert all(2 <= len(work.editions) <= 4 for work in real)
    assert all(work.editions[0].year == work.year for work in small.works)
    assert {derivative.kind for derivative in build(Spec()).derivatives} == set(Kind) - {Kind.EDITION}
    assert {work.origin for work in small.works} == set(Origin)
    assert {edition.form for edition in small.editions if edition.language == "en"} == {
        e.form for e in build(Spec()).editions
    }


def test_services_know_different_parts() -> None:
    catalogue = build(Spec())
    known = record_indexes(catalogue)
    shares = {service: len(held.by_work) / len(catalogue.works) for service, held in known.items()}
    assert 0.8 < shares[Service.ISBNDB] < 0.9
    assert 0.25 < shares[Service.WIKIDATA] < 0.4
    nobody = [work for work in catalogue.works if not any(work.number in held.by_work for held in known.values())]
    assert 0.005 < len(nobody) / len(catalogue.works) < 0.04
    assert not any(services_with_usable_record(known, work) for work in nobody)
    damages = {record.damage for held in known.values() for record in held.records}
    assert damages == {None, *Damage}


def test_lists_wear_dress_and_hold_inventions() -> None:
    catalogue = build(Spec())
    lists = Lists(catalogue, record_indexes(catalogue))
    entries = [each for month in lists.months for g in GENERATORS for each in lists.listing(month, g)]
    assert all(len(lists.listing(month, g)) == 20 for month in lists.months for g in GENERATORS)
    assert 0.10 < sum(each.work is None for each in entries) / len(entries) < 0.18
    listed = [each for each in entries if each.work]
    assert 0.4 < sum(each.work is not None and each.title == each.work.title for each in listed) / len(listed) < 0.8
    first = lists.months[0]
    both = [{each.identity for each in lists.listing(first, g)} for g in GENERATORS]
    assert both[0] & both[1]
    assert both[0] - both[1]
    again = {each.identity for g in GENERATORS for each in lists.listing(lists.months[1], g)} & (both[0] | both[1])
    assert any(identity.startswith("work") for identity in again)
    assert lists.listing("1999-01", Service.GEMINI) == ()


def test_the_truth_names_right_numbers(small: Catalogue) -> None:
    lists = Lists(small, record_indexes(small))
    rows = [row for month in lists.months for row in lists.truth(month)]
    assert all(set(row["right"]) <= set(row["language"]) <= set(row["editions"]) for row in rows)
    assert all(bool(row["editions"]) is not row["invented"] for row in rows)
    keys = [(row["month"], row["title"], row["author"]) for row in rows]
    assert len(keys) == len(set(keys))


def test_words() -> None:
    assert tokens("L'Héritière & the Dog’s Day") == ("lheritiere", "and", "the", "dogs", "day")
    assert last_first("Alfredo Véa Jr.") == "Véa Jr., Alfredo"
    assert last_first("John le Carré") == "le Carré, John"
    assert initials("Mary Higgins Clark") == "M. H. Clark"
    assert (family("Avi"), last_first("Avi")) == ("Avi", "Avi")
    assert any_isbn13("0-19-853453-1") == "9780198534532"
    assert any_isbn13("9780198534533") is None
    assert isbn10("9791234567896") is None
    assert all(misspelt("Something Upstairs", seeded_random(n)) != "Something Upstairs" for n in range(20))


# The wire formats


def test_isbndb_searches(ask: Asker) -> None:
    record = ask.record(Service.ISBNDB, language="en")
    surname = family(ask.work(record).authors[0])
    found = ask.get(Service.ISBNDB, f"/books/{record.title} {surname}", page=1, pageSize=20)
    assert found.status_code == 200
    assert record.isbn in {book["isbn13"] for book in found.json()["books"]}
    strict = ask.get(Service.ISBNDB, f"/books/{record.title}", shouldMatchAll=1, column="title").json()
    assert all(set(tokens(record.title)) <= set(tokens(book["title_long"])) for book in strict["books"])
    assert ask.get(Service.ISBNDB, f"/books/{record.title} {surname}", shouldMatchAll=1).status_code == 404
    assert ask.get(Service.ISBNDB, "/books/zzzzqqqq").json() == {"errorMessage": "Not Found"}
    assert all(
        book["date_published"]
        for book in ask.get(Service.ISBNDB, f"/books/{surname}", year=record.edition.year).json()["books"]
    )
    assert ask.get(Service.ISBNDB, f"/author/{surname}").json()["books"]


def test_isbndb_records(ask: Asker) -> None:
    record = ask.record(Service.ISBNDB, language="en")
    book = ask.get(Service.ISBNDB, f"/book/{record.isbn}").json()["book"]
    assert_like(
        recorded("isbndb/v2_book.json", "book"),
        book,
        some=ISBNDB_MEMBERS,
    )
    assert ask.get(Service.ISBNDB, "/book/9791234567896").status_code == 404
    batch = ask.post(Service.ISBNDB, "/books", {"isbns": [record.isbn, "9791234567896"]}).json()
    assert (batch["total"], batch["requested"], [each["isbn13"] for each in batch["data"]]) == (1, 2, [record.isbn])
    assert ask.client.get(ask.address(Service.ISBNDB, "/key")).status_code == 401
    assert ask.client.get(ask.address(Service.ISBNDB, "/key"), headers={"Authorization": "wrong"}).status_code == 403


def test_google_searches(ask: Asker) -> None:
    record = ask.record(Service.GOOGLE_BOOKS, language="en")
    query = f'intitle:"{record.title}" inauthor:"{family(ask.work(record).authors[0])}"'
    found = ask.get(Service.GOOGLE_BOOKS, "/volumes", q=query, maxResults=40, printType="books").json()
    assert record.title in {item["volumeInfo"]["title"] for item in found["items"]}
    real = recorded("google_books/volumes_1item_killing_joke.json", "items", 0)
    assert_like(real, found["items"][0], some={"kind", "id", "volumeInfo", "saleInfo", "accessInfo"})
    assert_like(
        recorded("google_books/volumes_1item_killing_joke.json", "items", 0, "volumeInfo"),
        found["items"][0]["volumeInfo"],
        some={"title", "pageCount", "printType", "imageLinks", "language"},
    )
    assert ask.get(Service.GOOGLE_BOOKS, "/volumes", q='intitle:"zzqq"').json() == {
        "kind": "books#volumes",
        "totalItems": 0,
    }


def test_google_refuses_as_google_does(ask: Asker) -> None:
    real = recorded("google_books/error_429_quota_keyless.json", "error")
    keyless = ask.client.get(ask.address(Service.GOOGLE_BOOKS, "/volumes"), params={"q": "x"})
    assert keyless.status_code == 429
    assert_like(real, keyless.json()["error"], some={"code", "message", "errors", "status", "details"})
    assert (
        ask.get(Service.GOOGLE_BOOKS, "/volumes", q="x", key="wrong").json()["error"]["details"][0]["reason"]
        == "API_KEY_INVALID"
    )
    assert ask.get(Service.GOOGLE_BOOKS, "/volumes", q="x", maxResults=41).status_code == 400


def test_google_partial_answers() -> None:
    data = {"kind": "x", "items": [{"id": 1, "info": {"a": 1, "b": 2}, "sale": {"c": 3}}]}
    assert project(data, "items(id,info(a)),total") == {"items": [{"id": 1, "info": {"a": 1}}]}
    assert project(data, "items/sale/c") == {"items": [{"sale": {"c": 3}}]}
    assert project(data, "") == data


def test_open_library_searches(ask: Asker) -> None:
    record = ask.record(Service.OPEN_LIBRARY, language="en")
    fields = "key,title,author_name,isbn,editions,editions.key,editions.isbn"
    asked: dict[str, str | int] = {
        "title": record.title,
        "author": family(ask.work(record).authors[0]),
        "fields": fields,
        "limit": 5,
    }
    found = ask.get(Service.OPEN_LIBRARY, "/search.json", **asked).json()
    docs = [doc for doc in found["docs"] if doc["key"] == f"/works/OL{record.edition.work + 1}W"]
    assert record.isbn in docs[0]["isbn"]
    assert set(docs[0]) <= {"key", "title", "author_name", "isbn", "editions"}
    assert docs[0]["editions"]["docs"][0]["key"].startswith("/books/OL")
    dune = "open_library/search_fields_limited_dune.json"
    whole = ask.get(Service.OPEN_LIBRARY, "/search.json", title=record.title).json()
    assert_like(recorded(dune), whole, some={"numFound", "start", "numFoundExact", "docs"})
    assert_like(recorded(dune, "docs", 0), whole["docs"][0], some={"key", "title", "isbn", "cover_i", "publisher"})
    assert ask.get(Service.OPEN_LIBRARY, "/search.json", title="zzqq").json()["docs"] == []


def test_open_library_records(ask: Asker) -> None:
    record = ask.record(Service.OPEN_LIBRARY, language="en")
    moved = ask.get(Service.OPEN_LIBRARY, f"/isbn/{record.isbn}.json")
    assert moved.status_code == 302
    edition = ask.client.get(moved.headers["location"]).json()
    assert record.isbn in edition.get("isbn_13", []) or isbn10(record.isbn) in edition["isbn_10"]
    work = ask.get(Service.OPEN_LIBRARY, f"{edition['works'][0]['key']}.json").json()
    assert (
        ask.get(Service.OPEN_LIBRARY, f"{work['authors'][0]['author']['key']}.json").json()["name"]
        in ask.work(record).authors
    )
    editions = ask.get(Service.OPEN_LIBRARY, f"{work['key']}/editions.json", limit=1).json()
    assert len(editions["entries"]) == 1
    assert "counts" in ask.get(Service.OPEN_LIBRARY, f"{work['key']}/ratings.json").json()
    assert ask.get(Service.OPEN_LIBRARY, "/isbn/9791234567896.json").json() == {
        "error": "notfound",
        "key": "/isbn/9791234567896",
    }
    assert ask.get(Service.OPEN_LIBRARY, "/subjects/fantasy.json", limit=2).json()["works"]
    assert_like(
        recorded("open_library/work.json"),
        work,
        some={"key", "title", "authors", "covers", "type", "subjects", "description"},
    )
    assert_like(
        recorded("open_library/edition.json"),
        edition,
        some={"key", "title", "works", "publishers", "number_of_pages", "publish_date"},
    )


def test_archive_searches(ask: Asker) -> None:
    record = next(
        each
        for each in ask.stand_in.known[Service.INTERNET_ARCHIVE].records
        if not each.damage and ":" not in each.title and each.authors
    )
    asked = (
        f"title:({' '.join(tokens(record.title))}) AND creator:({tokens(record.authors[0])[-1]}) AND mediatype:texts"
    )
    params: dict[str, str | int] = {"q": asked, "fl[]": "identifier,title,isbn,date,creator", "rows": 50}
    reply = ask.get(Service.INTERNET_ARCHIVE, "/advancedsearch.php", **params, output="json")
    docs = reply.json()["response"]["docs"]
    assert docs
    assert all(set(doc) <= {"identifier", "title", "isbn", "date", "creator"} for doc in docs)
    nasa = "internet_archive/advancedsearch_nasa_50docs.json"
    assert_like(recorded(nasa), reply.json(), some={"responseHeader", "response"})
    assert_like(recorded(nasa, "response"), reply.json()["response"], some={"numFound", "start", "docs"})
    whole = ask.get(Service.INTERNET_ARCHIVE, f"/metadata/{docs[0]['identifier']}").json()
    assert_like(
        recorded("internet_archive/metadata_book_journalofexpedit00ford.json"),
        whole,
        some={"created", "files", "metadata", "server"},
    )
    assert ask.get(Service.INTERNET_ARCHIVE, "/metadata/nothing").json() == {}
    assert ask.get(Service.INTERNET_ARCHIVE, "/services/img/nothing").headers["content-type"] == "image/gif"


def test_archive_reads_escaped_lucene_and_numbers(ask: Asker) -> None:
    record = next(each for each in ask.stand_in.known[Service.INTERNET_ARCHIVE].records if each.damage is None)
    asked = f"isbn:({record.isbn} OR {isbn10(record.isbn) or record.isbn}) AND mediatype:texts"
    assert ask.get(Service.INTERNET_ARCHIVE, "/advancedsearch.php", q=asked).json()["response"]["numFound"] == 1
    escaped = ask.get(
        Service.INTERNET_ARCHIVE, "/advancedsearch.php", q=r"title:(what\? \(zzqq\)) AND mediatype:texts"
    ).json()
    assert escaped["response"]["docs"] == []
    assert ask.get(Service.INTERNET_ARCHIVE, "/advancedsearch.php", q="nonsense").status_code == 400


def test_wikidata_finds_literals(ask: Asker) -> None:
    record = ask.record(Service.WIKIDATA, language="en")
    title = record.title.replace("\\", "\\\\").replace('"', '\\"')
    select = "SELECT DISTINCT ?edition ?isbn13 ?isbn10 ?title ?author ?authorLabel WHERE"
    by_title = ask.get(
        Service.WIKIDATA, "/sparql", query=f'{select} {{ VALUES ?name {{ "{title}"@en }} }}', format="json"
    ).json()
    rows = by_title["results"]["bindings"]
    assert record.isbn in {any_isbn13(row.get("isbn13", row.get("isbn10"))["value"]) for row in rows}
    assert {name for row in rows for name in row} <= set(by_title["head"]["vars"])
    by_isbn = ask.get(
        Service.WIKIDATA, "/sparql", query=f'SELECT ?isbn ?edition ?date WHERE {{ VALUES ?isbn {{ "{record.isbn}" }} }}'
    ).json()
    assert any_isbn13(by_isbn["results"]["bindings"][0]["isbn"]["value"]) == record.isbn
    assert_like(recorded("wikidata/sparql_multi_vars.json"), by_isbn, some={"head", "results"})
    assert ask.get(Service.WIKIDATA, "/sparql", query="nonsense").status_code == 400


def test_wikipedia_knows_authors(ask: Asker) -> None:
    names = list(ask.stand_in.catalogue.authors)[:40]
    replies = [ask.get(Service.WIKIPEDIA, f"/api/rest_v1/page/summary/{name.replace(' ', '_')}") for name in names[:20]]
    known = [reply.json() for reply in replies if reply.status_code == 200]
    assert {reply.status_code for reply in replies} == {200, 404}
    assert all(summary["type"] in {"standard", "disambiguation"} for summary in known)
    assert_like(
        recorded("wikipedia/page_summary_standard.json"),
        known[0],
        some={"type", "title", "titles", "description", "extract", "content_urls"},
    )
    found = ask.get(
        Service.WIKIPEDIA, "/w/api.php", action="query", list="search", srsearch=f"{known[0]['title']} writer"
    ).json()
    assert known[0]["title"] in {hit["title"] for hit in found["query"]["search"]}
    wrong = ask.get(Service.WIKIPEDIA, "/w/api.php", action="nonsense")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (200, "badvalue")


def test_models_list_the_month_of_the_prompt(ask: Asker) -> None:
    asked = "Which notable books were first published in March 2020? Name up to 12 books, the most notable first."
    gemini = ask.post(
        Service.GEMINI,
        "/models/gemini-3.5-flash-lite:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": asked}]}]},
    ).json()
    xai = ask.post(
        Service.XAI, "/chat/completions", {"model": "grok-4.3", "messages": [{"role": "user", "content": asked}]}
    ).json()
    texts = [gemini["candidates"][0]["content"]["parts"][0]["text"], xai["choices"][0]["message"]["content"]]
    for generator, text in zip(GENERATORS, texts, strict=True):
        listed = ask.stand_in.lists.listing("2020-03", generator, 12)
        assert [(book["title"], book["author"]) for book in json.loads(text)["books"]] == [
            (each.title, each.author) for each in listed
        ]
    assert gemini["usageMetadata"]["totalTokenCount"] > gemini["usageMetadata"]["candidatesTokenCount"] > 0
    assert xai["usage"]["total_tokens"] > xai["usage"]["prompt_tokens"] + xai["usage"]["completion_tokens"]
    assert_like(
        recorded("gemini/structured_output_ok.json", "body"),
        gemini,
        some={"candidates", "modelVersion", "usageMetadata", "responseId"},
    )
    assert_like(
        recorded("xai/xai_chat_text_2.json"), xai, some={"id", "object", "created", "model", "choices", "usage"}
    )
    assert ask.post(Service.GEMINI, "/models/palm:generateContent", {}).status_code == 404
    assert isinstance(ask.client.post(ask.address(Service.XAI, "/chat/completions"), json={}).json()["error"], str)


def test_prompts_name_a_month() -> None:
    assert month_of("first published in June 2020, in English") == "2020-06"
    assert month_of("the books of 2019-12") == "2019-12"
    assert month_of("no month in 2020") is None
    assert limit_of("List exactly 30 notable books") == 30
    assert limit_of("as many as you like") == 20


# Behaviour


def test_rate_and_breaches_over_any_second() -> None:
    meter = RequestMeter(Behaviour(rate=3))
    assert [meter.admit("q", "", now=100 + at) for at in (0.0, 0.3, 0.6, 0.9, 1.0, 1.25, 1.7)] == [
        None,
        None,
        None,
        "rate",
        None,
        "rate",
        None,
    ]
    stats = meter.stats()
    assert (stats["requests"], stats["breaches"], stats["peak_in_a_second"], stats["refused"]["rate"]) == (7, 4, 5, 2)
    assert (stats["distinct_requests"], stats["repeats"]) == (1, 6)


def test_quota_of_the_day() -> None:
    meter = RequestMeter(Behaviour(rate=100, daily=2))
    assert [meter.admit("q", "", now=float(at)) for at in range(4)] == [None, None, "quota", "quota"]
    assert meter.admit("/key", "", metered=False, now=9.0) is None
    assert meter.spent == 4


def test_rates_over_http_and_counters(ask: Asker) -> None:
    ask.control("settings", {"isbndb": {"rate": 3}})
    statuses = [ask.get(Service.ISBNDB, "/key").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    stats = ask.control("stats")["isbndb"]
    assert (stats["breaches"], stats["statuses"], stats["repeats"]) == (2, {"200": 3, "429": 2}, 4)
    assert ask.control("requests", service="isbndb") == {"GET /isbndb/key": 5}
    ask.control("reset", {})
    assert ask.control("stats")["isbndb"]["requests"] == 0


def test_quota_over_http(ask: Asker) -> None:
    ask.control("settings", {"isbndb": {"daily": 3, "spent": 2}})
    assert ask.get(Service.ISBNDB, "/key").json()["plan_limit"] == {"total": 3, "spent": 2, "left": 1}
    assert ask.get(Service.ISBNDB, "/books/the").status_code in {200, 404}
    refused = ask.get(Service.ISBNDB, "/books/the")
    assert (refused.status_code, refused.json()) == (429, {"errorMessage": "Daily quota exceeded"})
    assert ask.get(Service.ISBNDB, "/key").json()["plan_limit"]["left"] == 0


def test_time_scale_raises_all_rates(upstream: StandIn) -> None:
    variables = environment(upstream.base, upstream.options.time_scale)
    for service, meter in upstream.meters.items():
        assert float(variables[f"ALEXANDRIA_{variable_prefix(service)}_REQUESTS_PER_SECOND"]) == meter.behaviour.rate
        assert variables[f"ALEXANDRIA_{variable_prefix(service)}_BASE_URL"].startswith(upstream.base)


BODIES: dict[str, tuple[int, Callable[[httpx.Response], object]]] = {
    "503-html": (503, lambda reply: "<html>" in reply.text),
    "200-html": (200, lambda reply: reply.headers["content-type"].startswith("text/html")),
    "cut-json": (200, lambda reply: reply.content.startswith(b'{"') and not reply.content.endswith(b"}")),
    "spaces-10mib": (200, lambda reply: len(reply.content) == 10 * 1024 * 1024 and not reply.content.strip()),
    "utf16": (200, lambda reply: reply.content.startswith((b"\xff\xfe", b"\xfe\xff"))),
    "redirect": (302, lambda reply: reply.headers["location"] == "/control/lost"),
    "wrong-content-type": (200, lambda reply: reply.headers["content-type"] == "image/png" and reply.json()),
    "429": (429, lambda reply: "retry-after" not in reply.headers),
    "429-retry-after": (429, lambda reply: reply.headers["retry-after"] == "1"),
    "500": (500, lambda reply: reply.content),
}


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_faults_of_the_answer(ask: Asker, kind: str) -> None:
    ask.control("faults", {"service": "isbndb", "kind": kind, "count": 1})
    status, holds = BODIES[kind]
    reply = ask.get(Service.ISBNDB, "/key")
    assert reply.status_code == status
    assert holds(reply)
    assert ask.get(Service.ISBNDB, "/key").json()["plan_limit"]
    assert ask.control("stats")["isbndb"]["faults"] == {kind: 1}


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("drop-before", httpx.RemoteProtocolError),
        ("drop-within", httpx.RemoteProtocolError),
        ("gzip-damage", httpx.DecodingError),
        ("slow-2bytes", httpx.ReadTimeout),
    ],
)
def test_faults_of_the_connection(ask: Asker, kind: str, error: type[Exception]) -> None:
    ask.control("faults", [{"service": "*", "kind": kind, "count": 1, "path": "/key"}])
    expected = (error, httpx.ReadError) if kind == "drop-before" else error
    with pytest.raises(expected):
        ask.client.get(ask.address(Service.ISBNDB, "/key"), headers={"Authorization": "k"}, timeout=0.4)
    assert ask.get(Service.ISBNDB, "/key").status_code == 200


def test_faults_by_chance_and_wrong_ones(ask: Asker) -> None:
    assert set(KINDS) == {*BODIES, "drop-before", "drop-within", "gzip-damage", "slow-2bytes"}
    ask.control("faults", {"service": "isbndb", "kind": "500", "probability": 0.5})
    statuses = [ask.get(Service.ISBNDB, "/key").status_code for _ in range(40)]
    assert 5 < statuses.count(500) < 35
    assert (
        ask.client.post(
            f"{ask.stand_in.base}/control/faults", json={"service": "isbndb", "kind": "nonsense"}
        ).status_code
        == 400
    )
    assert ask.client.delete(f"{ask.stand_in.base}/control/faults").json() == []


def test_control_tells_the_truth(ask: Asker) -> None:
    month = ask.stand_in.lists.months[0]
    assert ask.control("truth", month=month) == ask.stand_in.lists.truth(month)
    assert {row["month"] for row in ask.control("truth")} == set(ask.stand_in.lists.months)
    assert ask.control("catalogue")["records"].keys() == {service.value for service in RESOLVERS}


# The score


def test_a_perfect_answer_scores_one(small: Catalogue) -> None:
    lists = Lists(small, record_indexes(small))
    truth = {month: lists.truth(month) for month in lists.months}
    answers = {month: list({row["identity"]: row for row in rows}.values()) for month, rows in truth.items()}
    perfect = {
        month: [
            {"title": r["title"], "author": r["author"], "isbn13": r["right"][0] if r["known"] and r["right"] else None}
            for r in rows
        ]
        for month, rows in answers.items()
    }
    total = score((perfect[month], truth[month]) for month in lists.months)
    assert (
        total.figures["precision"] == total.figures["invented_left_synthetic"] == total.figures["right_language"] == 1
    )
    assert total.figures["recall"] == total.figures["merged_forms"] == 1
    assert (total.merged, total.split, total.unknown_rows) == (0, 0, 0)


def test_every_slip_is_counted() -> None:
    common = {"month": "2020-01", "invented": False, "known": ["isbndb"], "audio": ["A3"]}
    truth = [
        {
            **common,
            "title": "A",
            "author": "x",
            "identity": "work 1",
            "right": ["A1"],
            "language": ["A1", "A3"],
            "editions": ["A1", "A2", "A3"],
        },
        {
            **common,
            "title": "a",
            "author": "x",
            "identity": "work 1",
            "right": ["A1"],
            "language": ["A1", "A3"],
            "editions": ["A1", "A2", "A3"],
        },
        {
            **common,
            "title": "B",
            "author": "x",
            "identity": "work 2",
            "right": ["B1"],
            "language": ["B1"],
            "editions": ["B1"],
        },
        {
            **common,
            "title": "I",
            "author": "y",
            "identity": "invented 1",
            "invented": True,
            "known": [],
            "right": [],
            "language": [],
            "editions": [],
        },
    ]
    rows = [
        {"title": title, "author": author, "isbn13": isbn}
        for title, author, isbn in (("A", "x", "A2"), ("a", "x", "A3"), ("I", "y", "Z9"))
    ]
    total = score([([*rows, {"title": "?", "author": "?", "isbn13": None}], truth)])
    assert (total.given, total.right, total.right_language, total.right_print, total.right_form) == (3, 2, 1, 0, 1)
    assert (total.knowable, total.knowable_found, total.invented, total.invented_synthetic) == (2, 1, 1, 0)
    assert (total.merged, total.split, total.several_forms, total.unknown_rows) == (1, 1, 1, 1)
    assert set(total.as_dict()["examples"]) >= {
        "in several rows",
        "invented, but given an ISBN",
        "rows that no list holds",
    }


def test_it_runs_as_a_program() -> None:
    command = [
        sys.executable,
        "-m",
        "alexandria_pipeline_tests.upstream",
        "--works",
        "40",
        "--json",
        "--time-scale",
        "10",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parents[2]
    ) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert told["environment"]["ALEXANDRIA_ISBNDB_REQUESTS_PER_SECOND"] == "30"
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", told["base"])
            assert httpx.get(f"{told['control']}/catalogue").json()["works"] >= 40
        finally:
            process.terminate()
        assert process.wait(5) == 0
