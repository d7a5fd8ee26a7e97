"""The read API: lists by cursor, filters, single items, ETags, JSON-LD, wrong parameters, and the rate limit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.monitoring.conftest import serving
from alexandria_pipeline_tests.world import JULY, JUNE, LIST, pipeline, rows, run_all

if TYPE_CHECKING:
    from collections.abc import Iterator

HALF = "9780525536291"
WITH_AUTHORS = """
with author as (
    insert into enriched_authors (name, name_key, author_key) values ('Brit Bennett', 'bennett brit', 'openlibrary_author:OL1A')
    returning author_id
)
insert into work_authors (work_id, author_id) select work_id, author_id from author, enriched_works where isbn13 = '9780525536291'
returning work_id
"""
WITH_FACTS = """
update enriched_works
set description = 'Twins.', subjects = '[{"name": "Twins", "sources": ["wikidata"]}]', first_published = 2020,
    cover = '{"url": "https://covers.openlibrary.org/b/id/9.jpg", "source": "open-library"}',
    ratings = '[{"source": "open-library", "average": 4.2, "count": 17}]'
where isbn13 = '9780525536291' returning 1
"""
WITH_EXTERNAL_IDS = """
insert into external_id (kind, subject, scheme, value)
select 'edition', isbn13, 'oclc', '007' from enriched_works where isbn13 = '9780525536291'
union all
select 'work', work_key, 'wikidata', 'Q7' from enriched_works where isbn13 = '9780525536291'
returning subject
"""
WITH_IDENTIFIER = """
update enriched_editions set identifiers = '{"openlibrary": "OL7M"}' where isbn13 = '9780525536291' returning isbn13
"""
MANY = """
insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider)
select 'many:' || n, 'Title ' || n, 'Author', 'title' || n, 'author', 'test' from generate_series(1, 25) n returning work_id
"""


def _fill(database: Database, folder: Path) -> None:
    """Two months, an author and identifiers."""
    run_all(
        database, pipeline(database, folder, LIST.replace("THE VANISHING HALF", "The Vanishing Half")), [JUNE, JULY]
    )
    rows(database, WITH_AUTHORS)
    rows(database, WITH_IDENTIFIER)
    rows(database, WITH_EXTERNAL_IDS)
    rows(database, WITH_FACTS)


@pytest.fixture(scope="module")
def library(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a server whose database is filled, for tests that only read."""
    _fill(module_database, tmp_path_factory.mktemp("library"))
    with serving(module_database) as client:
        yield client


@pytest.fixture
def changed_library(client: httpx.Client, database: Database, tmp_path: Path) -> httpx.Client:
    """The same for a test that changes it."""
    _fill(database, tmp_path)
    return client


def found(client: httpx.Client, path: str, **query: object) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1{path}", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_work_has_its_editions_months_and_confidence(library: httpx.Client) -> None:
    (listed,) = found(library, "/works", isbn=HALF)
    assert (listed["title"], listed["isbn13"], listed["synthetic"]) == ("The Vanishing Half", HALF, False)
    assert listed["months"] == ["2020-06", "2020-07"]
    assert [edition["isbn13"] for edition in listed["editions"]] == [HALF]
    assert listed["ratings"] == [{"source": "open-library", "average": 4.2, "count": 17}]
    assert (listed["first_published"], listed["cover"]["source"]) == (2020, "open-library")
    alone = library.get(f"/api/v1/works/{listed['key']}").json()
    assert alone == listed | {"other_keys": []}
    assert library.get("/api/v1/works/no:such:key").status_code == 404


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({"q": "vanishing hal"}, {"The Vanishing Half"}), ({"q": "vanishing ha"}, set()), ({"q": "BENNETT"}, {"The Vanishing Half"}),
        ({"q": "O'Farrell"}, {"Hamnet"}), ({"q": "nobody vanishing"}, set()), ({"q": "' & !"}, set()),
        ({"month": "2020-07"}, {"Hamnet", "The Vanishing Half"}), ({"month": "1999-01"}, set()),
        ({"isbn": "978-0-525-53629-1"}, {"The Vanishing Half"}), ({"isbn": "0525536299"}, {"The Vanishing Half"}),
        ({"external_id": "openlibrary:OL7M"}, {"The Vanishing Half"}), ({"external_id": "openlibrary:OL8M"}, set()),
        ({"external_id": "oclc:007"}, {"The Vanishing Half"}), ({"external_id": "wikidata:Q7"}, {"The Vanishing Half"}),
        ({"author": "openlibrary_author:OL1A"}, {"The Vanishing Half"}), ({"author": "nobody"}, set()),
    ],
)  # fmt: skip
def test_works_are_found(library: httpx.Client, query: dict[str, str], titles: set[str]) -> None:
    assert {work["title"] for work in found(library, "/works", **query)} == titles


