"""Exports: stable bytes, ranges, text that a spreadsheet could take for a formula, and JSON-LD."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from alexandria_pipeline.cli.app import app
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.export import COLUMNS, ExportFormat, export
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.world import JULY, JUNE, pipeline, rows, run_all


@pytest.fixture
def filled(database: Database, tmp_path: Path) -> Database:
    (tmp_path / "lists").mkdir()
    run_all(database, pipeline(database, tmp_path / "lists"), [JUNE, JULY])
    return database


@pytest.mark.parametrize("form", list(ExportFormat))
def test_the_same_data_give_the_same_bytes(filled: Database, form: ExportFormat, tmp_path: Path) -> None:
    first, again = (export(filled, form, JUNE, JULY, tmp_path / name) for name in ("a", "b"))
    assert first.works == again.works == len(rows(filled, "select 1 from enriched_works"))
    assert [file.read_bytes() for file in first.files] == [file.read_bytes() for file in again.files]
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["datapackage.json", f"works.{form.value}"]


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
