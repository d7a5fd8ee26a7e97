"""The definitions that Dagster loads: a snapshot, and that loading them makes no call. A change here is seen in the diff."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.orchestration.build import build_definitions
from alexandria_pipeline.orchestration.partitions import months
from alexandria_pipeline.settings import load_settings

MONTHLY = "Monthly, starting 2000-01 UTC."

ASSETS = {
    "local_catalog": {
        "deps": [],
        "group": "catalogue",
        "kinds": ["postgres", "python"],
        "owners": ["team:alexandria"],
        "partitions": "None",
        "backfill": "SINGLE_RUN",
        "columns": ["isbn13", "work_id", "title", "contributors", "published"],
    },
    "generated_books": {
        "deps": [],
        "group": "books",
        "kinds": ["ai", "postgres", "python"],
        "owners": ["team:alexandria"],
        "partitions": MONTHLY,
        "backfill": "SINGLE_RUN",
        "columns": ["year", "month", "title", "author", "work_id", "outcome", "isbn13"],
    },
    "persisted_works": {
        "deps": ["generated_books"],
        "group": "books",
        "kinds": ["postgres", "python"],
        "owners": ["team:alexandria"],
        "partitions": MONTHLY,
        "backfill": "SINGLE_RUN",
        "columns": ["work_key", "title", "author", "synthetic", "isbn13", "completeness", "primary_provider"],
    },
    "resolved_isbns": {
        "deps": ["persisted_works"],
        "group": "isbns",
        "kinds": ["postgres", "python"],
        "owners": ["team:alexandria"],
        "partitions": MONTHLY,
        "backfill": "SINGLE_RUN",
        "columns": ["isbn13", "work_id", "title", "authors", "published", "primary_provider", "provenance"],
    },
    "enriched_editions": {
        "deps": ["resolved_isbns"],
        "group": "library",
        "kinds": ["postgres", "python"],
        "owners": ["team:alexandria"],
        "partitions": MONTHLY,
        "backfill": "SINGLE_RUN",
        "columns": ["isbn13", "title", "authors", "publisher", "published", "cover", "provenance"],
    },
    "enriched_works": {
        "deps": ["enriched_editions"],
        "group": "library",
        "kinds": ["postgres", "python"],
        "owners": ["team:alexandria"],
        "partitions": MONTHLY,
        "backfill": "SINGLE_RUN",
        "columns": ["work_key", "title", "author", "first_published", "description", "subjects", "cover", "provenance"],
    },
    "enriched_authors": {
        "deps": ["enriched_works"],
        "group": "library",
        "kinds": ["postgres", "python"],
        "owners": ["team:alexandria"],
        "partitions": MONTHLY,
        "backfill": "SINGLE_RUN",
        "columns": ["author_key", "name", "born", "biography", "undifferentiated"],
    },
    "library_export": {
        "deps": ["enriched_authors"],
        "group": "library",
        "kinds": ["file", "python"],
        "owners": ["team:alexandria"],
        "partitions": MONTHLY,
        "backfill": "SINGLE_RUN",
        "columns": ["work_key", "isbn13", "first_month", "withheld"],
    },
    "enhanced_synthetic_works": {
        "deps": ["resolved_isbns"],
        "group": "isbns",
        "kinds": ["postgres", "python"],
        "owners": ["team:alexandria"],
        "partitions": "None",
        "backfill": "SINGLE_RUN",
        "columns": ["work_key", "synthetic", "isbn13", "last_tried_at"],
    },
    "backfill_report": {
        "deps": ["enhanced_synthetic_works", "resolved_isbns"],
        "group": "reports",
        "kinds": ["pandas", "postgres", "python"],
        "owners": ["team:alexandria"],
        "partitions": "None",
        "backfill": "SINGLE_RUN",
        "columns": ["month", "phase", "books", "resolved", "synthetic", "calls", "cost_usd", "seconds"],
    },
    "pruned_tables": {
        "deps": ["resolved_isbns"],
        "group": "reports",
        "kinds": ["postgres", "python"],
        "owners": ["team:alexandria"],
        "partitions": "None",
        "backfill": "SINGLE_RUN",
        "columns": ["table", "removed"],
    },
}

# asset:check → does it block what comes after, and is it judged month by month
CHECKS = {
    "generated_books:no_month_failed": (False, MONTHLY),
    "generated_books:one_owner_per_month": (False, None),
    "persisted_works:no_month_failed": (False, MONTHLY),
    "persisted_works:nothing_lost": (True, MONTHLY),
    "resolved_isbns:call_accounting": (False, None),
    "resolved_isbns:isbndb_budget": (False, None),
    "resolved_isbns:no_month_failed": (False, MONTHLY),
    "resolved_isbns:resolution_rate": (False, MONTHLY),
    "resolved_isbns:synthetic_share": (False, MONTHLY),
    "enriched_authors:works_have_authors": (False, None),
    "enriched_editions:editions_have_a_work": (False, None),
    "enriched_editions:fields_have_a_source": (False, None),
    "enriched_editions:isbns_per_paid_call": (False, None),
    "enriched_editions:listed_isbns": (False, None),
    "enriched_editions:one_work_per_isbn": (False, None),
    "enriched_works:answers_owed": (False, None),
    "enriched_works:no_resolved_work_is_synthetic": (False, None),
    "enriched_works:served_rows_are_current": (False, None),
    "resolved_isbns:synthetic_share_overall": (False, None),
}

# Runs every module of the package but `definitions` where any look at the environment or at a file raises. Packages of
# others are loaded before: what they do is theirs.
IMPORT_EVERYTHING = """
import importlib, os, pkgutil, sys
sys.dont_write_bytecode = True
import alexandria_pipeline
names = [m.name for m in pkgutil.walk_packages(alexandria_pipeline.__path__, "alexandria_pipeline.")]
names.remove("alexandria_pipeline.definitions")
for name in names:
    importlib.import_module(name)
