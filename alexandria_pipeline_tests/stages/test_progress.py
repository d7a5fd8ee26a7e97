"""The log lines of a long stage, and the counts that it stores for each month."""

from __future__ import annotations

import logging
import re
from collections import Counter
from pathlib import Path

import pytest

from alexandria_pipeline.stages.resolve import found_by
from alexandria_pipeline.stages.runner import MonthRunner, Progress
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.world import JUNE, holder, pipeline, rows


def test_a_line_has_books_rate_remaining_time_and_services(caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress("resolved_isbns", "books", 40, log_seconds=3600)
    with caplog.at_level(logging.INFO):
        progress.log()
        progress.advance(10)
        progress.log(found_by(Counter({"asked_isbndb": 10, "found_isbndb": 8, "no_isbndb": 2, "asked_wikidata": 2})))
    before, after = caplog.messages
    assert before == "resolved_isbns: 0 of 40 books, 0.0 per second"
    shown = (
        r"resolved_isbns: 10 of 40 books, [\d.]+ per second, about \d+ s left;"
        r" isbndb found 8 of 10, wikidata found 0 of 2"
    )
    assert re.fullmatch(shown, after)


def test_a_line_is_logged_when_the_last_one_is_old_enough(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Progress("generated_books", "months", 3, log_seconds=3600).advance()
        assert caplog.messages == []
        Progress("generated_books", "months", 3, log_seconds=0).advance()
    assert len(caplog.messages) == 1


def test_a_month_has_counts_of_answers_and_of_the_calls_of_its_run(database: Database, tmp_path: Path) -> None:
    world = pipeline(database, tmp_path)
    runner = MonthRunner(holder(database))
    for stage in (world.generate, world.persist):
        runner.run(stage, [JUNE])
    call = """insert into api_call (service, year, month, stage, run_id, method, url)
              values ('isbndb', 2020, 6, %s, %s, 'GET', 'https://host/') returning 1"""
    for stage_name, run_id in (("resolved_isbns", "run-1"), ("resolved_isbns", "run-0"), ("generated_books", "run-1")):
        rows(database, call, stage_name, run_id)
    report = runner.run(world.resolve, [JUNE])
    runner.close()
    assert report.done[JUNE] == {
        "editions": 2, "books": 3, "synthetic": 1, "resolved": 2, "not_found": 1, "calls_isbndb": 1,
        "asked_local-catalog": 3, "found_local-catalog": 2, "no_local-catalog": 1,
    }  # fmt: skip
    assert report.seconds > 0
    (stored,) = rows(database, "select counts from stage_log where stage = 'resolved_isbns'")
    assert stored["counts"] == report.done[JUNE]
