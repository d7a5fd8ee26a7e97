"""The score of answers against the truth of the lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alexandria_pipeline_tests.upstream.lists import Lists
from alexandria_pipeline_tests.upstream.score import score
from alexandria_pipeline_tests.upstream.service_records import record_indexes

if TYPE_CHECKING:
    from alexandria_pipeline_tests.upstream.catalogue import Catalogue

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)


def test_perfect_answers_score_one(small_catalogue: Catalogue) -> None:
    lists = Lists(small_catalogue, record_indexes(small_catalogue))
    truth = {month: lists.truth(month) for month in lists.months}
    answers = {month: list({row["identity"]: row for row in rows}.values()) for month, rows in truth.items()}
    perfect = {
        month: [
            {"title": r["title"], "author": r["author"], "isbn13": r["right"][0] if r["known"] and r["right"] else None}
            for r in rows
        ]
        for month, rows in answers.items()
    }
    total = score((perfect[month], truth[month]) for month in lists.months)
    assert (
        total.figures["precision"] == total.figures["invented_left_synthetic"] == total.figures["right_language"] == 1
    )
    assert total.figures["recall"] == total.figures["merged_forms"] == 1
    assert (total.merged, total.split, total.unknown_rows) == (0, 0, 0)


def test_every_error_is_counted() -> None:
    common = {"month": "2020-01", "invented": False, "known": ["isbndb"], "audio": ["A3"]}
    truth = [
        {
            **common,
            "title": "A",
            "author": "x",
            "identity": "work 1",
            "right": ["A1"],
            "language": ["A1", "A3"],
            "editions": ["A1", "A2", "A3"],
        },
        {
            **common,
            "title": "a",
            "author": "x",
            "identity": "work 1",
            "right": ["A1"],
            "language": ["A1", "A3"],
            "editions": ["A1", "A2", "A3"],
        },
        {
            **common,
            "title": "B",
            "author": "x",
            "identity": "work 2",
            "right": ["B1"],
            "language": ["B1"],
            "editions": ["B1"],
        },
        {
            **common,
            "title": "I",
            "author": "y",
            "identity": "invented 1",
            "invented": True,
            "known": [],
            "right": [],
            "language": [],
            "editions": [],
        },
    ]
    rows = [
        {"title": title, "author": author, "isbn13": isbn}
        for title, author, isbn in (("A", "x", "A2"), ("a", "x", "A3"), ("I", "y", "Z9"))
    ]
    total = score([([*rows, {"title": "?", "author": "?", "isbn13": None}], truth)])
    assert (total.given, total.right, total.right_language, total.right_print, total.right_form) == (3, 2, 1, 0, 1)
    assert (total.knowable, total.knowable_found, total.invented, total.invented_synthetic) == (2, 1, 1, 0)
    assert (total.merged, total.split, total.several_forms, total.unknown_rows) == (1, 1, 1, 1)
    assert set(total.as_dict()["examples"]) >= {
        "in several rows",
        "invented, but given an ISBN",
        "rows that no list holds",
    }
