"""The responses of the stand-in, compared with the restated responses in `payloads/`."""

from __future__ import annotations

import json

from alexandria_pipeline_tests.upstream.ai_services import limit_of, month_of
from alexandria_pipeline_tests.upstream.client import StandInClient, assert_same_shape, restated
from alexandria_pipeline_tests.upstream.google_books_service import project
from alexandria_pipeline_tests.upstream.lists import GENERATORS
from alexandria_pipeline_tests.upstream.model import Service
from alexandria_pipeline_tests.upstream.words import (
    any_isbn13,
    family,
    isbn10,
    tokens,
)

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)


ISBNDB_MEMBERS = {"publisher", "image", "title_long", "pages", "authors", "title", "isbn13", "binding", "isbn"}


def test_isbndb_search(stand_in_client: StandInClient) -> None:
    record = stand_in_client.record(Service.ISBNDB, language="en")
    surname = family(stand_in_client.work(record).authors[0])
    found = stand_in_client.get(Service.ISBNDB, f"/books/{record.title} {surname}", page=1, pageSize=20)
    assert found.status_code == 200
    assert record.isbn in {book["isbn13"] for book in found.json()["books"]}
    strict = stand_in_client.get(Service.ISBNDB, f"/books/{record.title}", shouldMatchAll=1, column="title").json()
    assert all(set(tokens(record.title)) <= set(tokens(book["title_long"])) for book in strict["books"])
    assert stand_in_client.get(Service.ISBNDB, f"/books/{record.title} {surname}", shouldMatchAll=1).status_code == 404
    assert stand_in_client.get(Service.ISBNDB, "/books/zzzzqqqq").json() == {"errorMessage": "Not Found"}
    assert all(
        book["date_published"]
        for book in stand_in_client.get(Service.ISBNDB, f"/books/{surname}", year=record.edition.year).json()["books"]
    )
    assert stand_in_client.get(Service.ISBNDB, f"/author/{surname}").json()["books"]


def test_isbndb_records(stand_in_client: StandInClient) -> None:
    record = stand_in_client.record(Service.ISBNDB, language="en")
    book = stand_in_client.get(Service.ISBNDB, f"/book/{record.isbn}").json()["book"]
    assert_same_shape(
        restated("isbndb/book_isbn10.json", "book"),
        book,
        members=ISBNDB_MEMBERS,
    )
    assert stand_in_client.get(Service.ISBNDB, "/book/9791234567896").status_code == 404
    batch = stand_in_client.post(Service.ISBNDB, "/books", {"isbns": [record.isbn, "9791234567896"]}).json()
    assert (batch["total"], batch["requested"], [each["isbn13"] for each in batch["data"]]) == (1, 2, [record.isbn])
    assert stand_in_client.http.get(stand_in_client.address(Service.ISBNDB, "/key")).status_code == 401
    assert (
        stand_in_client.http.get(
            stand_in_client.address(Service.ISBNDB, "/key"), headers={"Authorization": "wrong"}
        ).status_code
        == 403
    )


def test_google_books_search(stand_in_client: StandInClient) -> None:
    record = stand_in_client.record(Service.GOOGLE_BOOKS, language="en")
    query = f'intitle:"{record.title}" inauthor:"{family(stand_in_client.work(record).authors[0])}"'
    found = stand_in_client.get(Service.GOOGLE_BOOKS, "/volumes", q=query, maxResults=40, printType="books").json()
    assert record.title in {item["volumeInfo"]["title"] for item in found["items"]}
    published = restated("google_books/volume_artist_first.json", "items", 0)
    assert_same_shape(published, found["items"][0], members={"kind", "id", "volumeInfo", "saleInfo", "accessInfo"})
    assert_same_shape(
        restated("google_books/volume_artist_first.json", "items", 0, "volumeInfo"),
        found["items"][0]["volumeInfo"],
        members={"title", "pageCount", "printType", "imageLinks", "language"},
    )
    assert stand_in_client.get(Service.GOOGLE_BOOKS, "/volumes", q='intitle:"zzqq"').json() == {
        "kind": "books#volumes",
        "totalItems": 0,
    }