for name in [name for name in sys.modules if name.startswith("alexandria_pipeline")]:
    del sys.modules[name]

house, trespasses, armed = os.path.dirname(alexandria_pipeline.__file__), [], True

def caller():
    frame = sys._getframe(2)
    while frame.f_globals.get("__name__") in ("os", "collections.abc"):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "")

class Environment(type(os.environ)):
    def __getitem__(self, key):
        if armed and (key.startswith(("ALEXANDRIA", "PG")) or key.endswith("_KEY") or caller().startswith("alexandria")):
            trespasses.append(f"{caller()} reads {key}")
        return super().__getitem__(key)

os.environ.__class__ = Environment

def watch(event, arguments):
    if not armed:
        return
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "sqlite3.connect", "os.mkdir", "os.fork"):
        trespasses.append(f"{event} {arguments}")
    elif event == "open" and isinstance(arguments[0], str):
        path, mode, _ = arguments
        ours = path.startswith(house) and not path.endswith((".py", ".pyc"))
        if ours or (isinstance(mode, str) and set(mode) & set("wax+")):
            trespasses.append(f"open {path} {mode}")

sys.addaudithook(watch)
for name in names:
    importlib.import_module(name)
print(len(names), trespasses)
armed = False
import alexandria_pipeline.definitions
"""


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    """Built from settings that lead nowhere: nothing is opened before a run."""
    return build_definitions(
        load_settings(home=Path("/nowhere"), database_url=SecretStr("postgresql://nobody@127.0.0.1:1/nothing"))
    )


@pytest.fixture(scope="module")
def assets(definitions: dg.Definitions) -> dict[str, dg.AssetsDefinition]:
    found = [asset for asset in definitions.assets or [] if isinstance(asset, dg.AssetsDefinition)]
    return {asset.key.to_user_string(): asset for asset in found}


def _columns(spec: dg.AssetSpec) -> list[dg.TableColumn]:
    schema = spec.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    return list(schema.columns)


def test_the_definitions_load(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_the_assets_are_these(assets: dict[str, dg.AssetsDefinition]) -> None:
    seen = {}
    for name, asset in assets.items():
        (spec,) = asset.specs
        assert asset.backfill_policy is not None
        seen[name] = {
            "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
            "group": spec.group_name,
            "kinds": sorted(spec.kinds),
            "owners": list(spec.owners),
            "partitions": str(spec.partitions_def),
            "backfill": asset.backfill_policy.policy_type.name,
            "columns": [column.name for column in _columns(spec)],
        }
    assert seen == ASSETS


def test_the_checks_are_these(definitions: dg.Definitions) -> None:
    specs = [spec for check in definitions.asset_checks or [] for spec in check.check_specs]
    seen = {
        f"{spec.asset_key.to_user_string()}:{spec.name}": (
            spec.blocking,
            str(spec.partitions_def) if spec.partitions_def else None,
        )
        for spec in specs
    }
    assert seen == CHECKS
    assert all(spec.description for spec in specs)


def test_every_asset_states_what_it_is(assets: dict[str, dg.AssetsDefinition]) -> None:
    for name, asset in assets.items():
        (spec,) = asset.specs
        assert spec.description, name
        assert "Table" in spec.description, f"{name} does not name its table"
        assert not spec.description.startswith(">")
        assert spec.kinds, name
        assert spec.owners, name
        for column in _columns(spec):
            assert column.description, f"{name}.{column.name}"
            assert column.type, f"{name}.{column.name}"


def test_there_is_nothing_else(definitions: dg.Definitions) -> None:
    assert sorted(job.name for job in definitions.jobs or []) == ["monthly_books"]
    sensors = ["event_alerts", "recovery_sensor", "rollout_sensor", "table_alerts"]
    assert sorted(sensor.name for sensor in definitions.sensors or []) == sensors
    schedules = ["daily_backfill", "daily_enhancement", "daily_pruning", "daily_report", "monthly_catalog_import"]
    assert sorted(schedule.name for schedule in definitions.schedules or []) == schedules
    assert sorted(definitions.resources or {}) == [
        "catalog",
        "dumps",
        "exports",
        "ledger_days",
        "operations",
        "pipeline",
        "quota",
        "retention_days",
        "runner",
        "watcher",
    ]


def test_one_process_per_run(definitions: dg.Definitions) -> None:
    """A run owns its months through one connection (docs/decisions/0002)."""
    assert definitions.resolve_implicit_global_asset_job_def().executor_def is dg.in_process_executor


def test_partitions_are_the_months_that_have_ended() -> None:
    keys = months.get_partition_keys(current_time=datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC))
    assert (keys[0], keys[-1], len(keys)) == ("2000-01", "2026-02", 26 * 12 + 2)
    assert [str(Month.parse(key)) for key in keys] == keys
    still_february = months.get_partition_keys(current_time=datetime(2026, 2, 28, 23, 59, tzinfo=UTC))
    assert still_february[-1] == "2026-01"


def test_resources_can_be_replaced() -> None:
    mine = dg.ResourceDefinition.none_resource()
    built = build_definitions(load_settings(home=Path("/nowhere")), resources={"pipeline": mine})
    assert (built.resources or {})["pipeline"] is mine


@pytest.mark.slow("imports all modules in a process")
def test_importing_reads_no_environment_and_opens_nothing_but_definitions_does() -> None:
    poisoned = {"PATH": "/usr/bin:/bin", "ALEXANDRIA_LANGUAGE": "poison", "ALEXANDRIA_HOME": "/proc/poison"}
    command = [sys.executable, "-W", "ignore", "-c", IMPORT_EVERYTHING]
    done = subprocess.run(command, env=poisoned, capture_output=True, text=True, timeout=120, check=False)
    count, _, trespasses = done.stdout.strip().partition(" ")
    assert int(count) > 50, done.stderr
    assert trespasses == "[]"
    assert done.returncode == 1, "definitions.py reads the environment, and must have found the poison"
    assert "ALEXANDRIA_LANGUAGE" in done.stderr.splitlines()[-1]
