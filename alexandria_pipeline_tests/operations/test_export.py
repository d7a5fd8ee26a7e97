"""Exports: stable bytes, ranges, text that a spreadsheet could take for a formula, and JSON-LD."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner
from jsonschema import Draft4Validator
from pymarc import MARCReader

from alexandria_pipeline.cli.app import app
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.catalog_files import read_editions
from alexandria_pipeline.operations.export.columns import COLUMNS
from alexandria_pipeline.operations.export.exporter import WRITERS, ExportFormat, export
from alexandria_pipeline.operations.export.text import import_record
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.world import JULY, JUNE, pipeline, rows, run_all

HALF = "9780525536291"
FACTS = """
update enriched_editions
set publisher = 'Riverhead', published = '2020-06-02', language = 'en', format = 'hardcover', pages = 343, description = 'Twins: Stella & Desiree.',
    authors = '[{"name": "Brit Bennett", "role": "author"}, {"name": "Jean Esch", "role": "translator"}]',
    subjects = '[{"name": "Twins", "sources": ["open-library"]}, {"name": "Sisters", "sources": ["isbndb"]}]',
    identifiers = '{"oclc": ["1128098131"]}', cover = '{"url": "https://covers.openlibrary.org/b/id/9.jpg"}'
where isbn13 = '9780525536291' returning 1
"""

# The parts of Open Library's import format that our records use, restated from import.schema.json of openlibrary-client.
STRINGS = {"type": "array", "items": {"type": "string"}}
IMPORT_SCHEMA = {
    "type": "object", "required": ["title", "source_records", "authors", "publishers", "publish_date"], "additionalProperties": False,
    "properties": {
        "title": {"type": "string"}, "subtitle": {"type": "string"}, "source_records": STRINGS, "publishers": STRINGS,
        "authors": {"type": "array", "items": {
            "type": "object", "required": ["name"], "additionalProperties": False, "properties": {"name": {"type": "string"}}}},
        "contributor": {"type": "array", "items": {
            "type": "object", "required": ["name"], "additionalProperties": False,
            "properties": {"name": {"type": "string"}, "role": {"type": "string"}}}},
        "publish_date": {"type": "string"}, "number_of_pages": {"type": "number"}, "description": {"type": "string"},
        "languages": {"type": "array", "items": {"type": "string", "pattern": "^[a-z]{3}$"}},
        "isbn_13": {"type": "array", "items": {"type": "string", "pattern": "^[0-9]{13}$"}}, "oclc_numbers": STRINGS, "lccn": STRINGS,
        "series": STRINGS, "subjects": STRINGS, "physical_format": {"type": "string"}, "cover": {"type": "string"},
    },
}  # fmt: skip


@pytest.fixture
def filled(database: Database, tmp_path: Path) -> Database:
    (tmp_path / "lists").mkdir()
    run_all(database, pipeline(database, tmp_path / "lists"), [JUNE, JULY])
    rows(database, FACTS)
    return database


@pytest.mark.parametrize("form", list(ExportFormat))
def test_the_same_data_give_the_same_bytes(filled: Database, form: ExportFormat, tmp_path: Path) -> None:
    first, again = (export(filled, form, JUNE, JULY, tmp_path / name) for name in ("a", "b"))
    assert first.works == again.works > 0
    assert first.works + first.left_out == len(rows(filled, "select 1 from enriched_works"))
    assert [file.read_bytes() for file in first.files] == [file.read_bytes() for file in again.files]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(["datapackage.json", WRITERS[form][0]])


def test_the_table_has_the_columns_of_its_descriptor(filled: Database, tmp_path: Path) -> None:
    done = export(filled, ExportFormat.CSV, JUNE, JULY, tmp_path)
    table = pd.read_csv(done.files[0], dtype=str, keep_default_na=False)
    (resource,) = json.loads(done.files[1].read_text())["resources"]
    assert list(table.columns) == [field["name"] for field in resource["schema"]["fields"]] == list(COLUMNS)
    stored = {
        row["work_key"]: row["isbn13"]
        for row in rows(filled, "select work_key, coalesce(isbn13, '') as isbn13 from enriched_works")
    }
    assert dict(zip(table["work_key"], table["isbn13"], strict=True)) == stored


def test_only_the_months_and_the_changes_that_were_asked_for(filled: Database, tmp_path: Path) -> None:
    june = export(filled, ExportFormat.JSONL, JUNE, JUNE, tmp_path)
    listed = rows(filled, "select distinct work_id from generated_book where (year, month) = (2020, 6)")
    assert june.works == len(listed)
    assert export(filled, ExportFormat.JSONL, Month(2021, 1), Month(2021, 12), tmp_path).works == 0
    later = datetime.now(UTC) + timedelta(days=1)
    assert export(filled, ExportFormat.JSONL, JUNE, JULY, tmp_path, since=later).works == 0


def test_no_text_is_a_formula_for_a_spreadsheet(filled: Database, tmp_path: Path) -> None:
    rows(filled, "update enriched_works set title = '=HYPERLINK(1)' returning 1")
    done = export(filled, ExportFormat.CSV, JUNE, JULY, tmp_path)
    with done.files[0].open(newline="") as file:
        assert {row["title"][0] for row in csv.DictReader(file)} == {"'"}


def test_a_book_of_schema_org(filled: Database, tmp_path: Path) -> None:
    done = export(filled, ExportFormat.JSONLD, JUNE, JULY, tmp_path)
    books = [json.loads(line) for line in done.files[0].read_text().splitlines()]
    assert {book["@type"] for book in books} == {"Book"}
    resolved = [book for book in books if "workExample" in book]
    assert resolved
    assert all(len(book["workExample"][0]["isbn"]) == 13 for book in resolved)


def test_a_folder_that_cannot_be_made_is_named(filled: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidValue, match="cannot be written"):
        export(filled, ExportFormat.CSV, JUNE, JULY, tmp_path / "file" / "folder")


def test_the_command_writes_every_month(
    filled: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALEXANDRIA_DATABASE_URL", database_url)
    result = CliRunner().invoke(app, ["export", "--format", "jsonl", "--output", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output)["works"] == len(rows(filled, "select 1 from enriched_works"))


def test_records_for_open_library_are_valid(filled: Database, tmp_path: Path) -> None:
    done = export(filled, ExportFormat.OPENLIBRARY, JUNE, JULY, tmp_path)
    (record,) = [json.loads(line) for line in done.files[0].read_text().splitlines()]
    Draft4Validator(IMPORT_SCHEMA).validate(record)
    assert (record["isbn_13"], record["languages"], record["oclc_numbers"]) == ([HALF], ["eng"], ["1128098131"])
    assert record["contributor"] == [{"name": "Jean Esch", "role": "Translator"}]
    assert done.left_out == 3, "the others have no publisher or no ISBN"


def test_a_marc_reader_finds_the_edition(filled: Database, tmp_path: Path) -> None:
    done = export(filled, ExportFormat.MARC, JUNE, JULY, tmp_path)
    with done.files[0].open("rb") as file:
        found = {record["020"]["a"]: record for record in MARCReader(file)}
    assert len(found) == done.works == 3
    half = found[HALF]
    assert (half["100"]["a"], half["264"]["b"], half["300"]["a"]) == ("Brit Bennett", "Riverhead", "343 pages")
    assert (half["008"].data[7:11], half["008"].data[35:38], len(half["008"].data)) == ("2020", "eng", 40)
    assert half["700"].get_subfields("4") == ["trl"]
    assert {HALF} < {row["isbn13"] for _, row in read_editions("works.mrc", done.files[0].read_bytes()).rows}


def test_parquet_has_types_and_duckdb_reads_the_folder(filled: Database, tmp_path: Path) -> None:
    done = export(filled, ExportFormat.PARQUET, JUNE, JULY, tmp_path / "2020")
    table = pd.read_parquet(done.files[0])
    assert list(table.columns) == list(COLUMNS)
    question = "select count(*), count(isbn13), max(pages) from read_parquet(?) where first_month >= '2020-06'"
    found = duckdb.execute(question, [f"{tmp_path}/*/works.parquet"]).fetchone()
    assert found == (4, 3, 343)


FORBIDDEN = """
update enriched_editions set provenance = '{"publisher": "isbndb", "pages": {"source": ["isbndb", "open-library"]},
    "description": {"source": "google-books"}, "identifiers": {"source": ["isbndb", "wikidata"]}}'