def test_google_books_errors(stand_in_client: StandInClient) -> None:
    published = restated("google_books/error_429_keyless.json", "error")
    keyless = stand_in_client.http.get(stand_in_client.address(Service.GOOGLE_BOOKS, "/volumes"), params={"q": "x"})
    assert keyless.status_code == 429
    assert_same_shape(published, keyless.json()["error"], members={"code", "message", "errors", "status", "details"})
    assert (
        stand_in_client.get(Service.GOOGLE_BOOKS, "/volumes", q="x", key="wrong").json()["error"]["details"][0][
            "reason"
        ]
        == "API_KEY_INVALID"
    )
    assert stand_in_client.get(Service.GOOGLE_BOOKS, "/volumes", q="x", maxResults=41).status_code == 400


def test_google_books_partial_responses() -> None:
    data = {"kind": "x", "items": [{"id": 1, "info": {"a": 1, "b": 2}, "sale": {"c": 3}}]}
    assert project(data, "items(id,info(a)),total") == {"items": [{"id": 1, "info": {"a": 1}}]}
    assert project(data, "items/sale/c") == {"items": [{"sale": {"c": 3}}]}
    assert project(data, "") == data


def test_open_library_search(stand_in_client: StandInClient) -> None:
    record = stand_in_client.record(Service.OPEN_LIBRARY, language="en")
    fields = "key,title,author_name,isbn,editions,editions.key,editions.isbn"
    request_text: dict[str, str | int] = {
        "title": record.title,
        "author": family(stand_in_client.work(record).authors[0]),
        "fields": fields,
        "limit": 5,
    }
    found = stand_in_client.get(Service.OPEN_LIBRARY, "/search.json", **request_text).json()
    docs = [doc for doc in found["docs"] if doc["key"] == f"/works/OL{record.edition.work + 1}W"]
    assert record.isbn in docs[0]["isbn"]
    assert set(docs[0]) <= {"key", "title", "author_name", "isbn", "editions"}
    assert docs[0]["editions"]["docs"][0]["key"].startswith("/books/OL")
    search = "open_library/search_name_in_two_scripts.json"
    whole = stand_in_client.get(Service.OPEN_LIBRARY, "/search.json", title=record.title).json()
    assert_same_shape(restated(search), whole, members={"numFound", "start", "numFoundExact", "docs"})
    assert_same_shape(
        restated(search, "docs", 0), whole["docs"][0], members={"key", "title", "isbn", "cover_i", "publisher"}
    )
    assert stand_in_client.get(Service.OPEN_LIBRARY, "/search.json", title="zzqq").json()["docs"] == []


def test_open_library_records(stand_in_client: StandInClient) -> None:
    record = stand_in_client.record(Service.OPEN_LIBRARY, language="en")
    moved = stand_in_client.get(Service.OPEN_LIBRARY, f"/isbn/{record.isbn}.json")
    assert moved.status_code == 302
    edition = stand_in_client.http.get(moved.headers["location"]).json()
    assert record.isbn in edition.get("isbn_13", []) or isbn10(record.isbn) in edition["isbn_10"]
    work = stand_in_client.get(Service.OPEN_LIBRARY, f"{edition['works'][0]['key']}.json").json()
    assert (
        stand_in_client.get(Service.OPEN_LIBRARY, f"{work['authors'][0]['author']['key']}.json").json()["name"]
        in stand_in_client.work(record).authors
    )
    editions = stand_in_client.get(Service.OPEN_LIBRARY, f"{work['key']}/editions.json", limit=1).json()
    assert len(editions["entries"]) == 1
    assert "counts" in stand_in_client.get(Service.OPEN_LIBRARY, f"{work['key']}/ratings.json").json()
    assert stand_in_client.get(Service.OPEN_LIBRARY, "/isbn/9791234567896.json").json() == {
        "error": "notfound",
        "key": "/isbn/9791234567896",
    }
    assert stand_in_client.get(Service.OPEN_LIBRARY, "/subjects/fantasy.json", limit=2).json()["works"]
    assert_same_shape(
        restated("open_library/work_full.json"),
        work,
        members={"key", "title", "authors", "covers", "type", "subjects", "description"},
    )
    assert_same_shape(
        restated("open_library/edition_isbn10_only.json"),
        edition,
        members={"key", "title", "works", "publishers", "number_of_pages", "publish_date"},
    )


