"""Wikidata: literals in queries, rows with missing and unknown values, and every capability with a payload.

The payloads are results of these queries on a small graph of an invented book.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import Award, Cover, SeriesInfo, Translation
from alexandria_pipeline.domain.records import BookQuery, Contributor, ContributorRole, EditionFormat, PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers import base
from alexandria_pipeline.providers.wikidata import queries as wikidata_queries
from alexandria_pipeline.providers.wikidata.client import SPEC, Wikidata
from alexandria_pipeline.providers.wikidata.models import wikidata_date
from alexandria_pipeline.providers.wikidata.parser import candidates, parse_rows
from alexandria_pipeline.providers.wikidata.queries import sparql_literal, title_forms, writable
from alexandria_pipeline_tests.providers.scripted_http import JSON, ScriptedHttp, payload, response, run

ISBN = Isbn13.parse("9780441013593")
GERMAN = Isbn13.parse("9783453317178")
QUERY = BookQuery("The Glass Harbour", "Mara Ellison")
ENTITY = "http://www.wikidata.org/entity/"
VARIABLES = (
    "isbn",
    "isbn13",
    "isbn10",
    "edition",
    "editionLabel",
    "work",
    "title",
    "date",
    "author",
    "authorLabel",
    "image",
)


def call_with_payload(method: str, name: str, *arguments: Any) -> Any:
    """The result of a method of the client, if the service returns a payload."""
    return call(method, payload("wikidata", name), *arguments)


def call(method: str, body: Any, *arguments: Any) -> Any:
    """The result of a method of the client, if the service returns this JSON value."""
    return run(getattr(Wikidata(ScriptedHttp(SPEC, response(body))), method)(*arguments))


def result(*bindings: Any) -> dict[str, Any]:
    return {"head": {"vars": []}, "results": {"bindings": list(bindings)}}


def literal(value: str, **more: str) -> dict[str, str]:
    return {"type": "literal", "value": value, **more}


def item(number: str) -> dict[str, str]:
    return {"type": "uri", "value": f"{ENTITY}{number}"}


# Queries


def read_literals(query: str) -> list[str]:
    """The string literals of a query, read as STRING_LITERAL2 of SPARQL 1.1. Fails if there are other quotation marks."""
    echar = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
    found = re.findall(r'"((?:[^"\\\n\r]|\\[tbnrf"\'\\])*)"', query)
    assert '"' not in re.sub(r'"((?:[^"\\\n\r]|\\[tbnrf"\'\\])*)"', "", query)
    return [re.sub(r"\\(.)", lambda escape: echar[escape[1]], text) for text in found]


@given(st.text())
def test_literals_are_read_back_unchanged(text: str) -> None:
    assert read_literals(sparql_literal(text)) == [writable(text)]
    quote(sparql_literal(text))


@given(st.text(), st.text(), st.text(max_size=5))
def test_values_do_not_change_the_query_around_them(title: str, author: str, language: str) -> None:
    query = wikidata_queries.by_title(BookQuery(title, author, language=language))
    skeleton = re.sub(r'("(?:[^"\\\n\r]|\\[tnr"\\])*"(?:@[a-z0-9-]+)?\s*)+', '""', query)
    plain = re.sub(r'("[^"]*"(?:@[a-z0-9-]+)?\s*)+', '""', wikidata_queries.by_title(QUERY))
    assert skeleton == plain


def test_a_value_cannot_end_its_literal() -> None:
    assert sparql_literal('a" } # \\') == '"a\\" } # \\\\"'
    assert sparql_literal("two\nlines\x00\ud800") == '"two\\nlines  "'
    assert sparql_literal("Dune", "en") == '"Dune"@en'
    assert sparql_literal("Dune", 'en" }') == '"Dune"'


def test_title_forms_are_those_of_labels() -> None:
    assert title_forms("THE GLASS HARBOUR: A Novel")[:2] == ("THE GLASS HARBOUR: A Novel", "THE GLASS HARBOUR")
    assert "The Glass Harbour" in title_forms("THE GLASS HARBOUR: A Novel")
    assert "The Lie" in title_forms("Lie, The (Tales, #3)")
    assert "Don't Look" in title_forms("Don’t Look")
    assert "Cat & Mouse" in title_forms("Cat &amp; Mouse")
    assert title_forms("…") == ("…",)
    assert all(len(form) <= 250 for form in title_forms("word " * 200))


def test_a_query_fits_into_a_url() -> None:
    for title in ("THE GLASS HARBOUR: A Novel (Harbour, #2)", "A Word " * 35, "玻璃港湾" * 20):
        query = wikidata_queries.by_title(BookQuery(title, "Mara Ellison", language="zh"))
        assert len(quote(query)) < 8_000


def test_a_query_has_every_form_of_the_isbn() -> None:
    for query in (wikidata_queries.edition(ISBN), wikidata_queries.siblings(ISBN), wikidata_queries.awards(ISBN)):
        assert 'VALUES ?isbn { "978-0-441-01359-3" "9780441013593" "0-441-01359-7" "0441013597" }' in query
    assert '"979-10-90636-07-1" "9791090636071" }' in wikidata_queries.edition(Isbn13.parse("9791090636071"))


def test_metadata_covers_and_series_share_one_query() -> None:
    http = ScriptedHttp(SPEC, response(payload("wikidata", "edition")))
    client = Wikidata(http)
    for method in (client.metadata, client.covers, client.series):
        run(method(ISBN))
    assert len({query["query"] for _, query in http.requests}) == 1
    assert {(path, query["format"]) for path, query in http.requests} == {("/sparql", "json")}


# Responses


def test_resolve_returns_one_candidate_for_each_isbn() -> None:
    german, english = call_with_payload("resolve", "by_title", QUERY)
    assert (english.isbn13, english.title, english.subtitle) == (ISBN, "The Glass Harbour", "A Novel")
    assert english.contributors == (Contributor("Mara Ellison", ContributorRole.AUTHOR, ("M. J. Thorne",)),)
    assert (english.published, english.first_published) == (PartialDate(2001, 9), 2001)
    assert (english.language, english.publisher, english.format) == ("en", "Harbour Press", EditionFormat.HARDCOVER)
    assert (english.series, english.volume, english.pages, english.rank) == ("Harbour Cycle", "2", 321, 1)
    assert english.identifiers == (("wikidata_edition", "Q101"), ("wikidata", "Q100"))
    assert (german.isbn13, german.title, german.language, german.rank) == (GERMAN, "Der gläserne Hafen", "de", 0)
    # The second translator is a blank node: an unknown person.
    assert german.contributors[1:] == (Contributor("Jonas Weil", ContributorRole.TRANSLATOR),)


def test_metadata_covers_and_series_of_the_edition() -> None:
    found = call_with_payload("metadata", "edition", ISBN)
    assert (found.isbn13, found.title, found.published, found.pages) == (
        ISBN,
        "The Glass Harbour",
        PartialDate(2001, 9),
        321,
    )
    cover = Cover("wikidata", "https://commons.wikimedia.org/wiki/Special:FilePath/Glass%20Harbour.jpg")
    assert found.covers == call_with_payload("covers", "edition", ISBN) == (cover,)
    assert call_with_payload("series", "edition", ISBN) == SeriesInfo(
        "wikidata", "Harbour Cycle", "2", (("wikidata", "Q6000"),)
    )


def test_rows_of_another_isbn_are_not_found() -> None:
    for method, name in (
        ("metadata", "edition"), ("variants", "siblings"), ("external_ids", "identifiers"), ("subjects", "subjects"), ("awards", "awards"),
    ):  # fmt: skip
        assert call_with_payload(method, name, Isbn13.parse("9780306406157")) == NotFound()


def test_variants_and_translations() -> None:
    (variant,) = call_with_payload("variants", "siblings", ISBN)
    assert (variant.isbn13, variant.language, variant.published) == (GERMAN, "de", PartialDate(2003))
    assert call_with_payload("translations", "siblings", ISBN) == (
        Translation("wikidata", "de", "Der gläserne Hafen", GERMAN, ("Jonas Weil",)),
    )


def test_identifiers_subjects_and_awards() -> None:
    found = dict(call_with_payload("external_ids", "identifiers", ISBN).identifiers)
    assert found == {
        "wikidata_edition": "Q101", "wikidata": "Q100", "isbn13": ISBN, "isbn10": "0441013597", "openlibrary_edition": "OL55M",
        "openlibrary_work": "OL77W", "google_books": "gbABC", "goodreads_work": "4242", "oclc": "123456", "lccn": "2001012345",
    }  # fmt: skip
    assert call_with_payload("subjects", "subjects", ISBN).subjects == ("maritime fiction", "lighthouse")
    assert call_with_payload("awards", "awards", ISBN) == (
        Award("wikidata", "Coast Award", 2002, won=False),
        Award("wikidata", "Sea Prize", 2002),
        Award("wikidata", "Northern Medal"),
    )


def test_browsing_and_the_article_of_an_author() -> None:
    (work,) = call_with_payload("browse", "browse", "Maritime Fiction", 5)
    assert (work.title, work.authors, work.first_published) == ("The Glass Harbour", ("Mara Ellison",), 2001)
    assert '"maritime fiction"@en' in wikidata_queries.browse("Maritime Fiction", 5)
    assert call_with_payload("article", "author", "Mara Ellison") == "Mara Ellison"
    two = [{"person": item(number), "articleTitle": literal("X")} for number in ("Q1", "Q2")]
    assert call("article", result(*two), "X") is None


def test_an_edition_key_of_the_work_is_not_an_identifier_of_the_edition() -> None:
    row = {"isbn": literal(ISBN), "edition": item("Q1"), "work": item("Q2"), "workOpenLibrary": literal("OL9M")}
    assert "openlibrary_edition" not in dict(call("external_ids", result(row), ISBN).identifiers)


@pytest.mark.parametrize("name", ["resolve", "metadata", "variants", "external_ids", "subjects", "awards", "browse"])
def test_only_an_empty_list_of_rows_is_not_found(name: str) -> None:
    argument: Any = {"resolve": QUERY, "browse": "sea"}.get(name, ISBN)
    assert call(name, payload("wikidata", "empty"), argument) == NotFound()
    broken: list[Any] = [None, [], "text", 7, {}, {"results": None}, {"results": {"bindings": {}}}, {"boolean": True}]
    other_rows: list[list[Any]] = [[1, "x", None], [{}], [{"entity": item("Q1")}], [{"isbn": "not a cell"}]]
    for body in [*broken, *(result(*rows) for rows in other_rows)]:
        assert isinstance(call(name, body, argument), Failed)


def test_unusable_rows_are_left_out() -> None:
    rows = result(
        "not a row",
        {"isbn13": literal("978-0-00-000001-9"), "title": literal("Placeholder")},
        {"isbn13": literal("9780441013594"), "title": literal("Wrong check digit")},
        {"isbn13": {"type": "bnode", "value": "t1"}, "title": literal("Unknown number")},
        {"edition": item("Q9"), "isbn10": literal("0-441-01359-7"), "editionLabel": literal("Q9")},
        {"edition": item("Q8"), "isbn13": literal(GERMAN), "editionLabel": literal("Named")},
        {"edition": item("Q8"), "isbn13": literal(GERMAN), "author": item("Q7"), "authorLabel": literal("Q7")},
        {
            "edition": item("Q8"), "isbn13": literal(GERMAN), "authorLabel": literal("t2"),
            "author": {"type": "uri", "value": "http://www.wikidata.org/.well-known/genid/abc"},
        },
    )  # fmt: skip
    (found,) = call("resolve", rows, QUERY)
    assert (found.isbn13, found.title, found.contributors) == (GERMAN, "Named", ())


def test_an_item_with_isbns_of_several_languages_has_no_language() -> None:
    common = {"edition": item("Q5"), "editionLabel": literal("Both"), "languageCode": literal("en")}
    rows = [common | {"isbn13": literal(isbn)} for isbn in (ISBN, GERMAN)]
    assert [found.language for found in call("resolve", result(*rows), QUERY)] == [None, None]
    assert call("resolve", result(rows[0]), QUERY)[0].language == "en"


def test_the_language_of_the_title_is_used_if_none_is_stated() -> None:
    row = {"edition": item("Q5"), "isbn13": literal(GERMAN), "title": literal("Der Hafen", **{"xml:lang": "de"})}
    assert call("resolve", result(row), QUERY)[0].language == "de"
    unknown = row | {"language": {"type": "bnode", "value": "t1"}}
    assert call("resolve", result(unknown), QUERY)[0].language is None


@pytest.mark.parametrize(
    ("value", "precision", "expected"),
    [
        ("2001-09-12T00:00:00Z", None, PartialDate(2001, 9, 12)),
        ("2001-09-01T00:00:00Z", None, PartialDate(2001, 9)),
        ("2001-01-01T00:00:00Z", None, PartialDate(2001)),
        ("2001-01-01T00:00:00Z", 11, PartialDate(2001, 1, 1)),
        ("+2001-09-12T00:00:00Z", 9, PartialDate(2001)),
        ("2000-01-01T00:00:00Z", 8, None),
        ("2001-02-31T00:00:00Z", 11, PartialDate(2001, 2)),
        ("-0750-01-01T00:00:00Z", None, None),
        ("1965", None, PartialDate(1965)),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_dates_are_as_precise_as_stated(value: str | None, precision: int | None, expected: PartialDate | None) -> None:
    assert wikidata_date(value, precision) == expected


def test_error_table() -> None:
    assert SPEC.explain(200, payload("wikidata", "empty")) is None
    assert SPEC.explain(429, None) == Failed("Wikidata returned HTTP 429", transient=True)
    assert SPEC.explain(500, None) == Failed("Wikidata returned HTTP 500", transient=True)
    assert SPEC.explain(400, None) == Failed("Wikidata returned HTTP 400", transient=False)
    banned = SPEC.explain(403, None)
    assert isinstance(banned, Unavailable)
    assert banned.temporary


def test_the_client_implements_its_capabilities() -> None:
    client = Wikidata(ScriptedHttp(SPEC, Unavailable("off"), closed=Unavailable("off")))
    assert client.unavailable() == Unavailable("off")
    assert client.revision() == "1"
    assert run(client.resolve(QUERY)) == Unavailable("off")
    for protocol in (
        base.IsbnResolver, base.MetadataSource, base.CoverSource, base.VariantSource, base.ExternalIdSource, base.SubjectSource,
        base.SubjectBrowser, base.SeriesSource, base.AwardSource, base.TranslationSource,
    ):  # fmt: skip
        assert isinstance(client, protocol)


CELL = st.fixed_dictionaries({"type": st.sampled_from(["literal", "uri", "bnode"]) | JSON, "value": JSON}) | JSON
BINDING = st.dictionaries(st.sampled_from(VARIABLES) | st.text(max_size=5), CELL, max_size=6)


@given(JSON | st.lists(BINDING | JSON, max_size=4).map(lambda rows: result(*rows)))
def test_the_client_never_raises(body: Any) -> None:
    rows = parse_rows(response(body), VARIABLES)
    assert not isinstance(rows, NotFound) or body["results"]["bindings"] == []
    if isinstance(rows, tuple):
        candidates(rows, QUERY)
    for name in (
        "resolve",
        "metadata",
        "covers",
        "series",
        "variants",
        "translations",
        "external_ids",
        "subjects",
        "awards",
    ):
        call(name, body, QUERY if name == "resolve" else ISBN)
    call("browse", body, "sea")
    call("article", body, "Mara Ellison")
