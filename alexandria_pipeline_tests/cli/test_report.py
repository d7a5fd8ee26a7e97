"""`alexandria report` as a person types it."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.waiting import PATIENCE
from alexandria_pipeline_tests.world import JULY, JUNE, pipeline, run_all

pytestmark = pytest.mark.slow("each command is a process")


@pytest.fixture
def site(database: Database, database_url: str, tmp_path: Path) -> dict[str, str]:
    run_all(database, pipeline(database, tmp_path), [JUNE, JULY])
    return {"ALEXANDRIA_DATABASE_URL": database_url, "ALEXANDRIA_HOME": str(tmp_path)}


def _types(site: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ALEXANDRIA_", "PG"))}
    command = [str(Path(sys.executable).parent / "alexandria"), "report", *words]
    return subprocess.run(command, env=ours | site, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_it_is_printed_as_markdown_or_csv(site: dict[str, str]) -> None:
    printed = _types(site)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout.startswith("# Backfill report\n")
    assert "| 2020-06 | validation | completed | 3 | 2 | 66.67 |" in printed.stdout
    rows = list(csv.DictReader(io.StringIO(_types(site, "--format", "csv").stdout)))
    assert [row["month"] for row in rows if row["table"] == "months"] == ["2020-06", "2020-07"]
    months = list(csv.DictReader(io.StringIO(_types(site, "--format", "csv", "--table", "months").stdout)))
    assert [(row["month"], row["books"]) for row in months] == [("2020-06", "3"), ("2020-07", "2")]
    assert not {"table", "service"} & set(months[0])


def test_it_is_written_to_a_file(site: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    written = _types(site, "--format", "html", "--output", str(file))
    assert (written.returncode, written.stdout) == (0, f"Written: {file}\n")
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_what_cannot_be_is_stated_plainly(site: dict[str, str], tmp_path: Path) -> None:
    nowhere = _types(site, "--output", str(tmp_path / "no" / "report.md"))
    assert (nowhere.returncode, nowhere.stdout) == (2, "")
    assert "report.md cannot be written: No such file or directory" in nowhere.stderr
    assert _types(site, "--format", "pdf").returncode == 2
