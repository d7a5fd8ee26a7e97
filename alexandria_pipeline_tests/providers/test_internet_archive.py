"""The Internet Archive: search terms that stay terms, strings and lists alike, junk ISBNs, and what is free to copy."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import Cover, EditionMetadata, PublicDomain, PublicDomainStatus
from alexandria_pipeline.domain.records import BookQuery, Contributor, ContributorRole, PartialDate
from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable
from alexandria_pipeline.providers import base
from alexandria_pipeline.providers.internet_archive.client import (
    SPEC,
    InternetArchive,
    isbn_terms,
    lucene_words,
    search_terms,
)
from alexandria_pipeline.providers.internet_archive.models import ArchiveItem
from alexandria_pipeline.providers.internet_archive.parser import candidates, edition_metadata, parse_item, parse_search
from alexandria_pipeline.providers.internet_archive.rights import public_domain_status
from alexandria_pipeline.providers.transport.types import JsonResponse, Params, Parse
from alexandria_pipeline_tests.providers.service import T, parsed, reply

if TYPE_CHECKING:
    from collections.abc import Mapping

PAYLOADS = Path(__file__).parents[1] / "payloads" / "internet_archive"
ISBN = Isbn13.parse("9780441013593")
GERMAN = Isbn13.parse("9783453317178")
QUERY = BookQuery("The Glass Harbour: A Novel", "Ellison, Mara")
YEAR = 2026
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


class Recorded:
    """The transport in memory: answers by the start of the path, and keeps what it was asked."""

    name = "internet-archive"

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def unavailable(self) -> Unavailable | None:
        return Unavailable("off")

    async def get(self, path: str, parse: Parse[T], params: Params | None = None) -> Answer[T]:
        self.asked.append((path, dict(params or {})))
        answer = next(answer for start, answer in self.answers.items() if path.startswith(start))
        if isinstance(answer, (Unavailable, Failed)):
            return answer
        return parsed(SPEC.explain(200, answer) or JsonResponse(200, answer, json.dumps(answer)), parse)

    async def post(self, path: str, body: Mapping[str, Any], parse: Parse[T]) -> Answer[T]:
        raise AssertionError(path, body, parse)


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def client(search: Any, metadata: Any = None) -> tuple[InternetArchive, Recorded]:
    http = Recorded({"/advancedsearch.php": search, "/metadata/": metadata})
    return InternetArchive(http, YEAR), http


def item(**fields: Any) -> ArchiveItem:
    return ArchiveItem.model_validate({"identifier": "x", "title": "X"} | fields)


# The queries


def test_a_search_names_the_main_title_and_the_surname() -> None:
    assert search_terms(QUERY) == "title:(Glass Harbour) AND creator:(Ellison) AND mediatype:texts"
    accented = BookQuery("El amor (Trilogía, #1)", "Gabriel García Márquez")
    assert search_terms(accented) == "title:(amor) AND creator:(Márquez) AND mediatype:texts"
    assert search_terms(BookQuery("1984", "")) == "title:(1984) AND mediatype:texts"
    assert search_terms(BookQuery("...", "Ellison")) == "creator:(Ellison) AND mediatype:texts"


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Spider-Man", r"Spider\-Man"),
        ("either/or", r"either\/or"),
        ("C:\\path", r"C\:\\path"),
        ("this AND that OR NOT to", "this and that or not to"),
        ('") OR identifier:(*', r"or identifier"),
        ("Who? What! (Where)", "Who What Where"),
        ("a<b>c", "a b c"),
        ("What's + done && || ~ ^2 [x TO y] {z}", "What's done 2 x to y z"),
        ("x\x00y\ud800z", "x y z"),
        ("罪 と 罰", "罪 と 罰"),
    ],
)
def test_user_text_becomes_plain_terms(text: str, terms: str) -> None:
    assert lucene_words(text) == terms


@given(st.text())
def test_no_text_leaves_its_brackets(text: str) -> None:
    terms = lucene_words(text)
    bare = re.sub(r"\\.", "", terms)
    assert not re.search(r'[+\-=&|!(){}\[\]^"~*?:\\/<>]', bare)
    assert not {"AND", "OR", "NOT", "TO"}.intersection(terms.split())
    terms.encode()


@given(st.text(), st.text())
def test_any_book_gives_a_balanced_query(title: str, author: str) -> None:
    bare = re.sub(r"\\.", "", search_terms(BookQuery(title, author)))
    assert re.fullmatch(r"(title:\([^()]+\) AND )?(creator:\([^()]+\) AND )?mediatype:texts", bare)


def test_an_isbn_is_asked_for_in_both_lengths() -> None:
    assert isbn_terms(ISBN) == "isbn:(9780441013593 OR 0441013597) AND mediatype:texts"
    assert isbn_terms(Isbn13.parse("9791090636071")) == "isbn:(9791090636071) AND mediatype:texts"


# The answers


def test_resolve_offers_each_good_isbn_of_each_titled_text() -> None:
    archive, http = client(payload("search"))
    found = asyncio.run(archive.resolve(QUERY))
    assert isinstance(found, tuple)
    english, german = found
    assert (english.isbn13, english.title, english.rank) == (ISBN, "The glass harbour", 0)
    assert (english.published, english.language, english.publisher) == (PartialDate(2001), "en", "Harbour Press")
    assert [person.name for person in english.contributors] == ["Ellison, Mara, 1960-"]
    assert english.identifiers == (
        ("archive_org", "glassharbour00elli"), ("openlibrary_edition", "OL55M"), ("openlibrary_work", "OL77W"),
    )  # fmt: skip
    assert (german.isbn13, german.language, german.volume, german.rank) == (GERMAN, "de", "2", 1)
    assert german.published == PartialDate(2003)
    assert german.contributors[1] == Contributor("Weil, Jonas", ContributorRole.TRANSLATOR)
    ((path, params),) = http.asked
    assert path == "/advancedsearch.php"
    assert params["output"] == "json"
    assert {"identifier", "isbn", "creator", "openlibrary_edition"} <= set(params["fl[]"])


def test_any_field_may_be_a_list() -> None:
    doc = {"identifier": "x1", "title": "The glass harbour", "isbn": str(ISBN), "mediatype": "texts"}
    listed = {"response": {"docs": [{name: [value] for name, value in doc.items()}]}}
    assert parse_search(reply(listed)) == parse_search(reply({"response": {"docs": [doc]}}))
    assert asyncio.run(client(listed)[0].resolve(QUERY)) == asyncio.run(
        client({"response": {"docs": [doc]}})[0].resolve(QUERY)
    )


def test_metadata_comes_from_the_record_of_the_item_with_the_isbn() -> None:
    archive, http = client(payload("search"), payload("metadata"))
    found = asyncio.run(archive.metadata(ISBN))
    assert isinstance(found, EditionMetadata)
    assert (found.title, found.publisher, found.pages, found.language) == (
        "The glass harbour",
        "Harbour Press",
        321,
        "en",
    )
    assert found.description == "A keeper & her light."
    assert found.subjects == ("Lighthouses", "Sailors", "Fiction")
    assert {("oclc", "11607125"), ("lccn", "33000172")} <= set(found.identifiers)
    assert [path for path, _ in http.asked] == ["/advancedsearch.php", "/metadata/glassharbour00elli"]


def test_covers_stand_at_the_image_service() -> None:
    archive, _ = client(payload("search"))
    assert asyncio.run(archive.covers(ISBN)) == (
        Cover("internet-archive", "https://archive.org/services/img/glassharbour00elli"),
    )
    assert asyncio.run(archive.covers(Isbn13.parse("9791090636071"))) == NotFound()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"possible-copyright-status": "NOT_IN_COPYRIGHT"}, PublicDomainStatus.YES),
        (
            {"possible-copyright-status": ["The Library believes that the item is in the public domain"]},
            PublicDomainStatus.YES,
        ),
        ({"possible-copyright-status": "Public domain. No longer under copyright protection."}, PublicDomainStatus.YES),
        ({"possible-copyright-status": "IN_COPYRIGHT", "date": "1850"}, PublicDomainStatus.NO),
        ({"possible-copyright-status": "In copyright. Digitized with permission."}, PublicDomainStatus.NO),
        ({"rights": "This work is not in the public domain."}, PublicDomainStatus.NO),
        ({"rights": "All rights reserved"}, PublicDomainStatus.NO),
        ({"licenseurl": "http://creativecommons.org/publicdomain/mark/1.0/"}, PublicDomainStatus.YES),
        ({"licenseurl": "https://creativecommons.org/publicdomain/zero/1.0/"}, PublicDomainStatus.YES),
        ({"licenseurl": "http://creativecommons.org/licenses/by-nc/4.0/"}, PublicDomainStatus.NO),
        ({"collection": ["inlibrary", "americana"], "date": "1850"}, PublicDomainStatus.NO),
        ({"collection": "americana", "date": "1930-12"}, PublicDomainStatus.YES),
        ({"collection": "americana", "date": "1931"}, PublicDomainStatus.UNKNOWN),
        ({"date": "1001"}, PublicDomainStatus.UNKNOWN),
        ({"rights": {"odd": 1}, "possible-copyright-status": None}, PublicDomainStatus.UNKNOWN),
    ],
)
def test_public_domain_by_words_then_lending_then_date(fields: dict[str, Any], status: PublicDomainStatus) -> None:
    told = public_domain_status(item(**fields), YEAR)
    assert told.status is status
    assert told.basis


def test_the_record_of_a_lent_book() -> None:
    archive, _ = client(payload("search"), payload("metadata"))
    told = asyncio.run(archive.public_domain(ISBN))
    assert isinstance(told, PublicDomain)
    assert told.status is PublicDomainStatus.NO


def test_a_record_must_be_the_one_asked_for() -> None:
    record = payload("metadata")
    assert isinstance(parse_item(reply(record), "glassharbour00elli", ISBN), ArchiveItem)
    assert isinstance(parse_item(reply(record), "another", ISBN), Failed)
    assert parse_item(reply(record), "glassharbour00elli", GERMAN) == NotFound()
    assert parse_item(reply({}), "x", ISBN) == NotFound()
    assert parse_item(reply({"is_dark": True}), "x", ISBN) == NotFound()
    assert isinstance(parse_item(reply({"metadata": []}), "x", ISBN), Failed)


def test_only_an_empty_list_of_results_is_a_no() -> None:
    assert asyncio.run(client(payload("search_empty"))[0].resolve(QUERY)) == NotFound()
    broken: list[Any] = [
        None,
        [],
        "text",
        3,
        {},
        {"response": None},
        {"response": {"docs": {}}},
        {"error": "[RANGE] bad"},
    ]
    for body in [*broken, {"response": {"docs": [1, "x", {}]}}]:
        archive, _ = client(body)
        assert isinstance(asyncio.run(archive.resolve(QUERY)), Failed)
        assert isinstance(asyncio.run(archive.covers(ISBN)), Failed)
        assert isinstance(asyncio.run(archive.metadata(ISBN)), Failed)
    without_isbn = {"response": {"docs": [{"identifier": "scan", "title": "The glass harbour"}]}}
    assert asyncio.run(client(without_isbn)[0].resolve(QUERY)) == NotFound()


def test_the_error_table() -> None:
    assert SPEC.explain(200, {}) is None
    assert SPEC.explain(429, None) == Failed("archive.org answered HTTP 429", transient=True)
    assert SPEC.explain(400, None) == Failed("archive.org answered HTTP 400", transient=False)
    assert isinstance(SPEC.explain(403, None), Unavailable)


def test_it_is_what_the_registry_expects() -> None:
    archive, _ = client(Failed("cut"))
    assert archive.unavailable() == Unavailable("off")
    assert archive.revision() == "1"
    assert asyncio.run(archive.resolve(QUERY)) == Failed("cut")
    for protocol in (base.IsbnResolver, base.MetadataSource, base.CoverSource, base.PublicDomainSource):
        assert isinstance(archive, protocol)


FIELDS = (
    "identifier",
    "title",
    "creator",
    "date",
    "year",
    "isbn",
    "language",
    "publisher",
    "mediatype",
    "rights",
    "description",
)
DOC = st.dictionaries(st.sampled_from(FIELDS), JSON | st.just("9780441013593"), max_size=8)


@given(JSON | st.lists(DOC | JSON, max_size=4).map(lambda docs: {"response": {"docs": docs}}))
def test_no_search_makes_it_raise(body: Any) -> None:
    found = parse_search(reply(body))
    assert isinstance(found, Failed) or isinstance(body["response"]["docs"], list)
    if isinstance(found, tuple):
        assert all(each.isbn13 for each in candidates(found))
    archive, _ = client(body, body)
    asyncio.run(archive.covers(ISBN))


@given(JSON | DOC.map(lambda doc: {"metadata": {"identifier": "x", **doc}}))
def test_no_record_makes_it_raise_or_say_no_without_reason(body: Any) -> None:
    found = parse_item(reply(body), "x", ISBN)
    if isinstance(found, ArchiveItem):
        edition_metadata(found, ISBN)
        public_domain_status(found, YEAR)
    elif isinstance(found, NotFound):
        assert isinstance(body, dict)
