"""The checks of a day's calls in a real Dagster, beside a stand-in that counts for itself."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from alexandria_pipeline.domain.key_figures import accounting_holds, budget_broken
from alexandria_pipeline.orchestration.build import build_definitions
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.upstream.model import Service
from alexandria_pipeline_tests.upstream.server import StandIn
from alexandria_pipeline_tests.world import rows

pytestmark = pytest.mark.slow("each test has a Dagster instance")

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)

ASSET = dg.AssetKey("resolved_isbns")
CALLS = (
    "insert into api_call (service, method, url, status, outcome, operation)"
    " select 'isbndb', 'GET', 'x', 200, 'answered', '' from generate_series(1, %s)"
)


class Day:
    """Today's calls of ISBNdb, and how the checks judge them."""

    def __init__(self, database: Database, instance: dg.DagsterInstance) -> None:
        self._database, self._instance = database, instance

    def called(self, times: int) -> None:
        """So many calls, as the ledger and the quota would have them."""
        with self._database.transaction() as tx:
            tx.execute(CALLS.encode(), [times])
            tx.execute(
                "insert into quota_usage as q (service, day, used) values ('isbndb', (now() at time zone 'UTC')::date, %s)"
                " on conflict (service, day) do update set used = q.used + excluded.used",
                [times],
            )

    def judged(self, check: str) -> dg.AssetCheckEvaluation:
        definitions = build_definitions(load_settings())
        only = dg.AssetSelection.checks(dg.AssetCheckKey(ASSET, check))
        result = dg.materialize(
            [*(definitions.assets or []), *(definitions.asset_checks or [])],  # type: ignore[list-item]  # ours are these two kinds
            selection=only, resources=definitions.resources, instance=self._instance,
        )  # fmt: skip
        (evaluation,) = result.get_asset_check_evaluations()
        return evaluation


@pytest.fixture
def day(
    database: Database, database_url: str, upstream_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Day]:  # fmt: skip
    monkeypatch.setenv("ALEXANDRIA_DATABASE_URL", database_url)
    monkeypatch.setenv("ALEXANDRIA_HOME", str(tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        yield Day(database, instance)


def _shown(evaluation: dg.AssetCheckEvaluation) -> dict[str, object]:
    return {name: value.value for name, value in evaluation.metadata.items()}


def test_the_budget_of_a_day(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    day.called(599)
    good = day.judged("isbndb_budget")
    assert good.passed
    assert _shown(good) == {
        "figure": 600, "attempts": 600, "budget": 1000, "safe_limit": 13_000, "percent_of_safe_limit": 4.62,
    }, "the request for the plan, which is sent once a day, is a call of the day, too"  # fmt: skip

    monkeypatch.setenv("ALEXANDRIA_ISBNDB_DAILY_LIMIT", "1200")
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_SAFETY_BUFFER", "100")
    near = day.judged("isbndb_budget")
    assert (near.passed, near.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert _shown(near)["percent_of_safe_limit"] == 54.55

    day.called(401)
    over = day.judged("isbndb_budget")
    assert (over.passed, over.severity) == (False, dg.AssetCheckSeverity.ERROR)


@pytest.mark.parametrize(
    ("attempts", "safe", "verdict"),
    [
        (0, None, None),
        (1000, None, None),
        (1001, None, "error"),
        (1000, 2000, None),
        (1000, 1999, "warn"),
        (1, 0, "warn"),
    ],
)
def test_the_limits_of_the_budget(attempts: int, safe: int | None, verdict: str | None) -> None:
    assert budget_broken(attempts, safe) == verdict


def test_accounting_agrees_within_a_percent(day: Day, database: Database, upstream: StandIn) -> None:
    gate = upstream.meters[Service.ISBNDB]
    day.called(999)
    gate.spent = 1010
    near = day.judged("call_accounting")
    assert near.passed
    assert _shown(near) == {"figure": pytest.approx(0.89, abs=0.1), "service": "isbndb", "counted": 1001, "told": 1010}

    gate.spent = 1100
    assert day.judged("call_accounting").passed, "nothing was asked since it told: it is not asked again"
    day.called(1)
    far = day.judged("call_accounting")
    assert (far.passed, far.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert _shown(far)["told"] == 1100
    (quota,) = rows(database, "select used, told from quota_usage where service = 'isbndb'")
    assert (quota["used"], quota["told"]) == (1100, 1100), "what the service counts more is not spent a second time"
    assert gate.counters.requests == 3, "the plan and two reconciliations"
    operations = rows(database, "select distinct stage from api_call where operation = 'reconcile' order by stage")
    assert operations == [{"stage": "call_accounting"}, {"stage": "plan"}], (
        "asking for the counter is in the ledger, too"
    )

    gate.spent = 500
    day.called(1)
    assert not day.judged("call_accounting").passed, "counting less than we do is as wrong"
    assert accounting_holds(-1.0)
    assert not accounting_holds(-1.01)


def test_accounting_without_a_counter_passes_and_states_why(
    day: Day, upstream: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = day.judged("call_accounting")
    assert (idle.passed, idle.description) == (True, "no isbndb calls today")
    day.called(10)
    upstream.faults.add({"service": "isbndb", "kind": "200-html", "path": "/key"})
    broken = day.judged("call_accounting")
    assert broken.passed
    assert str(broken.description).startswith("not compared: isbndb: ")
    monkeypatch.setenv("ISBNDB_API_KEY", "")
    keyless = day.judged("call_accounting")
    assert (keyless.passed, keyless.description) == (True, "not compared: isbndb needs a key: set ISBNDB_API_KEY")
