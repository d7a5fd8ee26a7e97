"""What a long resolution says of itself, and the figures that it leaves for each month."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from pathlib import Path

import pytest

from alexandria_pipeline.stages import resolve
from alexandria_pipeline.stages.resolve import _Progress
from alexandria_pipeline.stages.runner import MonthRunner
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.world import JUNE, holder, pipeline, rows


def test_progress_says_books_services_rate_and_time_left(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "PROGRESS_SECONDS", 0.05)
    progress = _Progress("resolved_isbns", 40)
    progress.step(10, Counter({"asked_isbndb": 10, "found_isbndb": 8, "no_isbndb": 2, "asked_wikidata": 2}))

    async def speak() -> None:
        speaker = asyncio.create_task(progress.speak())
        await asyncio.sleep(0.12)
        speaker.cancel()

    with caplog.at_level(logging.INFO):
        asyncio.run(speak())
    assert caplog.messages
    said = (
        r"resolved_isbns: 10 of 40 books, [\d.]+ a second, about \d+ s left; found by isbndb 8 of 10, wikidata 0 of 2"
    )
    assert re.fullmatch(said, caplog.messages[0])


def test_before_the_first_book_there_is_no_rate_to_tell() -> None:
    assert _Progress("resolved_isbns", 3)._standing() == "0 of 3 books, 0.0 a second"


def test_a_month_counts_answers_and_the_calls_of_its_run(database: Database, tmp_path: Path) -> None:
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
    (kept,) = rows(database, "select counts from stage_log where stage = 'resolved_isbns'")
    assert kept["counts"] == report.done[JUNE]
