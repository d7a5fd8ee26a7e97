"""`alexandria catalog load`: the formats of files and the columns of editions; and when the catalogue comes first."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymarc import Field, Indicators, Record, Subfield

from alexandria_pipeline import composition
from alexandria_pipeline.domain.errors import ListFormatError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import CatalogEntry, EditionFormat, PartialDate
from alexandria_pipeline.operations import report
from alexandria_pipeline.operations.catalog import load_catalog
from alexandria_pipeline.operations.dump_import.folder import import_new, newest_dump
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests import dumps

ISBN = Isbn13.parse("9780306406157")

# One book that the local catalogue resolved, and one that ISBNdb was asked for with two calls of one cent each.
TRACES = """
set local session_replication_role = replica;  -- the other tables stay empty
insert into resolution_attempt (work_id, provider, outcome, run_id) values (1, 'isbndb', 'not_found', 'r');
insert into api_call (service, method, url, outcome, cost_usd)
select 'isbndb', 'GET', 'https://example.org', 'answered', 0.01 from generate_series(1, 2);
insert into generated_book (year, month, title, author, work_id, outcome, provider, isbn13, run_id)
values (2020, 1, 't', 'a', 2, 'resolved', 'local-catalog', '9780306406157', 'r');
"""


def loaded(database: Database, name: str, data: bytes) -> CatalogEntry:
    result = load_catalog(database, name, data)
    assert result is not None
    assert (result.editions, result.skipped) == (1, 1)
    found = Catalog(database).edition(ISBN)
    assert found is not None
    return found


def marc(title: str, isbn: str) -> bytes:
    record = Record()
    none = Indicators(" ", " ")
    record.add_field(  # type: ignore[no-untyped-call]  # pymarc has no types here
        Field("001", data="rec1"),
        Field("008", data="990101s1988    nyu           000 1 eng d"),
        Field("020", none, [Subfield("a", isbn)]),
        Field("100", none, [Subfield("a", "Okonedo, Mira,")]),
        Field("245", none, [Subfield("a", title), Subfield("b", "a novel /")]),
        Field("260", none, [Subfield("b", "Quill Press,")]),
        Field("300", none, [Subfield("a", "321 p.")]),
        Field("650", none, [Subfield("a", "Orchards.")]),
    )
    return record.as_marc()


def test_csv(database: Database) -> None:
    header = b"Title,Author,ISBN13,Date,Format,Pages,Subjects,Work\n"
    data = header + b'"Glass, a Novel",Mira Okonedo,0306406152,1988-03,Paperback,321,Trees; Glass,OL5W\nBad,X,12,,,,,\n'
    found = loaded(database, "shop.csv", data)
    assert (found.title, found.published, found.format) == (
        "Glass, a Novel",
        PartialDate(1988, 3),
        EditionFormat.PAPERBACK,
    )
    assert (found.pages, found.subjects, found.work) == (321, ("Trees", "Glass"), "OL5W")


def test_json_lines(database: Database) -> None:
    book = b'{"title": "Glass", "author": "Mira Okonedo", "isbn13": "9780306406157", "subjects": ["Trees", "Glass"]}'
    found = loaded(database, "shop.jsonl", book + b"\n{broken\n")
    assert (found.author, found.subjects) == ("Mira Okonedo", ("Trees", "Glass"))


def test_marc(database: Database) -> None:
    found = loaded(
        database, "library.mrc", marc("The Glass Orchard :", "0306406152 (pbk.)") + marc("No number", "none")
    )
    assert (found.title, found.subtitle, found.author) == ("The Glass Orchard", "a novel", "Okonedo, Mira")
    assert (found.published, found.language, found.publisher, found.pages) == (
        PartialDate(1988),
        "en",
        "Quill Press",
        321,
    )
    assert (found.subjects, found.source_id) == (("Orchards",), "rec1")


def test_a_csv_without_the_columns_is_refused(database: Database) -> None:
    with pytest.raises(ListFormatError, match="no column author, isbn13"):
        load_catalog(database, "shop.csv", b"title,price\nGlass,3\n")


def test_a_dropped_file_can_be_loaded_again(database: Database) -> None:
    data = b"title\tauthor\tisbn13\nGlass\tMira Okonedo\t9780306406157\n"
    assert load_catalog(database, "shop.tsv", data) is not None
    assert Catalog(database).drop("shop.tsv")
    assert Catalog(database).edition(ISBN) is None
    assert load_catalog(database, "shop.tsv", data) is not None


def test_a_large_catalogue_comes_first_unless_that_is_turned_off(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute("insert into catalog_load (name, digest, editions, set_aside) values ('big', 'x', 100001, 0)")
    first, off = (
        load_settings(contact="a@example.org"),
        load_settings(contact="a@example.org", local_catalog_first=False),
    )
    assert composition.cascade(first, database)[0] == "local-catalog"
    assert "local-catalog" not in composition.cascade(off, database)
    assert composition.cascade(load_settings(resolver_order="wikidata"), database) == ("wikidata",)


def test_the_report_estimates_the_saved_calls(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(TRACES)
    (row,) = report.records(report.build(database, load_settings().rollout)["saved"])
    assert row == {"service": "isbndb", "books": 1, "calls_per_book": 2.0, "calls_saved": 2, "usd_saved": 0.02}


def test_a_folder_s_newest_dump_is_imported_once(database: Database, tmp_path: Path) -> None:
    dumps.make(tmp_path, 50, damage=0)
    (tmp_path / "ol_dump_works_2023-01-31.txt").write_text("")
    assert [file.role for file in newest_dump(tmp_path)] == ["authors", "works", "editions"]
    first = import_new(database, tmp_path)
    assert first is not None
    assert first.editions == 50
    assert import_new(database, tmp_path) is None
