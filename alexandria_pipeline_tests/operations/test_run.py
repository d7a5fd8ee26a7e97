"""The months that `alexandria run` accepts, and the causes that it finds in Dagster's log."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.run import Months, causes, run

TODAY = date(2026, 11, 26)

FAILED = """2026-11-26 23:49:46 +0000 - dagster - ERROR - generated_books - Execution of step "generated_books" failed.

dagster._core.definitions.events.Failure: 2020-08: no generator is available; see `alexandria providers`
2020-09: the list has no such month

Stack Trace:
  File "execute_plan.py", line 243, in dagster_event_sequence_for_step
    yield from check.generator(step_events)

dagster - ERROR - persisted_works - Dependencies for step persisted_works failed: ['generated_books']. Not executing.
dagster._core.definitions.events.Failure: 2020-08: no generator is available; see `alexandria providers`

Error: Materialization failed.
"""


def test_months_are_a_month_or_a_range() -> None:
    assert list(Months.parse("2020-08", TODAY)) == [Month(2020, 8)]
    assert list(Months.parse("2020-12...2021-01", TODAY)) == [Month(2020, 12), Month(2021, 1)]
    assert [str(Months.parse(text, TODAY)) for text in ("2026-10", "2026-09...2026-10")] == [
        "2026-10",
        "2026-09...2026-10",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("2020-8", "'2020-8' is not a month: write it as YYYY-MM"),
        ("2020-13", "2020-13 is not a month"),
        ("2026-11", "2026-11 is not finished yet; the last finished month is 2026-10"),
        ("2020-01...2027-01", "2027-01 is in the future; the last finished month is 2026-10"),
        ("1999-12...2000-01", "1999-12 is before 2000-01, the first month of the backfill"),
        ("2020-02...2020-01", "ends before it begins"),
        ("2020-01..2020-03", "with three dots"),
        ("2020-01 2020-03", "with three dots"),
        ("", "is not a month"),
    ],
)
def test_other_months_are_refused_with_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(InvalidValue, match=complaint):
        Months.parse(text, TODAY)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (FAILED, ("2020-08: no generator is available; see `alexandria providers`", "2020-09: the list has no such month")),
        ("Traceback:\n  x\nValueError: bad\ndagster.utils.DagsterPostgresException: too many retries", ("too many retries",)),
        ("one\n\ntwo\n", ("one", "two")),
        ("", ()),
    ],
)  # fmt: skip
def test_a_failure_has_its_causes_once(log: str, expected: tuple[str, ...]) -> None:
    assert causes(log) == expected


def test_the_log_is_not_written_through_a_link(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("kept")
    (tmp_path / "run.log").symlink_to(other)
    month = Months.parse("2020-08", date(2026, 1, 1))
    with pytest.raises(InvalidValue, match="it is a link; remove it"):
        run(month, "*", tmp_path / "run.log", lambda _: None)
    assert other.read_text() == "kept"
