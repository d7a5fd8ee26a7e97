"""Alerts: one message per cause, whatever is restarted, and none is lost while a receiver is down."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from alexandria_pipeline import composition
from alexandria_pipeline.domain.rollout.records import DecisionKind
from alexandria_pipeline.operations.alerting import Alerting
from alexandria_pipeline.orchestration.alerts import event_alerts, table_alerts
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.orchestration.receiver import Receiver, receiving
from alexandria_pipeline_tests.world import JUNE, holder, rows, use_calls

pytestmark = pytest.mark.slow("each test has a Dagster instance")

BOOKS = dg.AssetKey("resolved_isbns")


@dg.asset(key=BOOKS)
def books() -> None:
    """Stands for any asset."""


@dg.asset
def broken() -> None:
    raise dg.Failure(description="the list cannot be read", allow_retries=False)


class Daemon:
    """A Dagster instance with the two sensors on a database; `restart` loses what only the process knew."""

    def __init__(self, database: Database, url: str, home: Path, *receivers: str) -> None:
        self.database = database
        self.settings = load_settings(
            home=home,
            database_url=SecretStr(url),
            alert_urls=SecretStr(",".join(receivers)) if receivers else None,
            dagster_url="https://dagster.example/",
        )
        self.instance = dg.DagsterInstance.ephemeral()
        self.cursor: str | None = None

    @property
    def watch(self) -> Alerting:
        return composition.alerting(self.settings, self.database)

    def tick(self) -> str:
        """Both sensors once, as the daemon does it; what they say."""
        skips = []
        for sensor in (event_alerts, table_alerts):
            cursor = self.cursor if sensor is event_alerts else None
            with dg.build_sensor_context(
                instance=self.instance, cursor=cursor, resources={"watcher": self.watch}
            ) as context:
                result = sensor.evaluate_tick(context)
            if sensor is event_alerts:
                self.cursor = result.cursor
            skips.append(result.skip_message or "")
        return "; ".join(skips)

    def check(self, *, passed: bool, month: str | None = "2020-06", rate: float = 85.0) -> None:
        """A run evaluates a check, as the pipeline's checks do."""
        metadata = {"figure": rate, "resolved": 17, "generated": 20}

        @dg.asset_check(asset=books, name="resolution_rate")
        def resolution_rate(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
            if month is not None:
                evaluation = dg.AssetCheckEvaluation(BOOKS, "resolution_rate", passed, metadata, partition=month)
                context.op_execution_context.log_event(evaluation)  # type: ignore[arg-type]
            return dg.AssetCheckResult(
                passed=passed, metadata={**metadata, "months": 1, "months_failing": int(not passed)}
            )

        dg.materialize([books, resolution_rate], instance=self.instance)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


Start = Callable[..., Daemon]


@pytest.fixture
def start(database: Database, database_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts daemons on the test's database; the second one is the first one restarted."""
    started: list[Daemon] = []

    def start(*receivers: str) -> Daemon:
        started.append(Daemon(database, database_url, tmp_path / "home", *receivers))
        return started[-1]

    yield start
    for daemon in started:
        daemon.instance.dispose()


def _month(database: Database, status: str, **values: object) -> None:
    """A row of `backfill_log`."""
    rows(
        database,
        "insert into backfill_log (year, month, status, retry_count, error_message, claim, started_at, completed_at, last_retry_at)"
        " values (2020, %s, %s, %s, %s, 3, now(), now(), now()) returning month",
        values.get("month", 6), status, values.get("retry_count", 0), values.get("error"),
    )  # fmt: skip


def test_a_failed_check_is_reported_once_with_figure_month_what_to_do_and_link(
    start: Start, receiver: Receiver
) -> None:
    daemon = start(receiver.url)
    daemon.tick()
    daemon.check(passed=False)
    daemon.tick()
    daemon.tick()
    (message,) = receiver.messages
    assert message["title"] == "2020-06: only 85 % of the books have an ISBN (90 % required)"
    run_id = daemon.instance.get_runs()[0].run_id
    for part in (
        "Month: 2020-06",
        "Figures: figure 85.0, generated 20, resolved 17",
        "alexandria books 2020-06",
        f"https://dagster.example/runs/{run_id}",
    ):
        assert part in message["message"]
    assert message["type"] == "failure"


def test_the_same_failure_again_is_no_news_until_it_has_passed(start: Start, receiver: Receiver) -> None:
    daemon = start(receiver.url)
    for _ in range(3):
        daemon.check(passed=False)
        daemon.tick()
    assert len(receiver.messages) == 1
    daemon.check(passed=True, rate=95.0)
    daemon.check(passed=False)
    daemon.tick()
    assert len(receiver.messages) == 2
    daemon.check(passed=False, month="2020-07")
    daemon.tick()
    assert receiver.titles[-1].startswith("2020-07: only 85 %")


def test_a_restarted_daemon_and_a_lost_cursor_repeat_nothing(start: Start, receiver: Receiver) -> None:
    daemon = start(receiver.url)
    daemon.check(passed=False)
    daemon.check(passed=True)
    daemon.check(passed=False, month="2020-07")
    dg.materialize([broken], instance=daemon.instance, raise_on_error=False)
    daemon.tick()
    sent_titles = sorted(receiver.titles)
    assert len(sent_titles) == 3, "the failure that has passed since was news all the same"
    daemon.cursor = None
    daemon.tick()
    daemon.cursor = '{"checks": 999999, "runs": 999999}'  # an instance whose event log was made anew
    daemon.tick()
    assert sorted(receiver.titles) == sent_titles


def test_what_happened_while_the_daemon_was_away_is_reported(start: Start, receiver: Receiver) -> None:
    daemon = start(receiver.url)
    daemon.tick()
    cursor = daemon.cursor
    daemon.check(passed=False)
    daemon.cursor = cursor
    daemon.tick()
    assert len(receiver.messages) == 1


def test_a_failed_run_is_reported_with_its_reason(start: Start, receiver: Receiver) -> None:
    daemon = start(receiver.url)
    failed = dg.materialize(
        [broken], instance=daemon.instance, raise_on_error=False, tags={"dagster/partition": "2020-06"}
    )
    daemon.tick()
    daemon.tick()
    (message,) = receiver.messages
    assert message["title"] == f"run {failed.run_id[:8]} of assets failed (2020-06)"
    assert "the list cannot be read" in message["message"]
    assert f"https://dagster.example/runs/{failed.run_id}" in message["message"]


def test_a_run_whose_process_died_is_reported_and_hides_no_later_event(start: Start, receiver: Receiver) -> None:
    """Such a failure is reported from outside the run and names no step."""
    daemon = start(receiver.url)
    daemon.tick()
    job = dg.Definitions(assets=[books], jobs=[dg.define_asset_job("nightly")]).resolve_job_def("nightly")
    run = daemon.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    daemon.instance.report_run_failed(run, "process 7 on there has died")
    daemon.check(passed=False)
    daemon.tick()
    assert receiver.titles == [
        "2020-06: only 85 % of the books have an ISBN (90 % required)",
        f"run {run.run_id[:8]} of nightly failed",
    ]
    assert "process 7 on there has died" in receiver.messages[1]["message"]


def test_while_a_receiver_is_down_nothing_is_lost_and_the_others_get_it_once(start: Start, receiver: Receiver) -> None:
    with receiving() as other:
        daemon = start(receiver.url, other.url)
        receiver.up = False
        _month(daemon.database, "failed", retry_count=5, error="no generator gave a list")
        daemon.check(passed=False)
        assert "wait for a receiver" in daemon.tick()
        asked = receiver.asked
        daemon.tick()
        assert receiver.asked <= asked + 2, "a receiver that fails is tried once a tick, not once a message"
        assert len(other.messages) == 2
        restarted = start(receiver.url, other.url)
        receiver.up = True
        restarted.tick()
        restarted.tick()
        assert sorted(receiver.titles) == sorted(other.titles)
        assert len(set(receiver.titles)) == len(receiver.titles) == 2


def test_a_receiver_that_is_not_there(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    daemon = start("json://127.0.0.1:9/s3cr3t-token", "nonsense://s3cr3t-token")
    daemon.check(passed=False)
    with caplog.at_level(logging.DEBUG):
        skips = daemon.tick()
    (row,) = rows(daemon.database, "select * from alert")
    assert (row["sent_at"], row["reached"]) == (None, [])
    assert row["attempts"] >= 1
    assert "the json receiver rejected the message or did not answer" in row["last_problem"]
    assert "a nonsense address of ALEXANDRIA_ALERT_URLS is invalid" in row["last_problem"]
    assert "s3cr3t" not in caplog.text + skips + str(row) + repr(daemon.settings) + repr(daemon.watch)


def test_without_receivers_the_log_has_it_once(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    daemon = start()
    daemon.check(passed=False)
    with caplog.at_level(logging.WARNING, "alexandria_pipeline"):
        daemon.tick()
        daemon.tick()
    logged = [record for record in caplog.records if "2020-06: only 85 %" in record.getMessage()]
    assert [(record.levelname, record.getMessage().count("\n")) for record in logged] == [("ERROR", 0)]
    assert re.search(r"alert of 20\d\d-\d\d-\d\d \d\d:\d\d UTC: 2020-06", logged[0].getMessage())


def test_further_alerts_of_a_kind_are_one_digest_a_day_with_count_and_the_worst_three(
    start: Start, receiver: Receiver
) -> None:
    daemon = start(receiver.url)
    for month in range(1, 11):
        daemon.check(passed=False, month=f"2020-{month:02d}", rate=80.0 - month)
    _month(daemon.database, "failed", retry_count=5, error="no generator gave a list")
    skips = daemon.tick()
    assert len(receiver.messages) == 4, "three of one kind, and one of another"
    assert "7 wait for the digest of their kind" in skips
    older = (
        "update alert set first_seen_at = first_seen_at - %s::interval, sent_at = sent_at - %s::interval returning 1"
    )
    rows(daemon.database, older, "15 minutes", "15 minutes")
    daemon.check(passed=True, month="2020-10", rate=95.0)
    daemon.tick()
    daemon.tick()
    assert receiver.titles[4:] == [
        "7 more alerts of one kind: 2020-10: only 70 % of the books have an ISBN (90 % required)"
    ]
    text = receiver.messages[4]["message"]
    assert "7 alerts since" in text
    assert "1 of them over. The worst:\n- 2020-10: only 70 %" in text
    assert text.count("\n- ") == 3
    assert "alexandria books 2020-10" in text
    daemon.check(passed=False, month="2020-11")
    rows(daemon.database, older, "1 hour", "1 hour")
    daemon.tick()
    assert len(receiver.messages) == 5, "one digest of a kind a day"
    rows(daemon.database, older, "1 day", "1 day")
    daemon.tick()
    assert receiver.titles[5:] == ["2020-11: only 85 % of the books have an ISBN (90 % required)"]


def test_a_digest_reaches_each_receiver_once(start: Start, receiver: Receiver) -> None:
    with receiving() as other:
        daemon = start(receiver.url, other.url)
        receiver.up = False
        for month in range(1, 7):
            daemon.check(passed=False, month=f"2020-{month:02d}")
        daemon.tick()
        rows(daemon.database, "update alert set first_seen_at = first_seen_at - interval '15 minutes' returning 1")
        daemon.tick()
        receiver.up = True
        daemon.tick()
        daemon.tick()
        assert len(receiver.messages) == len(other.messages) == 4
        assert sorted(receiver.titles) == sorted(other.titles)


def test_a_month_that_failed_for_good(start: Start, receiver: Receiver) -> None:
    daemon = start(receiver.url)
    _month(daemon.database, "retry", month=5, retry_count=4, error="not yet")
    _month(daemon.database, "failed", month=6, retry_count=5, error="no generator gave a list")
    for _ in range(3):
        daemon.tick()
    (message,) = receiver.messages
    assert message["title"] == "2020-06 failed after 5 attempts and is not tried again"
    assert "no generator gave a list" in message["message"]
    rows(
        daemon.database, "update backfill_log set claim = claim + 1, last_retry_at = now() where month = 6 returning 1"
    )
    daemon.tick()
    assert len(receiver.messages) == 2, "it was tried again and failed again"


@pytest.mark.parametrize(("used", "titles"), [
    (6_500, []), (6_501, ["isbndb: 50 % of today's calls are used"]), (10_401, ["isbndb: 80 % of today's calls are used"]),
])  # fmt: skip
def test_quota(start: Start, receiver: Receiver, used: int, titles: list[str]) -> None:
    daemon = start(receiver.url)
    use_calls(daemon.database, "isbndb", used)
    daemon.tick()
    daemon.tick()
    assert receiver.titles == titles


def test_both_marks_of_the_quota_are_reported_and_tomorrow_again(start: Start, receiver: Receiver) -> None:
    daemon = start(receiver.url)
    for calls in (7_000, 4_000, 1_000):
        use_calls(daemon.database, "isbndb", calls)
        daemon.tick()
    assert receiver.titles == ["isbndb: 54 % of today's calls are used", "isbndb: 85 % of today's calls are used"]
    assert f"of 13,000 safe calls on {datetime.now(UTC).date()}" in receiver.messages[0]["message"]
    daemon.watch.record_causes(datetime.now(UTC) + timedelta(days=1))
    daemon.watch.send_pending()
    assert len(receiver.messages) == 3


def test_a_service_that_has_not_answered_for_an_hour(start: Start, receiver: Receiver) -> None:
    """Each probe that fails opens the breaker anew; the hour counts from the first failure after the last answer."""
    daemon = start(receiver.url)
    rows(
        daemon.database,
        "insert into provider_health (service, breaker, failures, openings, opened_at, retry_at, last_error) values"
        " ('isbndb', 'open', 9, 7, now() - interval '3 minutes', now() + interval '12 minutes', 'HTTP 503'),"
        " ('wikidata', 'open', 5, 1, now() - interval '3 minutes', now() + interval '1 minute', 'HTTP 503'),"
        " ('xai', 'open', 5, 1, now() - interval '61 minutes', now(), 'HTTP 500') returning service",
    )
    rows(
        daemon.database,
        "insert into api_call (service, method, url, outcome, called_at) values"
        " ('isbndb', 'GET', '', 'failed', now() - interval '5 hours'), ('isbndb', 'GET', '', 'answered', now() - interval '2 hours'),"
        " ('isbndb', 'GET', '', 'failed', now() - interval '61 minutes'), ('isbndb', 'GET', '', 'failed', now() - interval '3 minutes'),"
        " ('wikidata', 'GET', '', 'failed', now() - interval '4 minutes') returning service",
    )
    daemon.tick()
    rows(daemon.database, "update provider_health set opened_at = now() where service = 'isbndb' returning service")
    daemon.tick()
    assert receiver.titles == ["isbndb has not answered for 1.0 hours", "xai has not answered for 1.0 hours"]
    assert "HTTP 503" in receiver.messages[0]["message"]


def test_a_closed_gate_and_a_hold(start: Start, receiver: Receiver) -> None:
    daemon = start(receiver.url)
    rollout = composition.rollout(daemon.settings, daemon.database)
    for month in range(1, 13):
        _month(daemon.database, "completed", month=month)
    rows(
        daemon.database,
        "insert into generated_book (year, month, title, author, run_id) values (2020, 6, 'T', 'A', 'run') returning 1",
    )
    daemon.tick()
    daemon.tick()
    assert receiver.titles == ["the rollout stops: the gate of phase validation is closed"]
    assert "alexandria rollout approve" in receiver.messages[0]["message"]
    rollout.decide(DecisionKind.APPROVE, "ada", "known books", "validation")
    rollout.decide(DecisionKind.HOLD, "ada", "the key is being changed")
    daemon.tick()
    daemon.tick()
    assert receiver.titles[1:] == ["the rollout is held by ada"]
    assert "the key is being changed" in receiver.messages[1]["message"]


def test_a_model_past_its_end(start: Start, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRIA_GEMINI_MODEL", "gemini-2.5-flash")
    daemon = start(receiver.url)
    before = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    daemon.watch.record_causes(before)
    daemon.watch.send_pending()
    assert receiver.titles == []
    for _ in range(2):
        daemon.watch.record_causes(before + timedelta(minutes=1))
        daemon.watch.send_pending()
    assert receiver.titles == ["the model gemini-2.5-flash ended on 2026-12-01"]
    assert "ALEXANDRIA_GEMINI_MODEL" in receiver.messages[0]["message"]
    assert list(daemon.watch.ended(date(2026, 12, 1))) == ["gemini-2.5-flash"]


def test_a_months_owner_is_not_disturbed(start: Start, database: Database) -> None:
    """Looking takes no lock that a run might want."""
    daemon = start()
    run = holder(database, "run-1")
    try:
        with database.transaction():
            daemon.watch.record_causes()
            assert run.claim([JUNE]) == {}
    finally:
        run.close("the test is over", failed=False)


def test_the_very_first_tick_does_not_dig_up_the_past(start: Start, receiver: Receiver) -> None:
    daemon = start(receiver.url)
    daemon.check(passed=False)
    now = int(datetime.now(UTC).timestamp())
    daemon.cursor = f'{{"since": {now + 60}}}'  # as if the daemon were started a day and a minute later
    daemon.tick()
    assert receiver.messages == []
    assert '"since"' in (daemon.cursor or "")
