"""The Internet Archive: Lucene queries, members with one or several values, placeholder ISBNs, and copyright status."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.metadata import Cover, EditionMetadata, PublicDomain, PublicDomainStatus
from alexandria_pipeline.domain.records import BookQuery, Contributor, ContributorRole, PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
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
from alexandria_pipeline_tests.providers.scripted_http import JSON, Scripted, ScriptedHttp, payload, response, run

ISBN = Isbn13.parse("9780441013593")
GERMAN = Isbn13.parse("9783453317178")
QUERY = BookQuery("The Glass Harbour: A Novel", "Ellison, Mara")
YEAR = 2026


def client(search: Any, metadata: Any = None) -> tuple[InternetArchive, ScriptedHttp]:
    """The client with a scripted search result and record, each a JSON value or an answer."""
    script = {"/advancedsearch.php": scripted(search), "/metadata/glassharbour00elli": scripted(metadata)}
    http = ScriptedHttp(SPEC, Failed("no script"), script, closed=Unavailable("off"))
    return InternetArchive(http, YEAR), http


def scripted(value: Any) -> Scripted:
    return value if isinstance(value, Failed) else response(value)


def item(**fields: Any) -> ArchiveItem:
    return ArchiveItem.model_validate({"identifier": "x", "title": "X"} | fields)


# Queries


def test_a_search_has_the_main_title_and_the_surname() -> None:
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
def test_text_becomes_lucene_terms(text: str, terms: str) -> None:
    assert lucene_words(text) == terms


@given(st.text())
def test_terms_have_no_unescaped_syntax(text: str) -> None:
    terms = lucene_words(text)
    bare = re.sub(r"\\.", "", terms)
    assert not re.search(r'[+\-=&|!(){}\[\]^"~*?:\\/<>]', bare)
    assert not {"AND", "OR", "NOT", "TO"}.intersection(terms.split())
    terms.encode()


@given(st.text(), st.text())
def test_every_query_is_balanced(title: str, author: str) -> None:
    bare = re.sub(r"\\.", "", search_terms(BookQuery(title, author)))
    assert re.fullmatch(r"(title:\([^()]+\) AND )?(creator:\([^()]+\) AND )?mediatype:texts", bare)


def test_many_editions_are_one_search() -> None:
    docs = [
        {"identifier": "a", "title": "A", "isbn": [ISBN]},
        {"identifier": "b", "title": "B", "isbn": [ISBN, "9780000000019"]},
    ]
    archive, http = client({"response": {"numFound": 2, "docs": docs}})
    run(archive.prefetch(base.Capability.METADATA_ENRICHMENT, [ISBN, GERMAN, ISBN]))
    assert run(archive.covers(GERMAN)) == run(archive.metadata(GERMAN)) == NotFound()
    found = run(archive.covers(ISBN))
    assert not isinstance(found, NotFound | Unavailable | Failed)
    assert [cover.url.rpartition("/")[2] for cover in found] == ["a", "b"]
    ((path, params),) = http.requests
    assert (path, params["q"]) == ("/advancedsearch.php", isbn_terms(ISBN, GERMAN))
    failing, http = client(Failed("503"))
    run(failing.prefetch(base.Capability.METADATA_ENRICHMENT, [ISBN, GERMAN]))
    assert isinstance(run(failing.covers(GERMAN)), Failed)  # no answer about any


def test_isbn_terms_have_both_lengths() -> None:
    assert isbn_terms(ISBN) == "isbn:(9780441013593 OR 0441013597) AND mediatype:texts"
    assert isbn_terms(Isbn13.parse("9791090636071")) == "isbn:(9791090636071) AND mediatype:texts"


# Responses


def test_resolve_returns_each_valid_isbn_of_each_text_with_a_title() -> None:
    archive, http = client(payload("internet_archive", "search"))
    found = run(archive.resolve(QUERY))
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
    ((path, params),) = http.requests
    assert path == "/advancedsearch.php"
    assert params["output"] == "json"
    assert {"identifier", "isbn", "creator", "openlibrary_edition"} <= set(params["fl[]"])


def test_any_member_may_be_a_list() -> None:
    doc = {"identifier": "x1", "title": "The glass harbour", "isbn": str(ISBN), "mediatype": "texts"}
    listed = {"response": {"docs": [{name: [value] for name, value in doc.items()}]}}
    assert parse_search(response(listed)) == parse_search(response({"response": {"docs": [doc]}}))
    assert run(client(listed)[0].resolve(QUERY)) == run(client({"response": {"docs": [doc]}})[0].resolve(QUERY))


def test_metadata_is_read_from_the_record_of_the_item() -> None:
    archive, http = client(payload("internet_archive", "search"), payload("internet_archive", "metadata"))
    found = run(archive.metadata(ISBN))
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
    assert http.paths == ["/advancedsearch.php", "/metadata/glassharbour00elli"]


def test_covers_are_addresses_of_the_image_service() -> None:
    archive, _ = client(payload("internet_archive", "search"))
    assert run(archive.covers(ISBN)) == (
        Cover("internet-archive", "https://archive.org/services/img/glassharbour00elli"),
    )
    assert run(archive.covers(Isbn13.parse("9791090636071"))) == NotFound()


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
def test_public_domain_by_statement_then_lending_then_date(fields: dict[str, Any], status: PublicDomainStatus) -> None:
    found = public_domain_status(item(**fields), YEAR)
    assert found.status is status
    assert found.basis


def test_a_lent_book_is_not_in_the_public_domain() -> None:
    archive, _ = client(payload("internet_archive", "search"), payload("internet_archive", "metadata"))
    found = run(archive.public_domain(ISBN))
    assert isinstance(found, PublicDomain)
    assert found.status is PublicDomainStatus.NO


def test_a_record_must_be_that_of_the_item_and_the_isbn() -> None:
    record = payload("internet_archive", "metadata")
    assert isinstance(parse_item(response(record), "glassharbour00elli", ISBN), ArchiveItem)
    assert isinstance(parse_item(response(record), "another", ISBN), Failed)
    assert parse_item(response(record), "glassharbour00elli", GERMAN) == NotFound()
    assert parse_item(response({}), "x", ISBN) == NotFound()
    assert parse_item(response({"is_dark": True}), "x", ISBN) == NotFound()
    assert isinstance(parse_item(response({"metadata": []}), "x", ISBN), Failed)


def test_only_an_empty_list_is_not_found() -> None:
    assert run(client(payload("internet_archive", "search_empty"))[0].resolve(QUERY)) == NotFound()
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
        assert isinstance(run(archive.resolve(QUERY)), Failed)
        assert isinstance(run(archive.covers(ISBN)), Failed)
        assert isinstance(run(archive.metadata(ISBN)), Failed)
    without_isbn = {"response": {"docs": [{"identifier": "scan", "title": "The glass harbour"}]}}
    assert run(client(without_isbn)[0].resolve(QUERY)) == NotFound()


def test_error_table() -> None:
    assert SPEC.explain(200, {}) is None
    assert SPEC.explain(429, None) == Failed("Internet Archive returned HTTP 429", transient=True)
    assert SPEC.explain(400, None) == Failed("Internet Archive returned HTTP 400", transient=False)
    assert isinstance(SPEC.explain(403, None), Unavailable)


def test_the_client_implements_its_capabilities() -> None:
    archive, _ = client(Failed("cut"))
    assert archive.unavailable() == Unavailable("off")
    assert archive.revision() == "1"
    assert run(archive.resolve(QUERY)) == Failed("cut")
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
def test_search_parsing_never_raises(body: Any) -> None:
    found = parse_search(response(body))
    assert isinstance(found, Failed) or isinstance(body["response"]["docs"], list)
    if isinstance(found, tuple):
        assert all(each.isbn13 for each in candidates(found))
    archive, _ = client(body, body)
    run(archive.covers(ISBN))


@given(JSON | DOC.map(lambda doc: {"metadata": {"identifier": "x", **doc}}))
def test_record_parsing_never_raises(body: Any) -> None:
    found = parse_item(response(body), "x", ISBN)
    if isinstance(found, ArchiveItem):
        edition_metadata(found, ISBN)
        public_domain_status(found, YEAR)
    elif isinstance(found, NotFound):
        assert isinstance(body, dict)
