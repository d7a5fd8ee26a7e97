"""Open Library: requests, parsing of responses, and the error table."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import ExternalIds, Rating, SeriesInfo, Subjects, WorkSummary
from alexandria_pipeline.domain.records import BookQuery, ContributorRole, EditionFormat, PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers import base
from alexandria_pipeline.providers.open_library.client import SPEC, OpenLibrary
from alexandria_pipeline.providers.open_library.parser import (
    parse_authors,
    parse_books,
    parse_editions,
    parse_rating,
    parse_ratings,
    parse_records,
    parse_subject,
    parse_works,
    series_of,
)
from alexandria_pipeline.providers.open_library.records import MAX_PAGES, Records
from alexandria_pipeline_tests.providers.scripted_http import JSON, ScriptedHttp, json_with, payload, response, run

SABRIEL = Isbn13("9780061474354")
QUERY = BookQuery("Sabriel (Abhorsen, #1)", "Garth Nix", 2003)
MISSING = response({"error": "notfound", "key": "/isbn/x"}, 404)
EMPTY = response({"numFound": 0, "start": 0, "docs": []})
PARSERS = (
    parse_books,
    parse_works,
    parse_editions,
    parse_subject,
    parse_authors,
    parse_rating,
    parse_ratings,
    parse_records,
)
SERVICE_JSON = json_with(
    "docs",
    "works",
    "entries",
    "details",
    "ISBN:9780441172719",
    "summary",
    "average",
    "key",
    "title",
    "isbn",
    "editions",
    "authors",
    "name",
    "numFound",
)


def stored(name: str) -> Any:
    return response(payload("open_library", name))


def records(**changes: Any) -> ScriptedHttp:
    script = {
        f"/isbn/{SABRIEL}.json": stored("edition"),
        "/works/OL1W.json": stored("work"),
        "/works/OL1W/editions.json": stored("editions"),
        "/works/OL1W/ratings.json": stored("ratings"),
        "/authors/OL8A.json": stored("author_redirect"),
        "/authors/OL9A.json": stored("author"),
        "/search/authors.json": stored("authors_search"),
        "/subjects/science_fiction.json": stored("subject"),
    }
    return ScriptedHttp(SPEC, MISSING, {**script, **changes})


def test_the_client_implements_its_capabilities() -> None:
    client = OpenLibrary(ScriptedHttp(SPEC, MISSING))
    for protocol in (
        base.IsbnResolver, base.MetadataSource, base.CoverSource, base.RatingSource, base.VariantSource, base.ExternalIdSource,
        base.SubjectSource, base.SubjectBrowser, base.SeriesSource, base.BiographySource, base.Prefetcher,
    ):  # fmt: skip
        assert isinstance(client, protocol)
    assert (client.declaration.name, client.declaration.kind, client.revision()) == (
        "open-library",
        base.ProviderKind.FREE,
        "2",
    )


UNKNOWN = Isbn13("9780807083697")
PLACEHOLDER = Isbn13("9780441172719")
MANY = [SABRIEL, UNKNOWN, PLACEHOLDER, SABRIEL]


def test_many_editions_are_one_request_and_each_question_has_its_own_answer() -> None:
    http = records(**{"/api/books": stored("api_books_details")})
    client = OpenLibrary(http)
    run(client.prefetch(base.Capability.METADATA_ENRICHMENT, MANY))
    ((path, params),) = http.requests
    keys = "ISBN:9780061474354,ISBN:9780441172719,ISBN:9780807083697"
    assert (path, params) == ("/api/books", {"bibkeys": keys, "jscmd": "details", "format": "json"})
    found = run(client.metadata(SABRIEL))
    assert not isinstance(found, NotFound | Unavailable | Failed)
    assert (found.title, found.publisher, found.pages, found.language) == ("Sabriel", "HarperTeen", 491, "en")
    assert (
        run(client.metadata(UNKNOWN)) == run(client.metadata(PLACEHOLDER)) == run(client.covers(UNKNOWN)) == NotFound()
    )
    assert run(client.series(SABRIEL)) == SeriesInfo("open-library", "Abhorsen", "1")
    run(client.prefetch(base.Capability.RATINGS, MANY))
    assert [path for path in http.paths if path.startswith(("/isbn/", "/api/"))] == ["/api/books"]


@pytest.mark.parametrize(
    "trouble",
    [
        response({}), response({"error": "x"}), response({f"ISBN:{UNKNOWN}": {"bib_key": "x"}}), response([]), MISSING,
        Failed("503"), Unavailable("breaker open", temporary=True),
    ],
)  # fmt: skip
def test_a_response_about_many_that_may_be_an_error_is_no_answer_about_any(trouble: Any) -> None:
    http = records(**{"/api/books": trouble})
    client = OpenLibrary(http)
    run(client.prefetch(base.Capability.METADATA_ENRICHMENT, MANY))
    found = run(client.metadata(SABRIEL))
    assert not isinstance(found, NotFound | Unavailable | Failed)
    assert run(client.metadata(UNKNOWN)) == NotFound()
    assert [path for path in http.paths if path.startswith("/isbn/")] == [
        f"/isbn/{SABRIEL}.json",
        f"/isbn/{UNKNOWN}.json",
    ]


@pytest.mark.parametrize("details", [None, [], {"title": "Sabriel"}, {"key": "/books/OL2M", "title": "Sabriel"}])
def test_an_unreadable_record_among_many_is_requested_alone(details: Any) -> None:
    many = {f"ISBN:{SABRIEL}": {"details": details}, f"ISBN:{UNKNOWN}": {"details": {"key": "/books/OL4M"}}}
    http = records(**{"/api/books": response(many)})
    client = OpenLibrary(http)
    run(client.prefetch(base.Capability.METADATA_ENRICHMENT, [SABRIEL, UNKNOWN]))
    assert not isinstance(run(client.metadata(SABRIEL)), NotFound | Failed)
    assert f"/isbn/{SABRIEL}.json" in http.paths


def _together(**changes: Any) -> ScriptedHttp:
    many = {f"ISBN:{SABRIEL}": {"details": payload("open_library", "edition")}, f"ISBN:{UNKNOWN}": {"details": {"key": "/books/OL4M", "title": "X",
            "isbn_13": [UNKNOWN], "works": [{"key": "/works/OL2W"}]}}}  # fmt: skip
    return records(**{"/api/books": response(many)} | changes)


def test_works_and_authors_of_many_editions_are_one_request_each() -> None:
    work = payload("open_library", "work") | {"authors": [{"author": {"key": "/authors/OL9A"}}]}
    other = {"key": "/works/OL2W", "title": "X", "authors": [{"author": {"key": "/authors/OL7A"}}]}
    result = {
        "/works/OL1W": work,
        "/works/OL2W": other,
        "/authors/OL9A": payload("open_library", "author"),
        "/authors/OL7A": {"key": "/authors/OL7A", "name": "Ann"},
    }
    http = _together(**{"/api/get_many": response({"status": "ok", "result": result})})
    client = OpenLibrary(http)
    run(client.prefetch(base.Capability.METADATA_ENRICHMENT, [SABRIEL, UNKNOWN]))
    asked = [json.loads(params["keys"]) for path, params in http.requests if path == "/api/get_many"]
    assert asked == [["/works/OL1W", "/works/OL2W"]]  # the authors came with them
    found = run(client.metadata(SABRIEL))
    assert not isinstance(found, NotFound | Unavailable | Failed)
    assert (found.description, found.contributors[0].name) == ("First in the Old Kingdom series.", "Garth Nix")
    run(client.prefetch_authors([(("openlibrary_author", "OL9A"),), (("viaf", "1"),)]))
    biography = run(client.biography("G. Nix", (("viaf", "1"), ("openlibrary_author", "OL9A"))))
    assert not isinstance(biography, NotFound | Unavailable | Failed)
    assert biography.name == "Garth Nix"
    assert http.paths == ["/api/books", "/api/get_many"]
    assert run(client.biography("Garth Brooks", (("openlibrary_author", "../x"),))) == NotFound()  # by name


@pytest.mark.parametrize("trouble", [{}, {"status": "fail", "message": "x"}, {"status": "ok", "result": {}}, []])
def test_records_that_are_not_in_a_response_about_many_are_requested_alone(trouble: Any) -> None:
    http = _together(**{"/api/get_many": response(trouble), "/search.json": response(trouble)})
    client = OpenLibrary(http)
    run(client.prefetch(base.Capability.METADATA_ENRICHMENT, [SABRIEL, UNKNOWN]))
    run(client.prefetch(base.Capability.RATINGS, [SABRIEL, UNKNOWN]))
    assert not isinstance(run(client.metadata(SABRIEL)), NotFound | Unavailable | Failed)
    assert isinstance(run(client.rating(SABRIEL)), Rating)
    assert {"/works/OL1W.json", "/works/OL1W/ratings.json"} <= set(http.paths)


def test_ratings_of_many_works_are_one_search() -> None:
    docs = [{"key": "/works/OL1W", "ratings_average": 4.25, "ratings_count": 8}, {"key": "/works/OL2W"}]
    http = _together(**{"/search.json": response({"numFound": 2, "docs": docs})})
    client = OpenLibrary(http)
    run(client.prefetch(base.Capability.RATINGS, [SABRIEL, UNKNOWN]))
    assert (run(client.rating(SABRIEL)), run(client.rating(UNKNOWN))) == (Rating("open-library", 4.25, 8), NotFound())
    path, params = http.requests[-1]
    assert (path, params["q"], params["limit"]) == ("/search.json", "key:(/works/OL1W OR /works/OL2W)", 2)


def test_one_edition_is_not_prefetched() -> None:
    http = records()
    run(OpenLibrary(http).prefetch(base.Capability.METADATA_ENRICHMENT, [SABRIEL, SABRIEL]))
    assert http.requests == []


def test_a_search_that_shows_the_edition_is_one_request() -> None:
    http = ScriptedHttp(SPEC, MISSING, {"/search.json": stored("search")})
    found = run(OpenLibrary(http).resolve(QUERY))
    assert isinstance(found, list)
    ((path, params),) = http.requests
    assert (path, params["title"], params["author"], params["lang"]) == ("/search.json", "Sabriel", "Nix", "en")
    assert "editions.isbn" in params["fields"]
    shown, *others = found
    assert (shown.isbn13, shown.language, shown.format) == ("9780060273224", "en", EditionFormat.HARDCOVER)
    assert (shown.published, shown.first_published, shown.publisher) == (PartialDate(1996), 1995, "HarperCollins")
    assert shown.contributors[0].aliases == ("Nix, Garth", "Гарт Никс")
    assert shown.identifiers == (("openlibrary_work", "OL1W"), ("openlibrary_edition", "OL1M"))
    assert [(each.isbn13, each.language, each.format, each.rank) for each in others] == [
        ("9780061474354", None, EditionFormat.UNKNOWN, 1), ("9785699123452", None, EditionFormat.UNKNOWN, 1),
    ]  # fmt: skip


def test_a_search_without_the_edition_is_followed_by_a_request_for_the_works_editions() -> None:
    script = {"/search.json": stored("search_without_editions"), "/works/OL1W/editions.json": stored("editions")}
    http = ScriptedHttp(SPEC, MISSING, script)
    found = run(OpenLibrary(http).resolve(QUERY))
    assert isinstance(found, list)
    assert http.paths == ["/search.json", "/works/OL1W/editions.json"]
    assert [(each.isbn13, each.language, each.format) for each in found] == [
        ("9788478710539", "es", EditionFormat.HARDCOVER),
        ("9780807216057", "en", EditionFormat.AUDIO),
        ("9780061474354", "en", EditionFormat.PAPERBACK),
    ]
    assert found[1].contributors[1].role is ContributorRole.NARRATOR


@pytest.mark.parametrize("trouble", [MISSING, Failed("503"), Unavailable("breaker open", temporary=True), response([])])
def test_without_editions_the_isbns_of_the_work_are_candidates(trouble: Any) -> None:
    http = ScriptedHttp(SPEC, trouble, {"/search.json": stored("search_without_editions")})
    found = run(OpenLibrary(http).resolve(QUERY))
    assert isinstance(found, list)
    assert [each.isbn13 for each in found] == ["9780060273224", "9780061474354", "9788478710539"]
    assert {(each.language, each.format) for each in found} == {(None, EditionFormat.UNKNOWN)}


def test_no_results_are_not_found() -> None:
    http = ScriptedHttp(SPEC, EMPTY)
    assert run(OpenLibrary(http).resolve(QUERY)) == NotFound()
    assert [sorted(set(params) & {"title", "author"}) for _, params in http.requests] == [
        ["author", "title"],
        ["author"],
        ["title"],
    ]
    assert run(OpenLibrary(http).resolve(BookQuery("", "Garth Nix"))) == NotFound()
    assert len(http.requests) == 3


@pytest.mark.parametrize(
    "data",
    [None, [], "x", 3, {}, {"docs": None}, {"docs": {}}, {"docs": ["x"]}, {"docs": [{}]}, {"numFound": 3, "docs": []},
     {"numFound": 0}, {"docs": [], "error": "Solr is down"}, {"entries": [1]}, {"entries": [], "size": 3},
     {"works": [], "work_count": 9}, {"works": [{"x": 1}]}, {"summary": {}}, {"summary": {"average": "x", "count": 2}}],
)  # fmt: skip
def test_a_response_of_unexpected_shape_is_a_failure(data: Any) -> None:
    for parse in PARSERS:
        assert isinstance(parse(response(data)), Failed)
    assert isinstance(run(OpenLibrary(ScriptedHttp(SPEC, response(data))).metadata(SABRIEL)), Failed)


@pytest.mark.parametrize("data", [None, "x", {}, {"message": "nothing here"}, {"error": "internal"}])
def test_a_404_that_is_not_from_the_service_is_a_failure(data: Any) -> None:
    assert isinstance(run(OpenLibrary(ScriptedHttp(SPEC, response(data, 404))).metadata(SABRIEL)), Failed)


def test_metadata_follows_keys_and_the_redirect_of_a_merged_author() -> None:
    http = records()
    found = run(OpenLibrary(http).metadata(SABRIEL))
    assert not isinstance(found, NotFound | Unavailable | Failed)
    assert http.paths == [
        f"/isbn/{SABRIEL}.json", "/works/OL1W.json", "/authors/OL8A.json", "/authors/OL9A.json",
    ]  # fmt: skip
    assert [(person.name, person.role, person.aliases) for person in found.contributors] == [
        ("Garth Nix", ContributorRole.AUTHOR, ("Nix, Garth",)), ("Leo Dillon", ContributorRole.OTHER, ()),
    ]  # fmt: skip
    assert (found.description, found.series, found.volume) == ("First in the Old Kingdom series.", "Old Kingdom", "1")
    assert [cover.url for cover in found.covers] == ["https://covers.openlibrary.org/b/id/5014078-L.jpg"]
    assert found.subjects == ("Fantasy", "Magic")
    assert ("wikidata", "Q3460938") in found.identifiers


def test_metadata_of_an_edition_without_a_work() -> None:
    bare = {"key": "/books/OL6M", "title": "Sabriel", "isbn_13": [str(SABRIEL)]}
    found = run(OpenLibrary(ScriptedHttp(SPEC, MISSING, {f"/isbn/{SABRIEL}.json": response(bare)})).metadata(SABRIEL))
    assert getattr(found, "title", None) == "Sabriel"


@pytest.mark.parametrize("path", ["/works/OL1W.json", "/authors/OL9A.json"])
def test_a_failed_record_is_not_a_missing_record(path: str) -> None:
    assert run(OpenLibrary(records(**{path: Failed("503")})).metadata(SABRIEL)) == Failed("503")


def test_a_record_of_another_isbn_is_a_failure() -> None:
    http = ScriptedHttp(SPEC, MISSING, {"/isbn/9780807083697.json": stored("edition")})
    assert isinstance(run(OpenLibrary(http).metadata(Isbn13("9780807083697"))), Failed)


def test_an_unknown_isbn_is_not_found() -> None:
    assert run(OpenLibrary(ScriptedHttp(SPEC, MISSING)).metadata(SABRIEL)) == NotFound()


def test_redirects_are_limited() -> None:
    circle = response({"key": "/authors/OL8A", "type": {"key": "/type/redirect"}, "location": "/authors/OL8A"})
    http = records(**{"/authors/OL8A.json": circle})
    assert isinstance(run(OpenLibrary(http).metadata(SABRIEL)), Failed)
    assert len(http.requests) < 8


def test_the_other_capabilities() -> None:
    client = OpenLibrary(records(), covers_url="https://covers.test/")
    assert run(client.rating(SABRIEL)) == Rating("open-library", 4.1, 38)
    variants = run(client.variants(SABRIEL))
    assert isinstance(variants, list)
    assert [each.isbn13 for each in variants] == ["9788478710539", "9780807216057"]
    assert run(client.subjects(SABRIEL)) == Subjects("open-library", ("Fantasy", "Magic"))
    assert run(client.series(SABRIEL)) == SeriesInfo("open-library", "Old Kingdom", "1")
    covers = run(client.covers(SABRIEL))
    assert isinstance(covers, list)
    assert covers[0].url == "https://covers.test/b/id/5014078-L.jpg"
    ids = run(client.external_ids(SABRIEL))
    assert isinstance(ids, ExternalIds)
    assert {("goodreads", "535197"), ("oclc", "57215622"), ("internet_archive", "sabriel00nixg")} <= set(
        ids.identifiers
    )


def test_a_work_without_ratings_is_not_found() -> None:
    unrated = response({"summary": {"average": None, "count": 0}, "counts": {}})
    assert run(OpenLibrary(records(**{"/works/OL1W/ratings.json": unrated})).rating(SABRIEL)) == NotFound()


def test_browsing_a_subject() -> None:
    found = run(OpenLibrary(records()).browse("Science Fiction", 5))
    assert found == [
        WorkSummary("open-library", "Sabriel", ("Garth Nix",), 1995, None, (("openlibrary_work", "OL1W"),))
    ]
    empty = response({"key": "/subjects/x", "work_count": 0, "works": []})
    assert run(OpenLibrary(ScriptedHttp(SPEC, empty)).browse("x")) == NotFound()


def test_a_biography_is_that_of_the_namesake_with_most_works() -> None:
    found = run(OpenLibrary(records()).biography("Garth Nix"))
    assert not isinstance(found, NotFound | Unavailable | Failed)
    assert (found.biography, found.born) == ("Garth Nix was born in Melbourne.", PartialDate(1963, 7, 19))
    assert found.portrait_url == "https://covers.openlibrary.org/a/id/7277122-L.jpg"
    assert ("wikidata", "Q455559") in found.identifiers
    assert run(OpenLibrary(records()).biography("Garth Brooks")) == NotFound()


@pytest.mark.parametrize(
    ("line", "series", "position"),
    [("Old Kingdom, #1", "Old Kingdom", "1"), ("Gibsons Cyberspace trilogi -- 1", "Gibsons Cyberspace trilogi", "1"),
     ("Discworld (bk. 12)", "Discworld", "12"), ("Wheel of time ; v. 3", "Wheel of time", "3"),
     ("Ace science fiction", "Ace science fiction", None), ("Catch 22", "Catch 22", None)],
)  # fmt: skip
def test_series_lines(line: str, series: str, position: str | None) -> None:
    assert series_of([line]) == SeriesInfo("open-library", series, position)


def test_error_table() -> None:
    assert SPEC.explain(200, {}) is None
    assert SPEC.explain(404, {"error": "notfound"}) is None
    assert SPEC.explain(503, None) == Failed("Open Library returned HTTP 503", transient=True)
    assert SPEC.explain(429, {"status": 429}) == Failed("Open Library requests fewer calls (HTTP 429)")
    assert SPEC.explain(400, None) == Failed("Open Library returned HTTP 400", transient=False)


@pytest.mark.parametrize("outcome", [Unavailable("off"), Failed("timed out")])
def test_answers_of_the_transport_are_returned_unchanged(outcome: Unavailable | Failed) -> None:
    client = OpenLibrary(ScriptedHttp(SPEC, outcome))
    for call in (
        client.resolve(QUERY), client.metadata(SABRIEL), client.covers(SABRIEL), client.rating(SABRIEL),
        client.variants(SABRIEL), client.external_ids(SABRIEL), client.subjects(SABRIEL), client.series(SABRIEL),
        client.browse("x"), client.biography("Garth Nix"),
    ):  # fmt: skip
        assert run(call) == outcome


@given(JSON | SERVICE_JSON)
def test_the_client_never_raises(data: Any) -> None:
    for status in (200, 404):
        client = OpenLibrary(ScriptedHttp(SPEC, response(data, status)))
        run(client.resolve(QUERY))
        run(client.metadata(SABRIEL))
        run(client.biography("Garth Nix"))
        for parse in PARSERS:
            parse(response(data, status))


@given(JSON)
def test_json_without_the_services_members_is_never_not_found(data: Any) -> None:
    assert not any(isinstance(parse(response(data)), NotFound) for parse in PARSERS)


def test_the_editions_of_a_work_are_read_to_the_end() -> None:
    def page(first: int, size: int, following: int | None) -> Any:
        entries = [{"key": f"/books/OL{n + 1}M", "title": "Night Harbour"} for n in range(first, first + size)]
        links = {"next": f"/works/OL1W/editions.json?offset={following}&limit=300"} if following else {}
        return response({"size": 612, "entries": entries, "links": links})

    class Pages(ScriptedHttp):
        async def get(self, path: str, parse: Any, params: Any = None) -> Any:
            self.otherwise = page(300, 12, None) if (params or {}).get("offset") == 300 else page(0, 300, 300)
            return await super().get(path, parse, params)

    http = Pages(SPEC, response(None))
    found = run(Records(http).editions("OL1W"))
    assert isinstance(found, tuple)
    assert len(found) == 312
    assert [params for _, params in http.requests] == [{"limit": 300}, {"limit": 300, "offset": 300}]


def test_a_list_of_editions_without_an_end_is_cut_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Endless(ScriptedHttp):
        async def get(self, path: str, parse: Any, params: Any = None) -> Any:
            following = f"/works/OL1W/editions.json?offset={(params or {}).get('offset', 0) + 300}"
            self.otherwise = response({"entries": [{"key": "/books/OL1M", "title": "T"}], "links": {"next": following}})
            return await super().get(path, parse, params)

    http = Endless(SPEC, response(None))
    assert len(run(Records(http).editions("OL1W"))) == MAX_PAGES  # type: ignore[arg-type]
    assert "more than 5 editions of OL1W" in caplog.text


def test_a_placeholder_is_no_title() -> None:
    record = {
        "key": "/books/OL1M",
        "title": "Book 9781803132174",
        "isbn_13": ["9781803132174"],
        "works": [{"key": "/works/OL1W"}],
    }
    client = OpenLibrary(ScriptedHttp(SPEC, response(record)))
    assert run(client.metadata(Isbn13("9781803132174"))) == NotFound()


def test_the_isbns_of_a_query_are_searched_for_first() -> None:
    http = ScriptedHttp(SPEC, stored("search"))
    query = BookQuery("Dune", "Frank Herbert", isbns=(Isbn13("9780441013593"), Isbn13("9780441172719")))
    run(OpenLibrary(http).resolve(query))
    assert http.requests[0][1]["q"] == "isbn:(9780441013593 OR 9780441172719)"