where isbn13 = '9780525536291' returning 1
"""


def test_what_may_not_be_passed_on_is_left_out_and_named(filled: Database, tmp_path: Path) -> None:
    rows(filled, FORBIDDEN)
    done = export(filled, ExportFormat.JSONL, JUNE, JULY, tmp_path)
    (half,) = [row for row in map(json.loads, done.files[0].read_text().splitlines()) if row["isbn13"] == HALF]
    assert (half["publisher"], half["description"], half["identifiers"]) == (None, None, None)
    assert (half["pages"], half["subjects"]) == (343, "Twins"), "a source that allows it states the same"
    assert half["withheld"] == "publisher; description; subjects; identifiers"
    assert done.withheld == 1
    withheld = json.loads(done.files[1].read_text())["withheld_sources"]
    assert {each["source"] for each in withheld} == {"isbndb", "google-books", "nyt"}
    assert all(each["reason"] for each in withheld)


def test_for_own_use_nothing_is_left_out_and_the_descriptor_forbids_publishing(
    filled: Database, tmp_path: Path
) -> None:
    rows(filled, FORBIDDEN)
    done = export(filled, ExportFormat.JSONL, JUNE, JULY, tmp_path, own_use=True)
    (half,) = [row for row in map(json.loads, done.files[0].read_text().splitlines()) if row["isbn13"] == HALF]
    assert (half["publisher"], half["subjects"], half["withheld"]) == ("Riverhead", "Twins; Sisters", None)
    assert done.withheld == 0
    assert "own use" in json.loads(done.files[1].read_text())["description"]


def test_a_title_from_a_forbidden_source_is_the_listed_one(filled: Database, tmp_path: Path) -> None:
    rows(
        filled,
        "update enriched_works set listed_title = title, title = 'Licensed',"
        " provenance = jsonb_build_object('title', jsonb_build_object('source', 'isbndb')) where isbn13 = %s returning 1",
        HALF,
    )
    done = export(filled, ExportFormat.JSONL, JUNE, JULY, tmp_path)
    assert "Licensed" not in done.files[0].read_text()


ROW = dict.fromkeys(COLUMNS) | {
    "authors": [],
    "subjects": [],
    "identifiers": {},
    "work_key": "k",
    "title": "t",
}


@pytest.mark.parametrize("missing", ["isbn13", "authors", "publisher", "published"])
def test_open_library_gets_no_record_without_what_it_wants(missing: str) -> None:
    whole = ROW | {"isbn13": HALF, "authors": [{"name": "A"}], "publisher": "P", "published": "2020"}
    record = import_record(whole)
    assert record is not None
    Draft4Validator(IMPORT_SCHEMA).validate(record)
    assert import_record(whole | {missing: ROW[missing]}) is None
