"""Wikidata's queries on a real SPARQL engine, over a small graph of invented books."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

import pyoxigraph
import pytest

from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import EditionMetadata, Subjects
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookQuery, ContributorRole, GenerationRequest, RawReply
from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound
from alexandria_pipeline.providers.base import BookGenerator, Capability, Prefetcher
from alexandria_pipeline.providers.transport.types import JsonResponse, Params, Parse
from alexandria_pipeline.providers.wikidata import queries
from alexandria_pipeline.providers.wikidata.client import SPEC, Wikidata
from alexandria_pipeline.providers.wikidata.queries import MAX_EDITIONS, MAX_ROWS
from alexandria_pipeline_tests.providers.scripted_http import PAYLOADS, ScriptedHttp, response, run

TODAY = date(2026, 11, 26)


class Engine(ScriptedHttp):
    """A transport whose service is a SPARQL engine in memory."""

    def __init__(self) -> None:
        super().__init__(SPEC, response(None))
        self.store = pyoxigraph.Store()
        self.store.load(path=PAYLOADS / "wikidata" / "graph.ttl", format=pyoxigraph.RdfFormat.TURTLE)

    async def get(self, path: str, parse: Parse[Any], params: Params | None = None) -> Answer[Any]:
        query = str((params or {})["query"])
        self.requests.append((path, dict(params or {})))
        found = self.store.query(query)
        assert isinstance(found, pyoxigraph.QuerySolutions)
        text = found.serialize(format=pyoxigraph.QueryResultsFormat.JSON)
        assert text is not None
        return parse(JsonResponse(200, json.loads(text), text.decode()))


def request(year: int, month: int, limit: int = 20) -> GenerationRequest:
    return GenerationRequest(Month(year, month), limit, "baseline")


def listed(asked: GenerationRequest) -> list[tuple[str, str, tuple[str, ...], Mapping[str, str]]]:
    client = Wikidata(Engine(), TODAY)
    assert isinstance(client, BookGenerator)
    parsed = client.parse(run(client.generate(asked)), asked)
    return [(each.title, each.author, each.isbns, dict(each.details)) for each in parsed.listings]


def test_the_books_of_a_month_are_works_with_an_author_first_published_then() -> None:
    first, second = listed(request(2020, 6))
    assert first[0] == "The Glass Harbour"
    assert set(first[1].split(" and ")) == {"Mara Ellison", "Tomas Reyl"}
    assert set(first[2]) == {"9781998400096", "9781998400164"}
    assert first[3] == {"wikidata": "Q101", "published": "2020-06-14"}
    assert second == ("Sel et signal", "Ines Okonjo", (), {"wikidata": "Q102", "published": "2020-06"})


def test_a_work_without_a_name_in_english_is_skipped_with_a_reason() -> None:
    client = Wikidata(Engine(), TODAY)
    parsed = client.parse(run(client.generate(request(2020, 6))), request(2020, 6))
    assert [(row.source, row.reason, row.excerpt) for row in parsed.skipped] == [
        ("wikidata 2020-06", "no author has a name in English", "Q107")
    ]


def test_the_most_linked_works_come_first_and_the_limit_holds() -> None:
    assert [title for title, *_ in listed(request(2020, 6, limit=1))] == ["The Glass Harbour"]
    assert [title for title, *_ in listed(request(2020, 7))] == ["July"]


@pytest.mark.parametrize("month", [(2020, 1), (2020, 5), (1991, 1)])
def test_a_month_without_works_is_a_source_error(month: tuple[int, int]) -> None:
    with pytest.raises(SourceError, match="knows no book"):
        listed(request(*month))


@pytest.mark.parametrize("body", ["", "[]", "{}", "null", '{"results": {"bindings": {}}}'])
def test_a_reply_that_is_no_result_is_a_source_error(body: str) -> None:
    with pytest.raises(SourceError):
        Wikidata(Engine(), TODAY).parse(RawReply("wikidata", "published-1", body), request(2020, 6))


def test_the_list_of_a_recent_month_is_requested_again_the_next_day() -> None:
    models = {Wikidata(Engine(), day).model(request(2026, 10)) for day in (date(2026, 11, 1), date(2026, 11, 2))}
    assert len(models) == 2
    settled = {Wikidata(Engine(), day).model(request(2026, 10)) for day in (date(2026, 12, 31), date(2027, 6, 1))}
    assert settled == {"published-1"}


UNKNOWN = Isbn13("9780441013593")
ISBN, GERMAN = Isbn13("9781998400096"), Isbn13("9781998400164")


def test_every_query_runs_on_the_engine_without_extensions() -> None:
    engine = Engine()
    client = Wikidata(engine, TODAY)
    by_isbn = (
        client.metadata,
        client.covers,
        client.series,
        client.variants,
        client.translations,
        client.external_ids,
        client.subjects,
        client.awards,
    )
    for ask in by_isbn:
        run(ask(ISBN))
    run(client.browse("science fiction"))
    run(client.article("Mara Ellison"))
    run(client.resolve(BookQuery("The Glass Harbour", "Mara Ellison")))
    run(client.generate(request(2020, 6)))
    assert len(engine.requests) == 12
    for _, params in engine.requests:
        assert "SERVICE" not in params["query"]
        assert "bd:" not in params["query"]
        assert "$" not in params["query"]
        assert "label(" not in params["query"]


BY_ISBN: dict[Capability, str] = {
    Capability.METADATA_ENRICHMENT: "metadata",
    Capability.COVER_IMAGES: "covers",
    Capability.SERIES_INFO: "series",
    Capability.EDITION_VARIANTS: "variants",
    Capability.TRANSLATIONS: "translations",
    Capability.EXTERNAL_IDS: "external_ids",
    Capability.SUBJECT_ENRICHMENT: "subjects",
    Capability.AWARDS: "awards",
}


def test_one_query_about_many_editions_answers_the_same_as_one_about_each() -> None:
    engine = Engine()
    client = Wikidata(engine, TODAY)
    assert isinstance(client, Prefetcher)
    asked = [ISBN, GERMAN, UNKNOWN, ISBN]
    for capability in BY_ISBN:
        run(client.prefetch(capability, asked))
    assert len(engine.requests) == 5, "metadata, covers and series are one query; variants and translations, too"
    for method in BY_ISBN.values():
        for isbn in asked:
            assert run(getattr(client, method)(isbn)) == run(getattr(Wikidata(Engine()), method)(isbn)), (method, isbn)
    assert len(engine.requests) == 5
    assert run(client.metadata(UNKNOWN)) == NotFound()


@pytest.mark.parametrize("rows", [MAX_ROWS, None])
def test_a_result_about_many_that_is_cut_or_unreadable_is_no_answer_about_any(rows: int | None) -> None:
    row = {"isbn": {"type": "literal", "value": str(GERMAN)}}
    answer = Failed("HTTP 500") if rows is None else response({"results": {"bindings": [row] * rows}})
    http = ScriptedHttp(SPEC, answer)
    client = Wikidata(http)
    run(client.prefetch(Capability.METADATA_ENRICHMENT, [ISBN, GERMAN]))
    http.otherwise = response({"results": {"bindings": []}})
    assert run(client.metadata(ISBN)) == NotFound()
    assert len(http.requests) == 2


def test_other_capabilities_are_not_prefetched() -> None:
    engine = Engine()
    run(Wikidata(engine).prefetch(Capability.SUBJECT_BROWSING, [ISBN, GERMAN]))
    assert engine.requests == []


def test_a_query_about_the_most_editions_fits_into_a_url() -> None:
    codes = [f"97802{number:07d}" for number in range(MAX_EDITIONS)]
    isbns = [Isbn13.parse(code + _check_digit(code)) for code in codes]
    for query in (queries.edition, queries.siblings, queries.identifiers, queries.subjects, queries.awards):
        assert len(quote(query(*isbns))) < 8_000


def _check_digit(code: str) -> str:
    return str(-sum(int(digit) * (1 + 2 * (place % 2)) for place, digit in enumerate(code)) % 10)


def test_an_edition_has_its_facts_and_those_of_its_work() -> None:
    found = run(Wikidata(Engine()).metadata(ISBN))
    assert isinstance(found, EditionMetadata)
    assert (found.title, found.publisher, found.pages, found.language) == ("The Glass Harbour", "Harbour", 320, "en")
    assert {(each.name, each.role, each.aliases) for each in found.contributors} == {
        ("Mara Ellison", ContributorRole.AUTHOR, ("M. Ellison",)), ("Tomas Reyl", ContributorRole.AUTHOR, ()),
    }  # fmt: skip
    assert (found.series, found.volume) == ("Harbour Cycle", "2")


def test_the_editions_of_a_title_are_candidates() -> None:
    found = run(Wikidata(Engine()).resolve(BookQuery("The Glass Harbour", "Mara Ellison")))
    assert isinstance(found, tuple)
    assert {(each.isbn13, each.language) for each in found} == {(ISBN, "en"), (GERMAN, "de")}


TITLES = (
    BookQuery("The Glass Harbour", "Mara Ellison"),
    BookQuery("Der Glashafen", "Mara Ellison", language="de"),
    BookQuery("Nothing of the Kind", "No One"),
    BookQuery("Glass Harbour", "Mara Ellison"),
    BookQuery("THE GLASS HARBOUR", "Another Author"),
)


def test_titles_that_are_searched_for_together_are_one_query() -> None:
    engine = Engine()
    client = Wikidata(engine)

    async def together() -> list[Any]:
        return await asyncio.gather(*map(client.resolve, TITLES))

    found = run(together())
    assert len(engine.requests) == 1
    for query, answer in zip(TITLES, found, strict=True):
        assert answer == run(Wikidata(Engine()).resolve(query)), query
    assert found[2] == NotFound()
    assert {each.isbn13 for each in found[0]} == {ISBN, GERMAN}


def test_titles_beyond_the_length_of_a_query_are_another_one() -> None:
    engine = Engine()
    client = Wikidata(engine)
    many = [BookQuery(f"A Long Title of a Book: Its Subtitle and Number {number}", "No One") for number in range(40)]

    async def together() -> list[Any]:
        return await asyncio.gather(*map(client.resolve, many))

    assert run(together()) == [NotFound()] * 40
    assert 2 <= len(engine.requests) <= 10
    assert all(len(urlencode(params)) < 8_000 for _, params in engine.requests)


def test_authors_that_are_searched_for_together_are_one_query() -> None:
    engine = Engine()
    client = Wikidata(engine)

    async def together() -> list[str | None]:
        return await asyncio.gather(*map(client.article, ("Mara Ellison", "Tomas  Reyl", "M. Ellison", "No One")))

    assert run(together()) == ["Mara Ellison", None, "Mara Ellison", None]
    assert len(engine.requests) == 1


@pytest.mark.parametrize("answer", ["unnamed", "cut", "failed"])
def test_titles_are_searched_for_alone_if_a_result_does_not_state_which_it_found(answer: str) -> None:
    row = {"isbn13": {"type": "literal", "value": str(ISBN)}, "editionLabel": {"type": "literal", "value": "A Title"}}
    asked = {"asked": {"type": "literal", "value": "Dune"}}
    rows = [row | asked] * MAX_ROWS if answer == "cut" else [row]
    http = ScriptedHttp(SPEC, Failed("HTTP 500") if answer == "failed" else response({"results": {"bindings": rows}}))
    client = Wikidata(http)

    async def together() -> list[Any]:
        return await asyncio.gather(*(client.resolve(BookQuery(title, "X")) for title in ("Dune", "Emma", "Ulysses")))

    found = run(together())
    assert len(http.requests) == 5, "all, the first, the other two, and each of these"
    alone = run(Wikidata(http).resolve(BookQuery("Dune", "X")))
    assert found == [alone] * 3
    assert isinstance(alone, Failed) == (answer == "failed")


def test_what_else_is_known_about_an_edition() -> None:
    client = Wikidata(Engine())
    assert run(client.subjects(ISBN)) == Subjects("wikidata", ("science fiction", "harbour"))
    awards = run(client.awards(ISBN))
    assert isinstance(awards, list | tuple)
    assert [(each.name, each.year) for each in awards] == [("Tide Prize", 2021)]
    variants = run(client.variants(ISBN))
    assert isinstance(variants, list | tuple)
    assert [each.isbn13 for each in variants] == [GERMAN]
    translations = run(client.translations(ISBN))
    assert isinstance(translations, list | tuple)
    assert [(each.language, each.translators) for each in translations] == [("de", ("Ines Okonjo",))]
    works = run(client.browse("science fiction"))
    assert isinstance(works, list | tuple)
    assert [(each.title, set(each.authors)) for each in works] == [
        ("The Glass Harbour", {"Mara Ellison", "Tomas Reyl"})
    ]
    assert run(client.article("Mara Ellison")) == "Mara Ellison"