def test_a_retired_key_leads_to_its_work(changed_library: httpx.Client, database: Database) -> None:
    rows(
        database,
        "insert into work_alias (work_key, work_id) select 'old key/1', work_id from enriched_works where isbn13 = %s returning 1",
        HALF,
    )
    answer = changed_library.get("/api/v1/works/old key/1")
    assert answer.status_code == 308
    moved = changed_library.get(answer.headers["location"]).json()
    assert (moved["isbn13"], moved["other_keys"]) == (HALF, ["old key/1"])


def test_a_merged_work_leads_to_the_one_it_proved_to_be(changed_library: httpx.Client, database: Database) -> None:
    rows(
        database,
        "update enriched_works set merged_into = (select work_id from enriched_works where isbn13 = %s)"
        " where synthetic returning 1",
        HALF,
    )
    key = rows(database, "select work_key from enriched_works where merged_into is not null")[0]["work_key"]
    answer = changed_library.get(f"/api/v1/works/{key}", follow_redirects=True)
    assert answer.json()["isbn13"] == HALF
    assert len(found(changed_library, "/works")) == 3
    assert HALF in {work["isbn13"] for work in found(changed_library, "/works", month="2020-06")}


def test_pages_have_every_work_once_while_works_are_added(client: httpx.Client, database: Database) -> None:
    rows(database, MANY)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = client.get("/api/v1/works", params={"limit": "10", **cursor}).json()
        seen += [work["key"] for work in answer["items"]]
        if answer["next"] is None:
            break
        cursor = {"cursor": answer["next"]}
        rows(database, MANY.replace("many:", f"more{len(seen)}:").replace("25", "1"))
    assert seen[:25] == [f"many:{n}" for n in range(1, 26)]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("words", ["Bronte", "Bront\u00eb", "Bronte\u0308", "bront"])
def test_a_search_finds_words_with_and_without_accents(client: httpx.Client, database: Database, words: str) -> None:
    rows(database, MANY.replace("25", "1"))
    rows(database, "update enriched_works set title = 'Bront\u00eb' returning work_id")
    assert len(client.get("/api/v1/works", params={"q": words}).json()["items"]) == 1


def test_the_link_header_leads_to_the_next_page(client: httpx.Client, database: Database) -> None:
    rows(database, MANY)
    answer = client.get("/api/v1/works", params={"limit": "20", "q": "title"})
    following = client.get(answer.links["next"]["url"])
    assert [work["key"] for work in following.json()["items"]] == [f"many:{n}" for n in range(21, 26)]


def test_editions_authors_and_months(library: httpx.Client) -> None:
    assert [each["isbn13"] for each in found(library, "/editions")] == ["9780062868930", HALF, "9780525657606"]
    assert [each["isbn13"] for each in found(library, "/editions", external_id="openlibrary:OL7M")] == [HALF]
    assert library.get("/api/v1/editions/0-525-53629-9").json()["work_key"]
    assert library.get("/api/v1/editions/9780525536290").status_code == 404
    assert [each["name"] for each in found(library, "/authors", q="benn")] == ["Brit Bennett"]
    assert library.get("/api/v1/authors/openlibrary_author:OL1A").json()["name"] == "Brit Bennett"
    assert [(each["month"], each["books"], each["resolved"]) for each in found(library, "/months")] == [
        ("2020-06", 3, 2), ("2020-07", 2, 2),
    ]  # fmt: skip
    listed = library.get("/api/v1/months/2020-06").json()["listed"]
    assert {book["outcome"] for book in listed} == {"resolved", "not_found"}
    assert library.get("/api/v1/months/2020-08").status_code == 404


