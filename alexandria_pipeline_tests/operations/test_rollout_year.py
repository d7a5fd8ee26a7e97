"""A simulated year of the rollout: the clock is given, the planner, the database and the ownership are real.

A month's run is written as the stages write it: claimed by a holder, its books and calls in the tables, completed by the
same statement. It takes from one tick to the next, so that some months are always under way while others are planned.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.quota import QuotaLimits
from alexandria_pipeline.domain.records import GenerationRequest, RawReply
from alexandria_pipeline.domain.rollout.phases import Rules
from alexandria_pipeline.domain.rollout.records import DecisionKind, GateState, Plan
from alexandria_pipeline.operations.rollout import Rollout
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.generation import mark_read, store_reply
from alexandria_pipeline.storage.months import MonthHolder, overlapping_claims
from alexandria_pipeline_tests.world import rows

pytestmark = pytest.mark.slow("simulates a year of the rollout day by day")

FIRST_DAY = datetime(2027, 1, 1, tzinfo=UTC)
TICKS = (timedelta(minutes=5), timedelta(hours=3), timedelta(hours=15))
BOOKS = 20
QUIET_DAYS = (1, 2, 15)
"""Days of a month that are simulated once the backfill is done: the newest month comes on the first one."""

BEGUN = """
insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider)
values (%(key)s, %(key)s, 'A', %(key)s, 'a', 'test') returning work_id
"""
LISTED = """
with edition as (
    insert into enriched_editions (isbn13, work_id, title, primary_provider) values (%(isbn)s, %(work)s, 'T', 'test') returning isbn13
), promoted as (
    update enriched_works
    set isbn13 = %(isbn)s, synthetic = false, confidence = 90, resolved_by = 'test', resolved_at = now() where work_id = %(work)s
)
insert into generated_book (year, month, title, author, work_id, outcome, isbn13, run_id)
select %(year)s, %(month)s, 'Title ' || n, 'A', %(work)s, case when n <= %(resolved)s then 'resolved' else 'not_found' end,
       case when n <= %(resolved)s then isbn13 end, 'run'
