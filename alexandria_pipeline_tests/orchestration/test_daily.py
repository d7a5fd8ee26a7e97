"""What is done once a day: when it is due, and what a run of it leaves in the tables and shows in Dagster."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from alexandria_pipeline.operations.catalog import load_catalog
from alexandria_pipeline.orchestration.build import build_definitions
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.world import CATALOGUE, JULY, JUNE, LIST, rows

pytestmark = pytest.mark.slow("each test has a Dagster instance")

FOUND = "title\tauthor\tisbn13\tdate\nA Book Nobody Ever Wrote\tNo Body\t9780306406157\t2020\n"


@pytest.fixture
def definitions(database: Database, database_url: str, tmp_path: Path) -> dg.Definitions:
    (tmp_path / "list.tsv").write_text(LIST, encoding="utf-8")
    load_catalog(database, "catalogue.tsv", CATALOGUE.encode())
    return build_definitions(
        load_settings(
            home=tmp_path / "home",
            database_url=SecretStr(database_url),
            curated_list=tmp_path / "list.tsv",
            generators=("curated-list",),
            resolver_order=("local-catalog",),
        )
    )


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def _run(definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, **tags: str) -> dict[str, dict[str, Any]]:
    """asset → its metadata, after a run of a job as the daemon or `--select '*'` runs it."""
    repository = definitions.get_repository_def()
    result = repository.get_job(job).execute_in_process(instance=instance, tags=tags)
    assert result.success
    events = [event.materialization for event in result.get_asset_materialization_events()]
    return {
        event.asset_key.to_user_string(): {name: value.value for name, value in event.metadata.items()}
        for event in events
    }


def _months(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dict[str, dict[str, Any]]:
    span = {"dagster/asset_partition_range_start": str(JUNE), "dagster/asset_partition_range_end": str(JULY)}
    return _run(definitions, instance, "__ASSET_JOB", **span)


@pytest.mark.parametrize(("name", "cron", "running"), [
    ("daily_enhancement", "30 0 * * *", False), ("daily_backfill", "0 3 * * *", False), ("daily_report", "0 6 * * *", True),
    ("daily_pruning", "0 5 * * *", True),
])  # fmt: skip
def test_schedules_are_in_utc(definitions: dg.Definitions, name: str, cron: str, running: bool) -> None:
    schedule = definitions.get_repository_def().get_schedule_def(name)
    assert (schedule.cron_schedule, schedule.execution_timezone) == (cron, "UTC")
    assert (schedule.default_status is dg.DefaultScheduleStatus.RUNNING) == running


@pytest.mark.parametrize(
    ("name", "asset"),
    [
        ("daily_enhancement", "enhanced_synthetic_works"),
        ("daily_report", "backfill_report"),
        ("daily_pruning", "pruned_tables"),
    ],
)
def test_a_tick_asks_for_one_run_of_its_asset(
    definitions: dg.Definitions, instance: dg.DagsterInstance, name: str, asset: str
) -> None:
    repository = definitions.get_repository_def()
    schedule = repository.get_schedule_def(name)
    with dg.build_schedule_context(
        instance=instance, scheduled_execution_time=datetime(2026, 11, 23, 6, tzinfo=UTC), repository_def=repository
    ) as context:
        requests = schedule.evaluate_tick(context).run_requests
    assert requests is not None
    assert len(requests) == 1
    job = repository.get_job(schedule.job_name)
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {asset}


def test_everything_at_once_over_a_range(definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    """`--select '*' --partition-range`: the months first, then what is done once."""
    shown = _months(definitions, instance)
    assert {"generated_books", "resolved_isbns", "enhanced_synthetic_works", "backfill_report"} <= set(shown)
    assert shown["enhanced_synthetic_works"]["tried"] == 0, "what was tried a moment ago has its turn in a week"


def test_the_enhancement_shows_what_came_of_it(
    definitions: dg.Definitions, instance: dg.DagsterInstance, database: Database
) -> None:
    _months(definitions, instance)
    rows(
        database,
        "update enriched_works set last_tried_at = now() - interval '8 days' where synthetic returning work_id",
    )
    load_catalog(database, "found.tsv", FOUND.encode())
    job = definitions.get_repository_def().get_schedule_def("daily_enhancement").job_name
    shown = _run(definitions, instance, job)
    assert shown == {
        "enhanced_synthetic_works": {
            "dagster/row_count": 1, "resolved": 1, "tried": 1, "settled_without_a_call": 0, "stopped_early": "no",
            "still_synthetic": 0, "still_due": 0,
        }
    }  # fmt: skip
    assert rows(database, "select isbns_resolved from backfill_log where month = 6") == [{"isbns_resolved": 3}]


def test_the_report_shows_tables_and_charts(definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    _months(definitions, instance)
    job = definitions.get_repository_def().get_schedule_def("daily_report").job_name
    shown = _run(definitions, instance, job)["backfill_report"]
    assert set(shown) == {
        "dagster/row_count", "books_by_year", "cost_by_service", "phases", "months", "services", "models", "projection", "generators",
    }  # fmt: skip
    assert "data:image/svg+xml;base64," in shown["books_by_year"]
    months = [record.data for record in shown["months"].records]
    assert [(row["month"], row["books"], row["resolved"], row["rate"]) for row in months] == [
        ("2020-06", 3, 2, 66.67),
        ("2020-07", 2, 2, 100.0),
    ]
    assert [record.data["phase"] for record in shown["phases"].records] == ["validation", "all"]


def test_a_report_of_nothing(definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
    job = definitions.get_repository_def().get_schedule_def("daily_report").job_name
    shown = _run(definitions, instance, job)["backfill_report"]
    assert shown["dagster/row_count"] == 0
    assert "nothing yet" in shown["books_by_year"]


def test_the_metadata_of_the_report_stay_small(
    definitions: dg.Definitions, instance: dg.DagsterInstance, database: Database
) -> None:
    with database.transaction() as tx:
        tx.execute(
            "insert into backfill_log (year, month, status, completed_at, started_at)"
            " select 2000 + n / 12, 1 + n % 12, 'completed', now(), now() from generate_series(0, 299) n"
        )
        tx.execute(
            "insert into generated_book (year, month, title, author, run_id)"
            " select 2000 + n / 12, 1 + n % 12, 'title', 'author', 'run' from generate_series(0, 299) n"
        )
        tx.execute(
            "insert into api_call (service, year, month, method, url, outcome, cost_usd, input_tokens)"
            " select service, 2000 + n / 12, 1 + n % 12, 'GET', 'https://host', 'answered', 0.0123, 1234"
            " from generate_series(0, 299) n, unnest(array['isbndb', 'gemini', 'xai', 'wikidata', 'open-library', 'google-books']) service"
        )
        tx.execute(
            "insert into generation_reply (year, month, provider, model, prompt_variant, body, run_id, cost_usd)"
            " select 2000 + n / 12, 1 + n % 12, provider, 'a-model-of-' || provider || '-' || n % 4, 'bestseller-focused', '[]', 'run', 0.0123"
            " from generate_series(0, 299) n, unnest(array['gemini', 'xai']) provider"
        )
    job = definitions.get_repository_def().get_schedule_def("daily_report").job_name
    shown = _run(definitions, instance, job)["backfill_report"]
    assert shown["dagster/row_count"] == 300
    assert len(dg.serialize_value(dg.AssetMaterialization("report", metadata=shown))) < 20_000
    assert [record.data["month"] for record in shown["months"].records][-1] == "2024-12"
