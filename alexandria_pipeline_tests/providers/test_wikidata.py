"""Wikidata: literals that stay literals, rows read in spite of gaps and unknowns, every capability on an answer of its own.

The payloads are answers to these very queries, from a small graph of an invented book.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import Award, Cover, SeriesInfo, Translation
from alexandria_pipeline.domain.records import BookQuery, Contributor, ContributorRole, EditionFormat, PartialDate
from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable
from alexandria_pipeline.providers import base
from alexandria_pipeline.providers.transport.types import JsonResponse, Params, Parse
from alexandria_pipeline.providers.wikidata import queries as wikidata_queries
from alexandria_pipeline.providers.wikidata.client import SPEC, Wikidata
from alexandria_pipeline.providers.wikidata.models import parse_rows, wikidata_date
from alexandria_pipeline.providers.wikidata.parser import candidates
from alexandria_pipeline.providers.wikidata.queries import sparql_literal, title_forms, writable
from alexandria_pipeline_tests.providers.service import T, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

PAYLOADS = Path(__file__).parents[1] / "payloads" / "wikidata"
ISBN = Isbn13.parse("9780441013593")
GERMAN = Isbn13.parse("9783453317178")
QUERY = BookQuery("The Glass Harbour", "Mara Ellison")
ENTITY = "http://www.wikidata.org/entity/"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
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


class Recorded:
    """The transport in memory: it answers everything with one body and keeps what it was asked."""

    name = "wikidata"

    def __init__(self, answer: Any, status: int = 200) -> None:
        self.answer = answer
        self.status = status
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def unavailable(self) -> Unavailable | None:
        return self.answer if isinstance(self.answer, Unavailable) else None

    async def get(self, path: str, parse: Parse[T], params: Params | None = None) -> Answer[T]:
        self.asked.append((path, dict(params or {})))
        if isinstance(self.answer, (Unavailable, Failed)):
            return self.answer
        return parsed(
            SPEC.explain(self.status, self.answer) or JsonResponse(self.status, self.answer, json.dumps(self.answer)),
            parse,
        )

    async def post(self, path: str, body: Mapping[str, Any], parse: Parse[T]) -> Answer[T]:
        raise AssertionError(path, body, parse)


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def answer(question: str, name: str, *arguments: Any) -> Any:
    return ask(question, payload(name), *arguments)


def ask(question: str, body: Any, *arguments: Any) -> Any:
    return asyncio.run(getattr(Wikidata(Recorded(body)), question)(*arguments))


def rows_of(*bindings: Any) -> dict[str, Any]:
    return {"head": {"vars": []}, "results": {"bindings": list(bindings)}}


def literal(value: str, **more: str) -> dict[str, str]:
    return {"type": "literal", "value": value, **more}


def item(number: str) -> dict[str, str]:
    return {"type": "uri", "value": f"{ENTITY}{number}"}


# The queries


def read_literals(query: str) -> list[str]:
    """The string literals of a query, read as SPARQL 1.1 reads STRING_LITERAL2; fails where anything else is quoted."""
    echar = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
    found = re.findall(r'"((?:[^"\\\n\r]|\\[tbnrf"\'\\])*)"', query)
    assert '"' not in re.sub(r'"((?:[^"\\\n\r]|\\[tbnrf"\'\\])*)"', "", query)
    return [re.sub(r"\\(.)", lambda escape: echar[escape[1]], text) for text in found]


@given(st.text())
def test_any_text_reads_back_from_its_literal(text: str) -> None:
    assert read_literals(sparql_literal(text)) == [writable(text)]
    quote(sparql_literal(text))


@given(st.text(), st.text(), st.text(max_size=5))
def test_any_book_gives_a_query_with_the_same_skeleton(title: str, author: str, language: str) -> None:
    query = wikidata_queries.by_title(BookQuery(title, author, language=language))
    skeleton = re.sub(r'("(?:[^"\\\n\r]|\\[tnr"\\])*"(?:@[a-z0-9-]+)?\s*)+', '""', query)
    plain = re.sub(r'("[^"]*"(?:@[a-z0-9-]+)?\s*)+', '""', wikidata_queries.by_title(QUERY))
    assert skeleton == plain


def test_a_title_cannot_leave_its_quotes() -> None:
    assert sparql_literal('a" } # \\') == '"a\\" } # \\\\"'
    assert sparql_literal("two\nlines\x00\ud800") == '"two\\nlines  "'
    assert sparql_literal("Dune", "en") == '"Dune"@en'
    assert sparql_literal("Dune", 'en" }') == '"Dune"'


def test_titles_are_asked_for_in_the_forms_that_labels_have() -> None:
    assert title_forms("THE GLASS HARBOUR: A Novel")[:2] == ("THE GLASS HARBOUR: A Novel", "THE GLASS HARBOUR")
    assert "The Glass Harbour" in title_forms("THE GLASS HARBOUR: A Novel")
    assert "The Lie" in title_forms("Lie, The (Tales, #3)")
    assert "Don't Look" in title_forms("Don’t Look")
    assert "Cat & Mouse" in title_forms("Cat &amp; Mouse")
    assert title_forms("…") == ("…",)
    assert all(len(form) <= 250 for form in title_forms("word " * 200))


def test_the_address_stays_short_enough_for_the_service() -> None:
    for title in ("THE GLASS HARBOUR: A Novel (Harbour, #2)", "A Word " * 35, "玻璃港湾" * 20):
        query = wikidata_queries.by_title(BookQuery(title, "Mara Ellison", language="zh"))
        assert len(quote(query)) < 8_000


def test_an_isbn_is_asked_for_in_every_form() -> None:
    for query in (wikidata_queries.edition(ISBN), wikidata_queries.siblings(ISBN), wikidata_queries.awards(ISBN)):
        assert 'VALUES ?isbn { "978-0-441-01359-3" "9780441013593" "0-441-01359-7" "0441013597" }' in query
    assert '"979-10-90636-07-1" "9791090636071" }' in wikidata_queries.edition(Isbn13.parse("9791090636071"))


def test_one_request_for_each_question_and_one_text_for_what_belongs_together() -> None:
    http = Recorded(payload("edition"))
    client = Wikidata(http)
    for question in (client.metadata, client.covers, client.series):
        asyncio.run(question(ISBN))
    assert len({query["query"] for _, query in http.asked}) == 1
    assert {(path, query["format"]) for path, query in http.asked} == {("/sparql", "json")}


# The answers


def test_resolve_offers_one_candidate_for_each_isbn() -> None:
    german, english = answer("resolve", "by_title", QUERY)
    assert (english.isbn13, english.title, english.subtitle) == (ISBN, "The Glass Harbour", "A Novel")
    assert english.contributors == (Contributor("Mara Ellison", ContributorRole.AUTHOR, ("M. J. Thorne",)),)
    assert (english.published, english.first_published) == (PartialDate(2001, 9), 2001)
    assert (english.language, english.publisher, english.format) == ("en", "Harbour Press", EditionFormat.HARDCOVER)
    assert (english.series, english.volume, english.pages, english.rank) == ("Harbour Cycle", "2", 321, 1)
    assert english.identifiers == (("wikidata_edition", "Q101"), ("wikidata", "Q100"))
    assert (german.isbn13, german.title, german.language, german.rank) == (GERMAN, "Der gläserne Hafen", "de", 0)
    # The second translator is a blank node: somebody, nobody knows who.
    assert german.contributors[1:] == (Contributor("Jonas Weil", ContributorRole.TRANSLATOR),)


def test_metadata_covers_and_series_of_the_edition() -> None:
    found = answer("metadata", "edition", ISBN)
    assert (found.isbn13, found.title, found.published, found.pages) == (
        ISBN,
        "The Glass Harbour",
        PartialDate(2001, 9),
        321,
    )
    cover = Cover("wikidata", "https://commons.wikimedia.org/wiki/Special:FilePath/Glass%20Harbour.jpg")
    assert found.covers == answer("covers", "edition", ISBN) == (cover,)
    assert answer("series", "edition", ISBN) == SeriesInfo("wikidata", "Harbour Cycle", "2", (("wikidata", "Q6000"),))


def test_an_answer_about_another_isbn_is_no_answer() -> None:
    for question, name in (
        ("metadata", "edition"), ("variants", "siblings"), ("external_ids", "identifiers"), ("subjects", "subjects"), ("awards", "awards"),
    ):  # fmt: skip
        assert answer(question, name, Isbn13.parse("9780306406157")) == NotFound()


def test_variants_and_translations() -> None:
    (variant,) = answer("variants", "siblings", ISBN)
    assert (variant.isbn13, variant.language, variant.published) == (GERMAN, "de", PartialDate(2003))
    assert answer("translations", "siblings", ISBN) == (
        Translation("wikidata", "de", "Der gläserne Hafen", GERMAN, ("Jonas Weil",)),
    )


def test_identifiers_subjects_and_awards() -> None:
    found = dict(answer("external_ids", "identifiers", ISBN).identifiers)
    assert found == {
        "wikidata_edition": "Q101", "wikidata": "Q100", "isbn13": ISBN, "isbn10": "0441013597", "openlibrary_edition": "OL55M",
        "openlibrary_work": "OL77W", "google_books": "gbABC", "goodreads_work": "4242", "oclc": "123456", "lccn": "2001012345",
    }  # fmt: skip
    assert answer("subjects", "subjects", ISBN).subjects == ("maritime fiction", "lighthouse")
    assert answer("awards", "awards", ISBN) == (
        Award("wikidata", "Coast Award", 2002, won=False),
        Award("wikidata", "Sea Prize", 2002),
        Award("wikidata", "Northern Medal"),
    )


def test_browsing_and_the_article_on_an_author() -> None:
    (work,) = answer("browse", "browse", "Maritime Fiction", 5)
    assert (work.title, work.authors, work.first_published) == ("The Glass Harbour", ("Mara Ellison",), 2001)
    assert '"maritime fiction"@en' in wikidata_queries.browse("Maritime Fiction", 5)
    assert answer("article", "author", "Mara Ellison") == "Mara Ellison"
    two = [{"person": item(number), "articleTitle": literal("X")} for number in ("Q1", "Q2")]
    assert ask("article", rows_of(*two), "X") is None


def test_a_work_number_of_another_edition_is_not_taken_for_this_one() -> None:
    row = {"isbn": literal(ISBN), "edition": item("Q1"), "work": item("Q2"), "workOpenLibrary": literal("OL9M")}
    assert "openlibrary_edition" not in dict(ask("external_ids", rows_of(row), ISBN).identifiers)


@pytest.mark.parametrize("name", ["resolve", "metadata", "variants", "external_ids", "subjects", "awards", "browse"])
def test_only_an_empty_list_of_rows_is_a_no(name: str) -> None:
    argument: Any = {"resolve": QUERY, "browse": "sea"}.get(name, ISBN)
    assert ask(name, payload("empty"), argument) == NotFound()
    broken: list[Any] = [None, [], "text", 7, {}, {"results": None}, {"results": {"bindings": {}}}, {"boolean": True}]
    other_rows: list[list[Any]] = [[1, "x", None], [{}], [{"entity": item("Q1")}], [{"isbn": "not a cell"}]]
    for body in [*broken, *(rows_of(*rows) for rows in other_rows)]:
        assert isinstance(ask(name, body, argument), Failed)


def test_gaps_unknowns_and_junk_in_rows() -> None:
    rows = rows_of(
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
    (found,) = ask("resolve", rows, QUERY)
    assert (found.isbn13, found.title, found.contributors) == (GERMAN, "Named", ())


def test_an_item_with_isbns_in_several_languages_tells_the_language_of_none() -> None:
    common = {"edition": item("Q5"), "editionLabel": literal("Both"), "languageCode": literal("en")}
    rows = [common | {"isbn13": literal(isbn)} for isbn in (ISBN, GERMAN)]
    assert [found.language for found in ask("resolve", rows_of(*rows), QUERY)] == [None, None]
    assert ask("resolve", rows_of(rows[0]), QUERY)[0].language == "en"


def test_the_language_of_a_printed_title_counts_where_none_is_stated() -> None:
    row = {"edition": item("Q5"), "isbn13": literal(GERMAN), "title": literal("Der Hafen", **{"xml:lang": "de"})}
    assert ask("resolve", rows_of(row), QUERY)[0].language == "de"
    unknown = row | {"language": {"type": "bnode", "value": "t1"}}
    assert ask("resolve", rows_of(unknown), QUERY)[0].language is None


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
def test_dates_are_as_precise_as_they_are_known(
    value: str | None, precision: int | None, expected: PartialDate | None
) -> None:
    assert wikidata_date(value, precision) == expected


def test_the_error_table() -> None:
    assert SPEC.explain(200, payload("empty")) is None
    assert SPEC.explain(429, None) == Failed("Wikidata's query service answered HTTP 429", transient=True)
    assert SPEC.explain(500, None) == Failed("Wikidata's query service answered HTTP 500", transient=True)
    assert SPEC.explain(400, None) == Failed("Wikidata's query service answered HTTP 400", transient=False)
    banned = SPEC.explain(403, None)
    assert isinstance(banned, Unavailable)
    assert banned.temporary


def test_it_is_what_the_registry_expects() -> None:
    client = Wikidata(Recorded(Unavailable("off")))
    assert client.unavailable() == Unavailable("off")
    assert client.revision() == "1"
    assert asyncio.run(client.resolve(QUERY)) == Unavailable("off")
    for protocol in (
        base.IsbnResolver, base.MetadataSource, base.CoverSource, base.VariantSource, base.ExternalIdSource, base.SubjectSource,
        base.SubjectBrowser, base.SeriesSource, base.AwardSource, base.TranslationSource,
    ):  # fmt: skip
        assert isinstance(client, protocol)


CELL = st.fixed_dictionaries({"type": st.sampled_from(["literal", "uri", "bnode"]) | JSON, "value": JSON}) | JSON
BINDING = st.dictionaries(st.sampled_from(VARIABLES) | st.text(max_size=5), CELL, max_size=6)


@given(JSON | st.lists(BINDING | JSON, max_size=4).map(lambda rows: rows_of(*rows)))
def test_no_answer_makes_it_raise_or_say_no_without_reason(body: Any) -> None:
    rows = parse_rows(body, VARIABLES)
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
        ask(name, body, QUERY if name == "resolve" else ISBN)
    ask("browse", body, "sea")
    ask("article", body, "Mara Ellison")