from edition, generate_series(1, %(books)s::int) n
"""
CALLED = """
with made as (
    insert into api_call (service, operation, year, month, method, url, outcome, called_at)
    select 'isbndb', %(operation)s, %(year)s, %(month)s, 'GET', 'https://host/book', 'answered', %(at)s
    from generate_series(1, %(calls)s::int)
)
insert into quota_usage as q (service, day, used) values ('isbndb', %(day)s, %(calls)s)
on conflict (service, day) do update set used = q.used + excluded.used
"""


class World:
    """The rollout, and what its runs leave behind. `outcome` is how many of a month's books are resolved; None: the run fails."""

    def __init__(
        self, database: Database, outcome: Callable[[Month], int | None], calls: Callable[[Month], int]
    ) -> None:
        self.database = database
        self.rollout = Rollout(database, Rules(), {"isbndb": QuotaLimits(15_000, 2_000)})
        self._outcome, self._calls = outcome, calls
        self._running: list[tuple[MonthHolder, Month]] = []
        self.plans: dict[datetime, Plan] = {}

    def days(self, first: int, count: int, ticks: Sequence[timedelta] = TICKS) -> None:
        for number in range(first, first + count):
            for tick in ticks:
                self.tick(FIRST_DAY + timedelta(days=number) + tick)

    def tick(self, now: datetime) -> Plan:
        running, self._running = self._running, []
        for holder, month in running:
            self._end(holder, month, now)
        if now.hour == 0:
            self._call(None, 40, now, "cron")  # the enhancement of synthetic works, at 00:30
        plan = self.plans[now] = self.rollout.request_starts("rollout_sensor", now)
        for start in plan.starts:
            holder = MonthHolder(self.database, f"{start.month}:{start.attempt}", "a simulated run")
            assert holder.claim([start.month]) == {}
            self._call(start.month, self._calls(start.month) // 2, now, "backfill")
            self._running.append((holder, start.month))
        return plan

    def _end(self, holder: MonthHolder, month: Month, now: datetime) -> None:
        calls, resolved = self._calls(month), self._outcome(month)
        self._call(month, calls - calls // 2, now, "backfill")
        if resolved is None:
            holder.release(month, "the service is down", failed=True)
            self._sql(
                "update backfill_log set next_attempt_at = %(at)s where (year, month) = (%(year)s, %(month)s)",
                year=month.year, month=month.month, at=now + timedelta(minutes=10),
            )  # fmt: skip
        else:
            with self.database.transaction() as tx:
                holder.fence(tx, [month])
                reply = store_reply(
                    tx, GenerationRequest(month, BOOKS, "baseline"), RawReply("test", "m", "[]"), holder.run_id
                )
                mark_read(tx, reply.reply_id)
                work = tx.execute(BEGUN.encode(), {"key": str(month)}).fetchone()
                assert work is not None
                values = {"year": month.year, "month": month.month, "resolved": resolved, "books": BOOKS}
                tx.execute(LISTED.encode(), {**values, "work": work["work_id"], "isbn": f"9780000{month.lock_key}"})
            assert holder.complete(month)
        holder.close("the simulated run is over", failed=False)

    def _call(self, month: Month | None, calls: int, at: datetime, operation: str) -> None:
        self._sql(
            CALLED, operation=operation, calls=calls, at=at, day=at.date(),
            year=month.year if month else None, month=month.month if month else None,
        )  # fmt: skip

    def _sql(self, statement: str, **values: object) -> None:
        with self.database.transaction() as tx:
            tx.execute(statement.encode(), values)

    def close(self) -> None:
        for holder, _ in self._running:
            holder.close("the test is over", failed=False)

    def months_by_day(self) -> dict[date, int]:
        counted = rows(
            self.database,
            "select requested_at::date as day, count(distinct (year, month)) as n from rollout_start group by 1 order by 1",
        )
        return {row["day"]: row["n"] for row in counted}

    def calls_by_day(self) -> dict[date, int]:
        counted = rows(
            self.database, "select called_at::date as day, count(*) as n from api_call group by 1 order by 1"
        )
        return {row["day"]: row["n"] for row in counted}

    def status(self) -> Counter[str]:
        return Counter(row["status"] for row in rows(self.database, "select status from backfill_log"))


def _day(number: int) -> date:
    return (FIRST_DAY + timedelta(days=number)).date()


@pytest.fixture
def world(database: Database) -> World:
    dice, failures = random.Random(5), Counter({Month(2021, 7): 2, Month(2015, 3): 1, Month(2011, 11): 9})  # noqa: S311

    def outcome(month: Month) -> int | None:
        failures[month] -= 1
        return None if failures[month] >= 0 else 18 if month.month == 6 else dice.choice((19, 20))

    return World(database, outcome, lambda month: 36 + month.lock_key % 7)


def test_a_year(world: World) -> None:
    world.days(0, 30)
    for number in range(30, 365):
        if number < 40 or _day(number).day in QUIET_DAYS or number == 364:
            world.days(number, 1, TICKS[:1])
    world.close()
    months, calls, phases = world.months_by_day(), world.calls_by_day(), _phases(world)

    # Every month of the 300, and those that ended meanwhile, once; the hopeless one is failed.
    assert world.status() == {"completed": 300 + 24 + 11 - 1, "failed": 1}
    done = rows(
        world.database, "select count(*) as n from month_claim where ended_as = 'completed' group by year, month"
    )
    assert {row["n"] for row in done} == {1}
    with world.database.transaction() as tx:
        assert overlapping_claims(tx) == ([], 335)
    (hopeless,) = rows(world.database, "select * from backfill_log where status = 'failed'")
    assert (hopeless["year"], hopeless["month"], hopeless["retry_count"]) == (2011, 11, 5)

    # Months a day.
    assert [months.get(_day(n), 0) for n in range(5)] == [5, 5, 10, 10, 15], (
        "the gate of the first opens on the third day"
    )
    assert phases["validation"] == (_day(0), _day(2))
    assert phases["scale"][1] == _day(5)
    historical = [months.get(_day(n), 0) for n in range(6, 18)]
    assert (historical[0], set(historical[1:])) == (15, {20})
    assert max(months.values()) == 20
    assert phases["current"][1] == _day(364)
    assert {months.get(_day(n), 0) for n in range(60, 365)} == {0, 1}

    # Calls a day, the enhancement's 40 included; calls of a run that goes on after midnight are the next day's.
    assert all(calls[_day(n)] - 40 <= 240 for n in (0, 1))
    assert calls[_day(0)] - 40 >= 150
    assert all(calls[_day(n)] - 40 <= 600 for n in range(3, 6))
    assert calls[_day(3)] - 40 >= 350
    assert max(calls.values()) <= 1000
    assert sum(calls.values()) == rows(world.database, "select sum(used) as n from quota_usage")[0]["n"]

    # Most recent first.
    for span in (("2020-01", "2020-12"), ("2021-01", "2023-12"), ("2000-01", "2019-12"), ("2025-01", "2026-12")):
        first, last = Month.parse(span[0]), Month.parse(span[1])
        order = [start.month for plan in world.plans.values() for start in plan.starts if start.attempt == 1]
        within = [month for month in order if first <= month <= last]
        assert within == sorted(within, reverse=True)
    assert _newest_month_is_done_on_the_day_after_it_has_ended(world)


def _phases(world: World) -> dict[str, tuple[date, date]]:
    """First and last day on which a month of each phase was requested."""
    counted = rows(
        world.database,
        "select phase, min(requested_at)::date as first, max(requested_at)::date as last from rollout_start"
        " where attempt = 1 group by phase",
    )
    days = {row["phase"]: (row["first"], row["last"]) for row in counted}
    last = max(plan_at for plan_at in world.plans)
    return days | {"current": (days["current"][0], last.date())}


def _newest_month_is_done_on_the_day_after_it_has_ended(world: World) -> bool:
    asked = rows(world.database, "select year, month, requested_at::date as day from rollout_start where year = 2027")
    return len(asked) == 11 and all(row["day"] == (Month(row["year"], row["month"]) + 1).first_day for row in asked)


def test_a_phase_at_89_percent_holds_for_days_and_goes_on_once_it_is_approved(database: Database) -> None:
    # 10 months at 18 of 20 and two at 17: 214 of 240 are 89.17 %.
    world = World(database, lambda month: 17 if month in (Month(2020, 1), Month(2020, 2)) else 18, lambda _: 40)
    world.days(0, 10)
    assert list(world.months_by_day().values()) == [5, 5, 2]
    held = world.plans[FIRST_DAY + timedelta(days=9) + TICKS[-1]]
    assert (held.phase, held.starts, held.gates[0].state) == ("validation", (), GateState.CLOSED)
    assert "214 of 240 books have an ISBN (89.16 %); 90 % are needed" in held.waits

    approved_at = FIRST_DAY + timedelta(days=10)
    world.rollout.decide(DecisionKind.APPROVE, "ada", "the two months were looked at by hand", now=approved_at)
    world.days(10, 2)
    world.close()
    assert list(world.months_by_day().values()) == [5, 5, 2, 10, 15], "the first day at full pace held"
    (word,) = rows(database, "select * from rollout_decision")
    assert (word["kind"], word["phase"], word["decided_by"], word["decided_at"]) == (
        "approve", "validation", "ada", approved_at,
    )  # fmt: skip
    assert "89.16 %" in word["seen"]


def test_a_gate_opens_by_itself_when_the_books_are_resolved_later(database: Database) -> None:
    world = World(database, lambda _: 17, lambda _: 40)
    world.days(0, 5)
    assert world.rollout.plan(FIRST_DAY + timedelta(days=5)).gates[0].state is GateState.CLOSED
    world._sql(
        "update generated_book b set outcome = 'resolved', isbn13 = e.isbn13 from enriched_editions e"
        " where e.work_id = b.work_id and b.outcome = 'not_found' and b.title = 'Title 18'"
    )
    assert world.rollout.plan(FIRST_DAY + timedelta(days=5)).phase == "scale"
    world.close()


def test_dear_months_make_the_day_smaller(database: Database) -> None:
    """100 calls a month instead of 40: the first day cannot know it, the others keep to the budget."""
    world = World(database, lambda _: 20, lambda _: 100)
    world.days(0, 12)
    world.close()
    months, calls = world.months_by_day(), world.calls_by_day()
    assert [months[_day(n)] for n in range(5)] == [5, 2, 2, 2, 6], "on the fifth day, the next phase begins"
    assert all(calls[_day(n)] - 40 <= 240 for n in range(1, 4))
    assert all(calls[_day(n)] - 40 <= 600 for n in range(4, 10))
    assert all(calls[_day(n)] <= 1000 for n in range(10, 12))