def test_an_unchanged_answer_is_not_sent_again(changed_library: httpx.Client, database: Database) -> None:
    first = changed_library.get(f"/api/v1/editions/{HALF}")
    again = changed_library.get(
        f"/api/v1/editions/{HALF}", headers={"if-none-match": f'"other", W/{first.headers["etag"]}'}
    )
    assert (again.status_code, again.content) == (304, b"")
    rows(database, "update enriched_editions set pages = 343 where isbn13 = %s returning 1", HALF)
    changed = changed_library.get(f"/api/v1/editions/{HALF}", headers={"if-none-match": first.headers["etag"]})
    assert (changed.status_code, changed.json()["pages"]) == (200, 343)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/ld+json", "application/ld+json"), ("application/ld+json, */*;q=0.5", "application/ld+json"),
        ("application/ld+json;q=0.3, application/json", "application/json"), ("*/*", "application/json"),
        ("text/html", "application/json"), ("application/ld+json;q=x", "application/json"),
    ],
)  # fmt: skip
def test_the_accept_header_chooses_json_or_json_ld(library: httpx.Client, accept: str, kind: str) -> None:
    for path in ("/api/v1/works", f"/api/v1/editions/{HALF}"):
        answer = library.get(path, headers={"accept": accept})
        assert answer.headers["content-type"] == kind
        assert answer.headers["vary"] == "Accept"
        assert ("@context" in answer.json()) is (kind == "application/ld+json")


def test_a_work_is_a_book_of_schema_org(library: httpx.Client) -> None:
    answer = library.get(f"/api/v1/works?isbn={HALF}", headers={"accept": "application/ld+json"}).json()
    (book,) = answer["@graph"]
    assert (answer["@context"], book["@type"], book["name"]) == ("https://schema.org", "Book", "The Vanishing Half")
    assert book["workExample"][0]["@id"] == f"urn:isbn:{HALF}"
    assert " " not in book["@id"]
    assert (book["about"], book["image"]) == (["Twins"], "https://covers.openlibrary.org/b/id/9.jpg")
    assert book["aggregateRating"] == {
        "@type": "AggregateRating",
        "ratingValue": 4.2,
        "ratingCount": 17,
        "bestRating": 5,
    }


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=x", "limit=²", "cursor=x", "cursor=ZTo5", "cursor=dzp4", "q=", "q=%00", "q=a&q=b",
        "q=a&month=2020-06", "isbn=1", "month=2020-13", "external_id=OL7M", "more=1", f"q={'x' * 201}",
        "cursor=dzo5OTk5OTk5OTk5OTk5OTk5OTk5",
    ],
)  # fmt: skip
def test_wrong_parameters_are_named(library: httpx.Client, query: str) -> None:
    answer = library.get(f"/api/v1/works?{query}")
    assert answer.status_code == 422
    assert answer.json()["problems"][0].split(":")[0] == query.rsplit("&", maxsplit=1)[-1].split("=", maxsplit=1)[0]


def test_too_many_requests_get_the_seconds_to_wait(database: Database) -> None:
    with serving(database, api_per_minute=60) as client:
        answers = [client.get("/api/v1/works") for _ in range(15)]
        assert client.get("/healthz").status_code == 200
    statuses = [answer.status_code for answer in answers]
    assert statuses[:10] == [200] * 10
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)


def test_answers_agree_with_the_document(library: httpx.Client) -> None:
    document = library.get("/api/v1/openapi.json").json()
    key = found(library, "/works", isbn=HALF)[0]["key"]
    names = {"{key}": key, "{isbn}": HALF, "{month}": "2020-06"}
    for path, operations in document["paths"].items():
        url = path if "authors/" not in path else path.replace("{key}", "openlibrary_author:OL1A")
        for name, value in names.items():
            url = url.replace(name, value)
        answer = library.get(url)
        assert answer.status_code == 200, url
        schema = operations["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json())
