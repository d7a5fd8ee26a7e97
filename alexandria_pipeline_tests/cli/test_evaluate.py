"""`alexandria evaluate`: counts, failures with evidence, and bad lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from alexandria_pipeline.cli.app import app

EMMA = {"isbn13": "9780141439587", "title": "Emma", "authors": ["Austen, Jane"], "published": "1815", "pages": 400}
OTHER = {"isbn13": "9780743261159", "title": "Persuasion", "authors": ["Jane Austen"], "published": "1817-12-20"}
ASKED = {"title": "Emma", "author": "Jane Austen", "year": 1815}
LINES = [
    {"id": "found", "kind": "plain", "asked": ASKED, "candidates": [OTHER, EMMA], "right": ["9780141439587"]},
    {"id": "refused", "kind": "plain", "asked": ASKED, "candidates": [OTHER], "right": [None]},
    {"id": "missed", "kind": "mislabelled", "asked": ASKED, "candidates": [OTHER], "right": ["9780743261159"]},
    {"id": "wrong", "kind": "mislabelled", "asked": ASKED, "candidates": [EMMA], "right": [None]},
    {"id": "either", "kind": "plain", "asked": ASKED, "candidates": [], "right": [None, "9780141439587"]},
    {"id": "pair", "kind": "pairs", "listings": [ASKED, {"title": "EMMA", "author": "Austen, Jane"}], "same": True},
    {"id": "no pair", "kind": "pairs", "listings": [ASKED, {"title": "Persuasion", "author": "J. A."}], "same": True},
    {"id": "any", "kind": "pairs", "listings": [ASKED, {"title": "Emma, Vol. 1", "author": ""}], "same": None},
]


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join([*map(json.dumps, LINES), "", "no JSON", "[1]", '{"id": "x", "asked": {}}']) + "\n")
    return path


def test_the_answer_counts_by_kind_and_explains_each_failure(cases: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", str(cases), "--json"])
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert {name: answer[name] for name in ("cases", "right", "wrong", "missed", "rightly_refused")} == {
        "cases": 5, "right": 1, "wrong": 1, "missed": 1, "rightly_refused": 2,
    }  # fmt: skip
    assert (answer["precision"], answer["recall"], answer["sure_and_wrong"]) == (0.5, 0.5, 1)
    assert (answer["pairs"], answer["pairs_right"]) == (3, 2)
    assert answer["by_kind"]["plain"]["precision"] == 1.0
    assert {failure["id"] for failure in answer["failures"]} == {"missed", "wrong", "no pair"}
    for failure in answer["failures"]:
        assert {"id", "kind", "asked", "answer", "right", "evidence"} <= set(failure)
    wrong = next(failure for failure in answer["failures"] if failure["id"] == "wrong")
    assert (wrong["answer"], wrong["right"]) == ("9780141439587", [None])
    assert {"title", "author"} <= {line["name"] for line in wrong["evidence"]}


def test_bad_lines_are_named_and_skipped(cases: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate", str(cases)])
    assert result.exit_code == 0
    for number in (10, 11, 12):
        assert f"line {number}: skipped" in result.stderr
    assert "mislabelled" in result.stdout
    assert "answer 9780141439587, right none" in result.stdout


def test_a_file_that_does_not_exist_is_wrong_use(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["evaluate", str(tmp_path / "none.jsonl")]).exit_code == 2
