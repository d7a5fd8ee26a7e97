"""ISBNdb: what is asked, what is understood of the answers, and what of the errors."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import EditionVariant, Rating, Subjects
from alexandria_pipeline.domain.records import BookQuery, ContributorRole, EditionFormat, PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers import base
from alexandria_pipeline.providers.isbndb.client import MAX_QUERY_LENGTH, SPEC, IsbnDb
from alexandria_pipeline.providers.isbndb.parser import parse_batch, parse_book, parse_search
from alexandria_pipeline_tests.providers.service import JSON, Service, answer, payload, reply, shaped

DUNE = Isbn13("9780441172719")
QUERY = BookQuery("Dune (Dune Chronicles, #1)", "Frank Herbert", 2020)
NOTHING = reply({"errorMessage": "Not Found"}, 404)
SHAPED = shaped(
    "books", "data", "book", "total", "title", "isbn13", "isbn", "authors", "related", "other_isbns", "errorMessage"
)


def recorded(name: str) -> Any:
    return reply(payload("isbndb", name))


def test_it_offers_what_its_capabilities_say() -> None:
    client = IsbnDb(Service(NOTHING))
    for protocol in (
        base.IsbnResolver, base.BatchMetadataSource, base.CoverSource, base.RatingSource, base.VariantSource, base.SubjectSource,
    ):  # fmt: skip
        assert isinstance(client, protocol)
    assert (client.declaration.name, client.declaration.kind, client.revision()) == (
        "isbndb",
        base.ProviderKind.PAID,
        "1",
    )


def test_a_book_costs_one_search_for_title_words_and_surname() -> None:
    service = Service(NOTHING)
    assert answer(IsbnDb(service).resolve(QUERY)) == NotFound()
    assert service.asked == [("/books/Dune%20Herbert", {"page": 1, "pageSize": 20})]


@pytest.mark.parametrize("title", ["A/B: C?D#E%F & G", "x" * 400, "word " * 100, "..", "Überleben, \ud800"])
def test_a_query_is_one_path_segment_of_bearable_length(title: str) -> None:
    service = Service(NOTHING)
    answer(IsbnDb(service).resolve(BookQuery(title, "O'Brien/Smith")))
    ((path, _),) = service.asked
    assert path.count("/") == 2
    assert len(unquote(path.removeprefix("/books/"))) <= MAX_QUERY_LENGTH


def test_a_nameless_question_costs_nothing() -> None:
    service = Service(NOTHING)
    assert answer(IsbnDb(service).resolve(BookQuery("", ""))) == NotFound()
    assert service.asked == []


def test_the_whole_page_is_offered_in_its_order() -> None:
    found = parse_search(recorded("search_dune"))
    assert isinstance(found, list)
    assert [(each.isbn13, each.rank) for each in found] == [
        ("9798601234566", 0), ("9788497596824", 1), ("9780441172719", 2), ("9780441013593", 3),
    ]  # fmt: skip
    spanish, right, bare = found[1:]
    assert (spanish.language, spanish.published, spanish.contributors[0].name) == (
        "es",
        PartialDate(2003),
        "Herbert, Frank",
    )
    assert (right.subtitle, right.format, right.pages) == ("Deluxe Edition", EditionFormat.PAPERBACK, 535)
    assert (right.contributors[0].name, right.contributors[0].role) == ("Herbert, Frank", ContributorRole.UNKNOWN)
    assert (right.published, right.language, right.subjects) == (PartialDate(1990, 9, 1), "en", ("Science fiction",))
    assert (bare.contributors, bare.pages, bare.published) == ((), None, None)


@pytest.mark.parametrize("data", [{"total": 0, "books": []}, {"total": 0, "data": []}, {"books": []}])
def test_no_hits_are_a_no(data: Any) -> None:
    assert parse_search(reply(data)) == NotFound()


def test_records_without_an_isbn_are_a_no() -> None:
    assert parse_search(reply({"total": 1, "books": [{"title": "Dune", "isbn13": "9780441172718"}]})) == NotFound()


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        3,
        {},
        {"books": None},
        {"books": {}},
        {"books": ["x"]},
        {"books": [{"other": 1}]},
        {"total": 4, "books": []},
    ],
)
def test_a_wrong_shape_is_no_answer(data: Any) -> None:
    for parsed in (parse_search(reply(data)), parse_book(reply(data), DUNE), parse_batch(reply(data), [DUNE])):
        assert isinstance(parsed, Failed)


@pytest.mark.parametrize(
    "data", [None, [], {}, {"message": "no Route matched with those values"}, {"message": "gone"}, "<html>"]
)
def test_a_404_that_is_not_the_vendors_is_no_answer(data: Any) -> None:
    assert isinstance(parse_search(reply(data, 404)), Failed)
    assert isinstance(parse_book(reply(data, 404), DUNE), Failed)


def test_metadata() -> None:
    service = Service(NOTHING, {f"/book/{DUNE}": recorded("book")})
    found = answer(IsbnDb(service).metadata(DUNE))
    assert not isinstance(found, NotFound | Unavailable | Failed)
    assert (found.description, found.pages, found.published) == ("Set on Arrakis & beyond.", 535, PartialDate(1990))
    assert [cover.url for cover in found.covers] == ["https://images.isbndb.com/covers/27/19/9780441172719.jpg"]
    assert found.subjects == ("Science fiction",)


def test_one_record_answers_covers_subjects_and_variants() -> None:
    client = IsbnDb(Service(recorded("book")))
    assert answer(client.subjects(DUNE)) == Subjects("isbndb", ("Science fiction",))
    variant = EditionVariant("isbndb", Isbn13("9780441013593"), "Dune", EditionFormat.PAPERBACK)
    assert answer(client.variants(DUNE)) == [variant]
    assert answer(client.rating(DUNE)) == NotFound()
    assert len(answer(client.covers(DUNE))) == 1  # type: ignore[arg-type]


def test_a_rating_is_read_where_there_is_one() -> None:
    book = {**payload("isbndb", "book")["book"], "rating": "4.2", "ratings_count": 7}
    assert answer(IsbnDb(Service(reply({"book": book}))).rating(DUNE)) == Rating("isbndb", 4.2, 7)


def test_a_record_of_another_isbn_is_no_answer() -> None:
    assert isinstance(answer(IsbnDb(Service(recorded("book"))).metadata(Isbn13("9780441569595"))), Failed)


def test_an_unknown_isbn_is_a_no_of_short_life() -> None:
    assert answer(IsbnDb(Service(NOTHING)).metadata(DUNE)) == NotFound()
    assert SPEC.negative_cache_days <= 1


def test_a_batch_is_one_request_and_the_unknown_are_missing() -> None:
    service = Service(recorded("batch"))
    asked = [DUNE, Isbn13("9780807083697"), DUNE]
    found = answer(IsbnDb(service).metadata_batch(asked))
    assert isinstance(found, dict)
    assert list(found) == [DUNE]
    assert service.asked == [("/books", {"isbns": ["9780441172719", "9780807083697"]})]


def test_batches_that_need_or_allow_no_request() -> None:
    service = Service(NOTHING)
    assert answer(IsbnDb(service).metadata_batch([])) == {}
    assert isinstance(answer(IsbnDb(service, batch_size=1).metadata_batch([DUNE, Isbn13("9780807083697")])), Failed)
    assert service.asked == []
    assert answer(IsbnDb(service).metadata_batch([DUNE])) == {}


def test_errors_are_told_apart() -> None:
    def said(status: int, message: str) -> Unavailable | Failed | None:
        return SPEC.explain(status, {"errorMessage": message})

    assert SPEC.explain(200, {}) is None
    assert SPEC.explain(404, {}) is None
    daily = said(429, "Daily quota exceeded")
    assert isinstance(daily, Unavailable)
    assert daily.temporary
    for message in ("Per minute rate limit exceeded", "Limit Exceeded", ""):
        slow = said(429, message)
        assert isinstance(slow, Failed)
        assert slow.transient
    key = said(401, "Unauthorized")
    assert isinstance(key, Failed), "who was asked and refused has given no definite no"
    assert "ISBNDB_API_KEY" in key.reason
    assert not key.transient
    assert isinstance(said(403, "Daily quota"), Failed)
    assert SPEC.explain(503, None) == Failed("ISBNdb answered 503", transient=True)
    assert SPEC.explain(400, "x") == Failed("ISBNdb answered 400", transient=False)


@pytest.mark.parametrize("outcome", [Unavailable("no key"), Failed("timed out")])
def test_what_the_transport_says_is_passed_on(outcome: Unavailable | Failed) -> None:
    service = Service(outcome)
    client = IsbnDb(service)
    assert (
        answer(client.resolve(QUERY))
        == answer(client.metadata(DUNE))
        == answer(client.metadata_batch([DUNE]))
        == outcome
    )
    service.closed = Unavailable("off")
    assert client.unavailable() == Unavailable("off")


@given(JSON | SHAPED)
def test_no_json_makes_a_parser_raise(data: Any) -> None:
    for status in (200, 404):
        parse_search(reply(data, status))
        parse_book(reply(data, status), DUNE)
        parse_batch(reply(data, status), [DUNE])
    SPEC.explain(429, data)


@given(JSON)
def test_a_shape_without_the_vendors_fields_is_never_a_no(data: Any) -> None:
    assert not isinstance(parse_search(reply(data)), NotFound) or "books" in data or "data" in data
    assert not isinstance(parse_book(reply(data), DUNE), NotFound)
