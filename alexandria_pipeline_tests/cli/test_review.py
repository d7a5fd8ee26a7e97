"""`alexandria explain` and `alexandria review` as a person types them: processes on a database in which two months were run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alexandria_pipeline.domain.matching.weights import weights
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.waiting import PATIENCE
from alexandria_pipeline_tests.world import JUNE, pipeline, rows, run_all

pytestmark = pytest.mark.slow("each command is a process")

LIST = "month\ttitle\tauthor\n2020-06\tCirce: Lord of the Lions\tMadeline Miller\n2020-06\tHamnet\tMaggie O'Farrell\n"
CATALOGUE = (
    "title\tauthor\tisbn13\tdate\nCirce: Daughter of Helios\tMadeline Miller\t9780316556347\t2020\n"
    "Hamnet\tMaggie O'Farrell\t9780525657606\t2020\n"
)
CIRCE = "9780316556347"


@pytest.fixture
def site(database: Database, database_url: str, tmp_path: Path) -> dict[str, str]:
    run_all(database, pipeline(database, tmp_path, LIST, CATALOGUE), [JUNE])
    return {"ALEXANDRIA_DATABASE_URL": database_url, "ALEXANDRIA_HOME": str(tmp_path)}


def _types(site: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("ALEXANDRIA_", "PG"))}
    command = [str(Path(sys.executable).parent / "alexandria"), *words]
    return subprocess.run(command, env=ours | site, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_a_near_miss_is_listed_accepted_and_explained(site: dict[str, str], database: Database) -> None:
    (row,) = json.loads(_types(site, "review", "list", "--json").stdout)
    assert (row["isbn13"], row["candidate"]["title"]) == (CIRCE, "Circe: Daughter of Helios")
    listed = _types(site, "review", "list").stdout
    assert "Circe: Lord of the Lions / Madeline Miller  (2020-06)" in listed
    assert row["work_key"] in listed
    assert f"{weights()['author', 'full']:+d}  author: full" in listed

    accepted = _types(
        site, "review", "accept", row["work_key"], "0-316-55634-3", "--by", "Ada", "--why", "the same book"
    )
    assert accepted.returncode == 0
    assert accepted.stderr.endswith(f" INFO Ada accepted 9780316556347 for {row['work_key']}\n")
    assert f"has the ISBN {CIRCE}, decided by Ada." in accepted.stdout
    assert _types(site, "review", "list").stdout == "0 near misses.\n"
    assert _types(site, "review", "conflicts").stdout == "0 conflicts, 0 pairs.\n"

    output = _types(site, "explain", "2020-06").stdout
    assert f"Circe: Lord of the Lions / Madeline Miller: resolved, {CIRCE} (review, confidence 100)" in output
    assert f"{CIRCE} accepted by Ada: the same book" in output
    assert "there is too little evidence for the nearest book it offered" in output
    books = json.loads(_types(site, "explain", row["work_key"], "--json").stdout)
    assert [(book["outcome"], book["isbn13"]) for book in books] == [("resolved", CIRCE)]
    assert rows(database, "select decided_by from review_decision") == [{"decided_by": "Ada"}]


def test_what_cannot_be_is_stated_plainly(site: dict[str, str]) -> None:
    unknown = _types(site, "review", "accept", "synthetic:x", CIRCE, "--by", "Ada")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr.startswith("alexandria: there is no work 'synthetic:x'")
    refused = _types(site, "explain", "next month")
    assert refused.returncode == 2
    assert "'next month' is neither a month such as 2020-08 nor the key of a listed work" in refused.stderr
    wrong = _types(site, "review", "reject", "synthetic:x", "9780316556340", "--by", "Ada")
    assert wrong.returncode == 2
    assert "9780316556340" in wrong.stderr


def test_a_rejected_work_stays_without_isbn(site: dict[str, str], database: Database) -> None:
    (row,) = json.loads(_types(site, "review", "list", "--json").stdout)
    rejected = _types(site, "review", "reject", row["work_key"], "--by", "Ada")
    assert "stays without an ISBN and is not asked for again, decided by Ada." in rejected.stdout
    (book,) = rows(database, "select outcome, reason from generated_book where title like 'Circe%%'")
    assert book == {"outcome": "not_found", "reason": "rejected by Ada in review"}
