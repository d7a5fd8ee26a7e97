"""Runs in a real Dagster, in this process, on a database of their own: what they leave in the tables, what Dagster shows.

A fault is made where faults come from: in the list, in the database (SQL), or by another owner. Nothing of ours is patched.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.catalog import load_catalog
from alexandria_pipeline.orchestration.build import build_definitions
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.world import AUGUST, JULY, JUNE, dump, holder, rows

pytestmark = pytest.mark.slow("each test has a Dagster instance")

WORDS = (
    "amber bitter crooked distant early feral golden hollow inland jagged"
    " kindred lonely marble narrow opal patient quiet restless silver tangled"
).split()
HEADER = "month\ttitle\tauthor\n"
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
# What is done once a day has tests of its own (test_daily.py).
UNPARTITIONED = ("enhanced_synthetic_works", "backfill_report", "local_catalog", "pruned_tables")
MONTHLY = dg.AssetSelection.all() - dg.AssetSelection.assets(*UNPARTITIONED)
NOTHING_LOST = dg.AssetCheckKey(dg.AssetKey("persisted_works"), "nothing_lost")
OURS = ("backfill_log", "generation_reply", "generated_book", "generated_listing", "enriched_works", "enriched_editions",
        "resolution_attempt", "month_claim", "stage_log", "set_aside")  # fmt: skip


def _title(month: Month, number: int) -> str:
    return f"The {WORDS[number].title()} Harbour of {('Aachen', 'Bergen', 'Cadiz')[month.month - 6]}"


def _isbn(month: Month, number: int) -> str:
    digits = f"978{month.month:03d}{number:06d}"
    return digits + str(-sum(int(digit) * (1, 3)[at % 2] for at, digit in enumerate(digits)) % 10)


def _listed(month: Month, books: int = 20) -> str:
    return "".join(f"{month}\t{_title(month, n)}\tAda Author{WORDS[n]}\n" for n in range(books))


def _known(month: Month, books: int) -> str:
    return "".join(f"{_title(month, n)}\tAda Author{WORDS[n]}\t{_isbn(month, n)}\t2020\n" for n in range(books))


def _asset(name: str) -> dg.AssetSelection:
    """One asset and its checks, as a person selects it."""
    return dg.AssetSelection.assets(name)


@dataclass(frozen=True)
class Figure:
    """One evaluation of a check, as the UI shows it."""

    passed: bool
    severity: str
    metadata: dict[str, Any]
    description: str | None


@dataclass(frozen=True)
class Ran:
    """One run: `checks` by (asset:check, partition), `shown` by (asset, partition)."""

    run_id: str
    success: bool
    result: dg.ExecuteInProcessResult
    checks: dict[tuple[str, str | None], Figure]
    shown: dict[tuple[str, str | None], dict[str, Any]]


class Lab:
    """A Dagster instance and a pipeline on a list and a catalogue."""

    def __init__(self, database: Database, url: str, folder: Path) -> None:
        self.database = database
        self._folder, self._url = folder, url
        self.instance = dg.DagsterInstance.ephemeral()

    def world(self, listed: str, known: str) -> None:
        (self._folder / "list.tsv").write_text(HEADER + listed, encoding="utf-8")
        load_catalog(self.database, "catalogue.tsv", ("title\tauthor\tisbn13\tdate\n" + known).encode())

    def run(self, *months: Month, select: dg.AssetSelection | None = None) -> Ran:
        """Materializes the months: one as `--partition` does, several as `--partition-range`."""
        settings = load_settings(
            home=self._folder / "home", database_url=SecretStr(self._url), curated_list=self._folder / "list.tsv",
            generators=("curated-list",), resolver_order=("local-catalog",),
        )  # fmt: skip
        definitions = build_definitions(settings)
        tags = dict(zip(RANGE, (str(months[0]), str(months[-1])), strict=True))
        result = dg.materialize(
            [*(definitions.assets or []), *(definitions.asset_checks or [])],  # type: ignore[list-item]  # ours are these two kinds
            selection=select or MONTHLY,
            resources=definitions.resources,
            instance=self.instance,
            tags=tags if len(months) > 1 else {"dagster/partition": str(months[0])},
            raise_on_error=False,
        )
        seen = {
            (f"{e.asset_key.to_user_string()}:{e.check_name}", e.partition): Figure(
                e.passed, e.severity.name, {name: value.value for name, value in e.metadata.items()}, e.description
            )
            for e in result.get_asset_check_evaluations()
        }
        shown = {
            (m.asset_key.to_user_string(), m.partition): {name: value.value for name, value in m.metadata.items()}
            for m in (event.materialization for event in result.get_asset_materialization_events())
        }
        return Ran(result.run_id, result.success, result, seen, shown)

    def evaluations(self, asset: str, check: str) -> dict[str | None, dg.AssetCheckEvaluation]:
        """The last evaluation of a check for each month, as the instance keeps it."""
        wanted = dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        records = self.instance.event_log_storage.get_event_records(wanted, ascending=True)
        events = [record.event_log_entry.dagster_event for record in records]
        found = [event.asset_check_evaluation_data for event in events if event]
        return {e.partition: e for e in found if (e.asset_key.to_user_string(), e.check_name) == (asset, check)}

    def log(self, month: Month) -> dict[str, Any]:
        where = "select * from backfill_log where year = %s and month = %s"
        return rows(self.database, where, month.year, month.month)[0]

    def sql(self, *statements: str) -> None:
        with self.database.transaction() as tx:
            for statement in statements:
                tx.execute(statement.encode())


@pytest.fixture
def lab(database: Database, database_url: str, tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(database, database_url, tmp_path)
    with lab.instance:
        yield lab


def _failure(ran: Ran, step: str) -> str:
    """The message of a failed step."""
    failed = [event for event in ran.result.all_events if event.is_step_failure and event.step_key == step]
    assert failed, [event.step_key for event in ran.result.all_events if event.is_step_failure]
    failure = failed[0].step_failure_data
    assert failure.error is not None
    return (failure.user_failure_data.description if failure.user_failure_data else None) or failure.error.message


def _counts(shown: dict[str, Any]) -> dict[str, Any]:
    """What is shown of a month, less the figures of its run, which hang on the clock, and the pictures."""
    return {
        name: value
        for name, value in shown.items()
        if not name.startswith(("run_", "confidence", "coverage", "sample"))
    }


ENRICHED = {"dagster/row_count": 20, "computed": 20, "changed": 20, "conflicts": 0, "owed": 0}


def test_one_month_is_shown_with_its_counts_and_figures(lab: Lab) -> None:
    lab.world(_listed(JUNE), _known(JUNE, 20))
    ran = lab.run(JUNE)
    assert ran.success
    assert {place: _counts(shown) for place, shown in ran.shown.items()} == {
        ("generated_books", "2020-06"): {
            "dagster/row_count": 20,
            "books": 20,
            "listings": 20,
            "curated_list_books": 20,
            "curated_list_listings": 20,
        },
        ("persisted_works", "2020-06"): {"dagster/row_count": 20, "works": 20, "books_kept": 20, "works_added": 20},
        ("resolved_isbns", "2020-06"): {
            "dagster/row_count": 20,
            "editions": 20,
            "books": 20,
            "synthetic": 0,
            "resolved": 20,
            "asked_local-catalog": 20,
            "found_local-catalog": 20,
        },
        **{(f"enriched_{things}", "2020-06"): ENRICHED for things in ("editions", "works", "authors")},
        ("library_export", "2020-06"): {"files": "none: ALEXANDRIA_EXPORTS is not set"},
    }
    figures = {name: figure.metadata for (name, _), figure in ran.checks.items()}
    of_library = {name: figures.pop(name) for name in list(figures) if name.startswith("enriched_")}
    assert {name: (each.get("figure", 0), each.get("rows", 0)) for name, each in of_library.items()} == {
        "enriched_authors:works_have_authors": (0, 20),
        "enriched_editions:editions_have_a_work": (0, 20),
        "enriched_editions:fields_have_a_source": (0, 20),
        "enriched_editions:isbns_per_paid_call": (0, 0),
        "enriched_editions:listed_isbns": (0, 0),
        "enriched_editions:one_work_per_isbn": (0, 20),
        "enriched_works:answers_owed": (0, 0),
        "enriched_works:no_resolved_work_is_synthetic": (0, 20),
        "enriched_works:served_rows_are_current": (0, 20),
    }
    assert figures == {
        "generated_books:no_month_failed": {},
        "generated_books:one_owner_per_month": {"figure": 0.0, "shared": 0, "claimed": 1},
        "persisted_works:no_month_failed": {},
        "persisted_works:nothing_lost": {"figure": 0.0, "lost": 0, "generated": 20},
        "resolved_isbns:call_accounting": {},
        "resolved_isbns:isbndb_budget": {
            "figure": 0,
            "attempts": 0,
            "budget": 1000,
            "safe_limit": 13000,
            "percent_of_safe_limit": 0.0,
        },
        "resolved_isbns:no_month_failed": {},
        "resolved_isbns:resolution_rate": {"figure": 100.0, "resolved": 20, "generated": 20},
        "resolved_isbns:synthetic_share": {"figure": 0.0, "synthetic": 0, "works": 20},
        "resolved_isbns:synthetic_share_overall": {"figure": 0.0, "synthetic": 0, "works": 20},
    }
    assert all(figure.passed for figure in ran.checks.values())
    assert (lab.log(JUNE)["status"], lab.log(JUNE)["owner_run"]) == ("completed", None)


def test_a_resolution_shows_its_confidences_and_how_its_services_answered(lab: Lab) -> None:
    lab.world(_listed(JUNE) + _listed(JULY), _known(JUNE, 20) + _known(JULY, 17))
    ran = lab.run(JUNE, JULY)
    june, july = ran.shown["resolved_isbns", "2020-06"], ran.shown["resolved_isbns", "2020-07"]
    for shown in (june, july):
        assert shown["confidence"].startswith("![Confidence of the ISBNs of 2020-0")
        assert shown["run_confidence"].startswith("![Confidence of the ISBNs of all months")
        (line,) = [record.data for record in shown["run_services"].records]
        asked = {"service": "local-catalog", "asked": 40, "found": 37, "no": 3, "failed": 0, "unavailable": 0}
        assert line == {**asked, "calls": 0, "calls_per_book": 0.0}
        assert shown["run_seconds"] > 0
        assert "run_bound_seconds" not in shown, "a catalogue on this machine has no allowance"
    assert june["confidence"] != july["confidence"]


def test_a_run_uses_nothing_that_dagster_will_drop(lab: Lab) -> None:
    lab.world(_listed(JUNE), _known(JUNE, 20))
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        assert lab.run(JUNE).success


def test_a_range_is_one_run_judged_month_by_month(lab: Lab) -> None:
    """June at 100 %, July at 85 % (below both limits), August at 90 % (above one, below the other)."""
    known = _known(JUNE, 20) + _known(JULY, 17) + _known(AUGUST, 18)
    lab.world(_listed(JUNE) + _listed(JULY) + _listed(AUGUST), known)
    ran = lab.run(JUNE, AUGUST)
    assert ran.success, "these checks tell, they do not stop"

    assert _counts(ran.shown["resolved_isbns", "2020-07"]) == {
        "dagster/row_count": 17, "editions": 17, "books": 20, "synthetic": 3, "resolved": 17, "not_found": 3,
        "asked_local-catalog": 20, "found_local-catalog": 17, "no_local-catalog": 3,
    }  # fmt: skip
    assert {partition for _, partition in ran.shown} == {"2020-06", "2020-07", "2020-08"}

    def judged(check: str) -> dict[str | None, tuple[bool, str, Any]]:
        name = f"resolved_isbns:{check}"
        return {p: (f.passed, f.severity, f.metadata.get("figure")) for (n, p), f in ran.checks.items() if n == name}

    assert judged("resolution_rate") == {
        "2020-06": (True, "ERROR", 100.0),
        "2020-07": (False, "ERROR", 85.0),
        "2020-08": (True, "ERROR", 90.0),
        None: (False, "ERROR", 91.67),
    }
    assert judged("synthetic_share") == {
        "2020-06": (True, "WARN", 0.0),
        "2020-07": (False, "WARN", 15.0),
        "2020-08": (False, "WARN", 10.0),
        None: (False, "WARN", 8.33),
    }
    assert ran.checks["resolved_isbns:resolution_rate", "2020-07"].metadata == {
        "figure": 85.0, "resolved": 17, "generated": 20,
    }  # fmt: skip
    whole = ran.checks["resolved_isbns:resolution_rate", None].metadata
    assert (whole["months"], whole["months_failing"]) == (3, 1)
    assert [record.data for record in whole["failing"].records] == [
        {"month": "2020-07", "figure": 85.0, "resolved": 17, "generated": 20}
    ]
    overall = ran.checks["resolved_isbns:synthetic_share_overall", None]
    assert (overall.passed, overall.severity) == (False, "ERROR")
    assert overall.metadata == {"figure": 8.33, "synthetic": 5, "works": 60}

    stored = lab.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey("resolved_isbns"), asset_partitions=["2020-08"]), limit=5
    ).records
    assert [record.asset_materialization.metadata["resolved"].value for record in stored if record.asset_materialization] == [18]  # fmt: skip


def test_between_ninety_and_ninety_five_percent_only_the_synthetic_share_warns(lab: Lab) -> None:
    lab.world(_listed(JUNE), _known(JUNE, 19))
    ran = lab.run(JUNE)
    assert ran.success
    failing = {name: (f.severity, f.metadata["figure"]) for (name, _), f in ran.checks.items() if not f.passed}
    assert failing == {
        "resolved_isbns:synthetic_share": ("WARN", 5.0),
        "resolved_isbns:synthetic_share_overall": ("ERROR", 5.0),
    }
    assert ran.checks["resolved_isbns:resolution_rate", "2020-06"].metadata["figure"] == 95.0


def test_a_month_without_books_has_shown_nothing(lab: Lab) -> None:
    lab.world(_listed(JULY, 1), _known(JULY, 1))
    ran = lab.run(JUNE)
    assert ran.success
    rate = ran.checks["resolved_isbns:resolution_rate", "2020-06"]
    assert (rate.passed, rate.severity, rate.metadata) == (False, "WARN", {"resolved": 0, "generated": 0})
    assert lab.log(JUNE)["status"] == "completed"


def test_a_second_run_changes_no_row(lab: Lab) -> None:
    lab.world(_listed(JUNE) + _listed(JULY), _known(JUNE, 20) + _known(JULY, 10))
    first = lab.run(JUNE, JULY)
    before = dump(lab.database, OURS)
    again = lab.run(JUNE, JULY)
    assert (first.success, again.success) == (True, True)
    assert dump(lab.database, OURS) == before
    assert again.checks.keys() == first.checks.keys()
    for key, figure in first.checks.items():
        assert again.checks[key].passed == figure.passed, key


def test_the_local_catalogue_shows_its_rows_and_age(lab: Lab) -> None:
    lab.world(_listed(JUNE), _known(JUNE, 20))
    shown = lab.run(JUNE, select=_asset("local_catalog")).shown["local_catalog", None]
    assert (shown["dagster/row_count"], shown["imported"], shown["age_days"]) == (20, False, 0)


def test_a_repeated_month_still_has_its_rows(lab: Lab) -> None:
    lab.world(_listed(JUNE), _known(JUNE, 20))
    lab.run(JUNE)
    shown = lab.run(JUNE).shown
    counts = {
        asset: metadata["dagster/row_count"] for (asset, _), metadata in shown.items() if asset != "library_export"
    }
    assert set(counts.values()) == {20}
    assert {shown[f"enriched_{things}", "2020-06"]["changed"] for things in ("editions", "works", "authors")} == {0}


def test_a_book_that_lost_its_work_fails_nothing_lost(lab: Lab) -> None:
    lab.world(_listed(JUNE), _known(JUNE, 20))
    lab.run(JUNE)
    lab.sql(
        "update generated_book set work_id = null, outcome = 'pending', isbn13 = null"
        " where title = 'The Amber Harbour of Aachen'"
    )
    ran = lab.run(JUNE, select=dg.AssetSelection.checks(NOTHING_LOST))
    assert list(ran.checks) == [("persisted_works:nothing_lost", "2020-06")]
    lost = ran.checks["persisted_works:nothing_lost", "2020-06"]
    assert (lost.passed, lost.severity) == (False, "ERROR")
    assert lost.metadata == {"figure": 5.0, "lost": 1, "generated": 20}
    healed = lab.run(JUNE)
    assert healed.success
    assert healed.checks["persisted_works:nothing_lost", "2020-06"].metadata["lost"] == 0


def test_nothing_lost_stops_what_comes_after(lab: Lab) -> None:
    """A trigger stands for whatever may separate a book from its work while the month is kept."""
    lab.world(_listed(JUNE), _known(JUNE, 20))
    lab.sql(
        "create function lose() returns trigger language plpgsql as 'begin new.work_id := null; return new; end'",
        "create trigger lose before update on generated_book for each row"
        " when (new.title = 'The Amber Harbour of Aachen') execute function lose()",
    )
    ran = lab.run(JUNE)
    assert not ran.success
    assert ran.checks["persisted_works:nothing_lost", "2020-06"].metadata["lost"] == 1
    assert ("resolved_isbns", "2020-06") not in ran.shown
    assert rows(lab.database, "select 1 from generated_book where outcome <> 'pending'") == []
    assert lab.log(JUNE)["status"] == "retry"
    lab.sql("drop trigger lose on generated_book")
    assert lab.run(JUNE).success
    assert lab.log(JUNE)["isbns_resolved"] == 20


def test_two_owners_of_a_month_are_found_and_named(lab: Lab) -> None:
    lab.world(_listed(JUNE), _known(JUNE, 20))
    first = lab.run(JUNE)
    lab.sql(
        "insert into month_claim (year, month, run_id, owner, claimed_at, released_at)"
        " select year, month, 'run-other', 'somebody else', claimed_at + (released_at - claimed_at) / 2, released_at"
        " from month_claim"
    )
    ran = lab.run(JULY)
    check = ran.checks["generated_books:one_owner_per_month", None]
    assert (check.passed, check.severity) == (False, "ERROR")
    assert check.metadata == {"figure": 1.0, "shared": 1, "claimed": 2}
    assert check.description == f"2020-06: {first.run_id} and run-other"


def test_a_range_in_which_some_months_have_books_and_some_have_none(lab: Lab) -> None:
    """Months without books have no figure; the table of failing months has a cell for it all the same."""
    lab.world(_listed(JUNE) + _listed(AUGUST), _known(AUGUST, 20))
    ran = lab.run(JUNE, AUGUST)
    whole = ran.checks["resolved_isbns:resolution_rate", None]
    assert (whole.passed, whole.severity) == (False, "ERROR")
    figures = {name: whole.metadata[name] for name in ("figure", "resolved", "generated", "months", "months_failing")}
    assert figures == {"figure": 50.0, "resolved": 20, "generated": 40, "months": 3, "months_failing": 2}
    assert [record.data for record in whole.metadata["failing"].records] == [
        {"month": "2020-06", "figure": 0.0, "resolved": 0, "generated": 20},
        {"month": "2020-07", "figure": None, "resolved": 0, "generated": 0},
    ]


def test_a_month_of_another_run_fails_the_run_at_its_end_and_its_neighbours_complete(lab: Lab) -> None:
    lab.world(_listed(JUNE) + _listed(JULY) + _listed(AUGUST), _known(JUNE, 20) + _known(JULY, 20) + _known(AUGUST, 20))
    other = holder(lab.database, "run-other")
    other.claim([JULY])
    try:
        ran = lab.run(JUNE, AUGUST)
        assert not ran.success
        output = _failure(ran, "generated_books_no_month_failed")
        assert output.startswith("2020-07: 2020-07 is owned by run run-other (test process of run-other) since ")
        assert "2020-06" not in output
        assert "run-other" in ran.shown["generated_books", "2020-07"]["failed"]
        assert [lab.log(month)["status"] for month in (JUNE, JULY, AUGUST)] == ["completed", "processing", "completed"]
        assert lab.log(JULY)["owner_run"] == "run-other"
        assert {(r["month"], r["run_id"]) for r in rows(lab.database, "select month, run_id from month_claim")} == {
            (6, ran.run_id), (7, "run-other"), (8, ran.run_id),
        }  # fmt: skip
    finally:
        other.close("the test is over", failed=False)
    again = lab.run(JUNE, AUGUST)
    assert again.success
    assert {lab.log(month)["status"] for month in (JUNE, JULY, AUGUST)} == {"completed"}


def test_no_month_failed_shows_which_months_it_was(lab: Lab) -> None:
    lab.world(_listed(JUNE) + _listed(JULY), _known(JUNE, 20) + _known(JULY, 20))
    other = holder(lab.database, "run-other")
    other.claim([JULY])
    try:
        ran = lab.run(JUNE, JULY)
    finally:
        other.close("the test is over", failed=False)
    assert not ran.success
    judged = lab.evaluations("generated_books", "no_month_failed")
    assert {month: evaluation.passed for month, evaluation in judged.items()} == {"2020-06": True, "2020-07": False}
    assert "run-other" in str(judged["2020-07"].metadata["reason"].value)


def test_no_month_failed_stays_red_until_the_month_is_done(lab: Lab) -> None:
    """ "Re-execute from failure" repeats the failed check and nothing else: the month is still to be done."""
    lab.world(_listed(JUNE) + _listed(JULY), _known(JUNE, 20) + _known(JULY, 20))
    other = holder(lab.database, "run-other")
    other.claim([JULY])
    try:
        lab.run(JUNE, JULY)
    finally:
        other.close("the test is over", failed=False)
    check = dg.AssetCheckKey(dg.AssetKey("generated_books"), "no_month_failed")
    again = lab.run(JUNE, JULY, select=dg.AssetSelection.checks(check))
    if lab.log(JULY)["status"] == "completed":
        pytest.fail("the month was done after all")
    assert not again.success


def test_a_run_that_gets_no_month_at_all_fails_at_its_first_step(lab: Lab) -> None:
    lab.world(_listed(JUNE), _known(JUNE, 20))
    other = holder(lab.database, "run-other")
    other.claim([JUNE])
    try:
        ran = lab.run(JUNE)
        assert not ran.success
        assert "owned by run run-other (test process of run-other)" in _failure(ran, "generated_books")
        assert ran.shown == {}
        assert lab.log(JUNE)["owner_run"] == "run-other"
    finally:
        other.close("the test is over", failed=False)


def test_an_unusable_list_ends_in_retry_with_its_reason(lab: Lab, tmp_path: Path) -> None:
    lab.world(_listed(JUNE), _known(JUNE, 20))
    (tmp_path / "list.tsv").write_text("month\ttitle\n2020-06\tHamnet\n")
    ran = lab.run(JUNE)
    assert not ran.success
    assert "no column author" in _failure(ran, "generated_books")
    assert (lab.log(JUNE)["status"], lab.log(JUNE)["retry_count"]) == ("retry", 1)
    assert "no column author" in lab.log(JUNE)["error_message"]


def test_a_stage_that_breaks_counts_as_an_attempt_and_states_why(lab: Lab) -> None:
    """On error → `retry` with `retry_count + 1` and back-off. A table of the last stage is gone here."""
    lab.world(_listed(JUNE), _known(JUNE, 20))
    lab.sql("alter table resolution_attempt rename to resolution_attempt_gone")
    if lab.run(JUNE).success or lab.log(JUNE)["status"] != "retry":
        pytest.fail("the stage did not break")
    log = lab.log(JUNE)
    assert "resolution_attempt" in log["error_message"]
    assert log["retry_count"] == 1
    assert log["next_attempt_at"] > log["last_retry_at"]


def test_the_last_stage_alone_does_not_complete_a_month(lab: Lab) -> None:
    """A person selects one asset in the UI: the month's books are listed but not kept, so the month is not done."""
    lab.world(_listed(JUNE), _known(JUNE, 20))
    lab.run(JUNE, select=_asset("generated_books"))
    assert lab.log(JUNE)["status"] == "retry"
    lab.run(JUNE, select=_asset("resolved_isbns"))
    assert rows(lab.database, "select 1 from generated_book where work_id is not null") == []
    assert lab.log(JUNE)["status"] != "completed"


def test_the_last_stage_alone_does_not_complete_a_month_that_has_no_list(lab: Lab) -> None:
    lab.world(_listed(JUNE), _known(JUNE, 20))
    lab.run(JUNE, select=_asset("resolved_isbns"))
    assert lab.log(JUNE)["status"] != "completed"


def test_assets_one_by_one_come_to_the_same_month(lab: Lab) -> None:
    lab.world(_listed(JUNE), _known(JUNE, 19))
    for name in ("generated_books", "persisted_works", "resolved_isbns"):
        assert lab.run(JUNE, select=_asset(name)).success
    log = lab.log(JUNE)
    assert (log["status"], log["books_generated"], log["isbns_resolved"]) == ("completed", 20, 19)
    assert log["retry_count"] == 0


def test_a_database_that_is_away_fails_the_run_with_one_sentence_and_no_password(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, database_url=SecretStr("postgresql://someone:geheim@127.0.0.1:1/none"))
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, raise_on_error=False, partition_key="2020-06")
        assert not result.success
        output = "\n".join(str(event) for event in result.all_events)
        assert "someone@127.0.0.1:1/none cannot be reached" in output
        assert "geheim" not in output