def test_internet_archive_search(stand_in_client: StandInClient) -> None:
    record = next(
        each
        for each in stand_in_client.stand_in.indexes[Service.INTERNET_ARCHIVE].records
        if not each.damage and ":" not in each.title and each.authors
    )
    request_text = (
        f"title:({' '.join(tokens(record.title))}) AND creator:({tokens(record.authors[0])[-1]}) AND mediatype:texts"
    )
    params: dict[str, str | int] = {"q": request_text, "fl[]": "identifier,title,isbn,date,creator", "rows": 50}
    reply = stand_in_client.get(Service.INTERNET_ARCHIVE, "/advancedsearch.php", **params, output="json")
    docs = reply.json()["response"]["docs"]
    assert docs
    assert all(set(doc) <= {"identifier", "title", "isbn", "date", "creator"} for doc in docs)
    search = "internet_archive/search_other_media.json"
    assert_same_shape(restated(search), reply.json(), members={"responseHeader", "response"})
    assert_same_shape(restated(search, "response"), reply.json()["response"], members={"numFound", "start", "docs"})
    whole = stand_in_client.get(Service.INTERNET_ARCHIVE, f"/metadata/{docs[0]['identifier']}").json()
    assert_same_shape(
        restated("internet_archive/item_without_isbn.json"),
        whole,
        members={"created", "files", "metadata", "server"},
    )
    assert stand_in_client.get(Service.INTERNET_ARCHIVE, "/metadata/nothing").json() == {}
    assert stand_in_client.get(Service.INTERNET_ARCHIVE, "/services/img/nothing").headers["content-type"] == "image/gif"


def test_internet_archive_search_by_isbn_and_with_escapes(stand_in_client: StandInClient) -> None:
    record = next(
        each for each in stand_in_client.stand_in.indexes[Service.INTERNET_ARCHIVE].records if each.damage is None
    )
    request_text = f"isbn:({record.isbn} OR {isbn10(record.isbn) or record.isbn}) AND mediatype:texts"
    assert (
        stand_in_client.get(Service.INTERNET_ARCHIVE, "/advancedsearch.php", q=request_text).json()["response"][
            "numFound"
        ]
        == 1
    )
    escaped = stand_in_client.get(
        Service.INTERNET_ARCHIVE, "/advancedsearch.php", q=r"title:(what\? \(zzqq\)) AND mediatype:texts"
    ).json()
    assert escaped["response"]["docs"] == []
    assert stand_in_client.get(Service.INTERNET_ARCHIVE, "/advancedsearch.php", q="nonsense").status_code == 400


def test_wikidata_queries(stand_in_client: StandInClient) -> None:
    record = stand_in_client.record(Service.WIKIDATA, language="en")
    title = record.title.replace("\\", "\\\\").replace('"', '\\"')
    select = "SELECT DISTINCT ?edition ?isbn13 ?isbn10 ?title ?author ?authorLabel WHERE"
    by_title = stand_in_client.get(
        Service.WIKIDATA, "/sparql", query=f'{select} {{ VALUES ?name {{ "{title}"@en }} }}', format="json"
    ).json()
    rows = by_title["results"]["bindings"]
    assert record.isbn in {any_isbn13(row.get("isbn13", row.get("isbn10"))["value"]) for row in rows}
    assert {name for row in rows for name in row} <= set(by_title["head"]["vars"])
    by_isbn = stand_in_client.get(
        Service.WIKIDATA, "/sparql", query=f'SELECT ?isbn ?edition ?date WHERE {{ VALUES ?isbn {{ "{record.isbn}" }} }}'
    ).json()
    assert any_isbn13(by_isbn["results"]["bindings"][0]["isbn"]["value"]) == record.isbn
    assert_same_shape(restated("wikidata/rows_with_blank_node.json"), by_isbn, members={"head", "results"})
    assert stand_in_client.get(Service.WIKIDATA, "/sparql", query="nonsense").status_code == 400


def test_wikipedia_summaries_and_search(stand_in_client: StandInClient) -> None:
    names = list(stand_in_client.stand_in.catalogue.authors)[:40]
    replies = [
        stand_in_client.get(Service.WIKIPEDIA, f"/api/rest_v1/page/summary/{name.replace(' ', '_')}")
        for name in names[:20]
    ]
    known = [reply.json() for reply in replies if reply.status_code == 200]
    assert {reply.status_code for reply in replies} == {200, 404}
    assert all(summary["type"] in {"standard", "disambiguation"} for summary in known)
    assert_same_shape(
        restated("wikipedia/summary_of_a_theorem.json"),
        known[0],
        members={"type", "title", "titles", "description", "extract", "content_urls"},
    )
    found = stand_in_client.get(
        Service.WIKIPEDIA, "/w/api.php", action="query", list="search", srsearch=f"{known[0]['title']} writer"
    ).json()
    assert known[0]["title"] in {hit["title"] for hit in found["query"]["search"]}
    wrong = stand_in_client.get(Service.WIKIPEDIA, "/w/api.php", action="nonsense")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (200, "badvalue")


def test_ai_services_list_the_month_of_the_prompt(stand_in_client: StandInClient) -> None:
    request_text = (
        "Which notable books were first published in March 2020? Name up to 12 books, the most notable first."
    )
    gemini = stand_in_client.post(
        Service.GEMINI,
        "/models/gemini-3.5-flash-lite:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": request_text}]}]},
    ).json()
    xai = stand_in_client.post(
        Service.XAI, "/chat/completions", {"model": "grok-4.3", "messages": [{"role": "user", "content": request_text}]}
    ).json()
    texts = [gemini["candidates"][0]["content"]["parts"][0]["text"], xai["choices"][0]["message"]["content"]]
    for generator, text in zip(GENERATORS, texts, strict=True):
        listed = stand_in_client.stand_in.lists.listing("2020-03", generator, 12)
        assert [(book["title"], book["author"]) for book in json.loads(text)["books"]] == [
            (each.title, each.author) for each in listed
        ]
    assert gemini["usageMetadata"]["totalTokenCount"] > gemini["usageMetadata"]["candidatesTokenCount"] > 0
    assert xai["usage"]["total_tokens"] > xai["usage"]["prompt_tokens"] + xai["usage"]["completion_tokens"]
    assert_same_shape(
        restated("gemini/structured_output.json", "body"),
        gemini,
        members={"candidates", "modelVersion", "usageMetadata", "responseId"},
    )
    assert_same_shape(
        restated("xai/chat_with_reasoning.json"), xai, members={"id", "object", "created", "model", "choices", "usage"}
    )
    assert stand_in_client.post(Service.GEMINI, "/models/palm:generateContent", {}).status_code == 404
    assert isinstance(
        stand_in_client.http.post(stand_in_client.address(Service.XAI, "/chat/completions"), json={}).json()["error"],
        str,
    )


def test_month_and_limit_of_a_prompt() -> None:
    assert month_of("first published in June 2020, in English") == "2020-06"
    assert month_of("the books of 2019-12") == "2019-12"
    assert month_of("no month in 2020") is None
    assert limit_of("List exactly 30 notable books") == 30
    assert limit_of("as many as you like") == 20
