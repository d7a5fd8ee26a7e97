"""The plan of the rollout: what holds for every state, and the table of phases in docs/behaviour.md line by line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.rollout.phases import Phase, Rules
from alexandria_pipeline.domain.rollout.planner import MAX_BACKOFF, is_open, plan
from alexandria_pipeline.domain.rollout.records import (
    BudgetUsage,
    DecisionKind,
    GateState,
    Plan,
    RolloutDecision,
    RolloutMonth,
    RolloutState,
    Start,
)

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
TODAY = NOW.replace(hour=0, minute=0)
RULES = Rules()

# A small table for the properties: every kind of phase, few months.
SMALL = Rules(
    phases=(
        Phase(name="first", months=("2020-09...2020-12",), per_day=2, isbndb_a_day=100, gate=90),
        Phase(name="second", months=("2021-01...2021-06",), per_day=2, then_per_day=4, isbndb_a_day=150, gate=90),
        Phase(name="third", months=("2024-11...2024-12", "2019-10...2019-12"), per_day=3, isbndb_a_day=200),
        Phase(name="last", months=("2026-08...",), per_day=1),
    ),
    isbndb_a_day=220,
)
SMALL_MONTHS = [month for phase in SMALL.phases for month in phase.months_until(Month(2026, 10))]

moments = st.integers(-72 * 60, 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))
statuses = st.sampled_from(
    ["pending", "pending", "processing", "completed", "completed", "completed", "retry", "failed"]
)


@st.composite
def month_states(draw: st.DrawFn, month: Month) -> RolloutMonth:
    generated = draw(st.integers(0, 20))
    resolved = draw(st.integers(0, generated)) if draw(st.booleans()) else generated
    return RolloutMonth(
        month,
        draw(statuses),
        draw(st.none() | moments),
        generated,
        resolved,
        draw(st.integers(0, 3)),
        draw(st.integers(0, 60)),
        draw(st.integers(0, generated - resolved)),
        tuple(sorted(draw(st.sets(st.sampled_from(["isbndb", "open-library"]))))),
        draw(st.none() | moments),
    )


@st.composite
def states(draw: st.DrawFn) -> RolloutState:
    """Any state at all; beginnings are made likely by a number of phases that are behind us."""
    done = draw(st.integers(0, len(SMALL.phases) - 1))
    behind = {month for phase in SMALL.phases[:done] for month in phase.months_until(Month(2026, 10))}
    months = {
        month: RolloutMonth(month, "completed", generated=20, resolved=20, claim=1)
        if month in behind
        else draw(month_states(month))
        for month in draw(st.sets(st.sampled_from(SMALL_MONTHS))) | behind
    }
    starts = [
        Start(month, attempt, draw(st.integers(0, 3)), "any", draw(st.sampled_from(["sensor", "schedule"])), at)
        for month, times in draw(st.dictionaries(st.sampled_from(SMALL_MONTHS), st.lists(moments, max_size=2))).items()
        for attempt, at in enumerate(sorted(min(time, NOW) for time in times), start=1)
    ]
    kinds = draw(st.lists(st.sampled_from(DecisionKind), max_size=3))
    decisions = [
        RolloutDecision(
            kind, "ops", "because", NOW, draw(st.sampled_from(["first", "second"])) if kind == "approve" else None
        )
        for kind in kinds
    ]
    used = draw(st.integers(0, 250))
    usage = BudgetUsage(
        used, draw(st.integers(0, used)), draw(st.none() | st.integers(0, 300)),
        draw(st.none() | st.floats(1, 60, allow_nan=False)),
    )  # fmt: skip
    return RolloutState(months, starts, decisions, usage, frozenset(draw(st.sets(st.just("isbndb")))))


def _phase(name: str | None, rules: Rules = SMALL) -> Phase:
    return next(phase for phase in rules.phases if phase.name == name)


def _recorded(state: RolloutState, starts: tuple[Start, ...]) -> RolloutState:
    known = {(start.month, start.attempt) for start in state.starts}
    new = [start for start in starts if (start.month, start.attempt) not in known]
    return replace(state, starts=[*state.starts, *new])


def _day(state: RolloutState) -> set[Month]:
    return {start.month for start in state.starts if start.at >= TODAY}


# What holds for every state.


@given(states())
def test_the_day_has_no_more_months_than_its_phase_allows(state: RolloutState) -> None:
    made = plan(state, NOW, SMALL, "sensor")
    months = _day(_recorded(state, made.starts))
    assert len(months) <= max(made.allotment, len(_day(state)))
    assert len({start.month for start in made.starts}) == len(made.starts)
    if made.phase:
        phase = _phase(made.phase)
        assert made.allotment in (phase.per_day, phase.then_per_day)


@given(states())
def test_the_calls_of_the_day_stay_within_every_budget(state: RolloutState) -> None:
    made = plan(state, NOW, SMALL, "sensor")
    if not made.starts:
        return
    usage, per_month = state.usage, state.usage.recent_per_month or SMALL.calls_per_month
    running = sum(max(0, per_month - each.calls) for each in state.months.values() if each.status == "processing")
    last = {start.month: start for start in sorted(state.starts, key=lambda start: start.attempt)}
    asked = sum(is_open(start, state, NOW) and start.by != "sensor" for start in last.values())
    more = running + (asked + len(made.starts)) * per_month - 1e-6
    assert usage.used + more <= SMALL.isbndb_a_day
    assert usage.quota_left is None or more <= usage.quota_left
    limit = _phase(made.phase).isbndb_a_day
    assert limit is None or usage.for_months + more <= limit


@given(states())
def test_nothing_is_started_past_a_closed_gate_or_while_held(state: RolloutState) -> None:
    made = plan(state, NOW, SMALL, "sensor")
    names = [phase.name for phase in SMALL.phases]
    reached = next((number for number, gate in enumerate(made.gates) if not gate.open), len(names))
    allowed = {month for phase in SMALL.phases[: reached + 1] for month in phase.months_until(Month(2026, 10))}
    assert {start.month for start in made.starts} <= allowed
    kinds = [decision.kind for decision in state.decisions if decision.kind is not DecisionKind.APPROVE]
    held = bool(kinds) and kinds[-1] is DecisionKind.HOLD
    closed = reached < len(names) and made.gates[reached].state is GateState.CLOSED
    if held:
        assert not made.starts
    if closed:
        assert all(state.of(start.month).deferred for start in made.starts)
    for gate in made.gates:
        approved = any(d.kind is DecisionKind.APPROVE and d.phase == gate.phase for d in state.decisions)
        limit = _phase(gate.phase).gate or 0
        enough = gate.terminal == gate.months and 100 * gate.resolved >= limit * gate.generated
        assert not gate.open or approved or enough


@given(states())
def test_new_months_are_the_most_recent_ones_and_retries_that_are_due_come_first(state: RolloutState) -> None:
    made = plan(state, NOW, SMALL, "sensor")
    again = {start.month for start in state.starts if is_open(start, state, NOW)}
    fresh = [start for start in made.starts if start.month not in again]
    order = [["retry", "completed", "pending"].index(state.of(start.month).status) for start in fresh]
    assert order == sorted(order), "due retries, then deferred books, then new months"
    started = {start.month for start in made.starts}
    room = len(_day(_recorded(state, made.starts))) < made.allotment and len(made.starts) < made.budget.months
    for name in {start.phase for start in fresh}:
        new = [start.month for start in fresh if start.phase == name and state.of(start.month).status == "pending"]
        assert new == [month for month in _phase(name).months_until(Month(2026, 10)) if month in new]
        passed_over = [
            month
            for month in _phase(name).months_until(Month(2026, 10))
            if state.of(month).status == "pending" and month not in started | again | _day(state)
        ]
        places = {month: place for place, month in enumerate(_phase(name).months_until(Month(2026, 10)))}
        beyond = [month for month in new if month not in _day(state)]
        assert not beyond or not passed_over or max(places[m] for m in beyond) < min(places[m] for m in passed_over)
    if room and made.starts:
        free = [m for m in SMALL_MONTHS if state.of(m).status == "pending" and m not in started | again]
        reached = next((number for number, gate in enumerate(made.gates) if not gate.open), 99)
        allowed = {m for phase in SMALL.phases[: reached + 1] for m in phase.months_until(Month(2026, 10))}
        assert not set(free) & allowed, "there was room, and a month was left out"


@given(states())
def test_only_months_that_wait_are_started(state: RolloutState) -> None:
    for start in plan(state, NOW, SMALL, "sensor").starts:
        each = state.of(start.month)
        repeated = start in state.starts
        assert each.status in ("pending", "retry") or (each.status == "completed" and each.deferred)
        if each.status == "completed" and not repeated:
            assert set(each.waits_for) - state.unavailable
        waits = each.next_attempt_at is not None and NOW < each.next_attempt_at <= NOW + MAX_BACKOFF
        assert repeated or each.status != "retry" or not waits
        assert start.month < Month.of(NOW.date())


@given(states(), st.integers(0, 14 * 60))
def test_asked_again_on_the_same_day_it_answers_the_same(state: RolloutState, minutes: int) -> None:
    first = plan(state, NOW, SMALL, "sensor")
    later = NOW + timedelta(minutes=minutes)
    quiet = all(
        (each.next_attempt_at is None or each.next_attempt_at <= NOW) and not each.deferred
        for each in state.months.values()
    )
    again = plan(_recorded(state, first.starts), later if quiet else NOW, SMALL, "sensor")
    assert sorted(again.starts, key=str) == sorted(first.starts, key=str)


@given(states())
def test_two_who_ask_never_get_the_same_month(state: RolloutState) -> None:
    first = plan(state, NOW, SMALL, "sensor")
    second = plan(_recorded(state, first.starts), NOW, SMALL, "schedule")
    assert not {start.month for start in first.starts} & {start.month for start in second.starts}


@given(states())
def test_it_always_states_why_nothing_is_started(state: RolloutState) -> None:
    made = plan(state, NOW, SMALL, "sensor")
    assert bool(made.waits) != bool(made.starts)


# The table, and single cases.


def _done(months: list[Month], resolved: int = 20, status: str = "completed") -> dict[Month, RolloutMonth]:
    return {month: RolloutMonth(month, status, generated=20, resolved=resolved, claim=1) for month in months}


def _year(year: int) -> list[Month]:
    return [Month(year, month) for month in range(12, 0, -1)]


def _texts(made: Plan) -> list[str]:
    return [str(start.month) for start in made.starts]


def test_the_first_day() -> None:
    made = plan(RolloutState(), NOW, RULES, "sensor")
    assert (made.phase, made.allotment) == ("validation", 5)
    assert _texts(made) == ["2020-12", "2020-11", "2020-10", "2020-09", "2020-08"]
    assert {(start.attempt, start.claim, start.by, start.at) for start in made.starts} == {(1, 0, "sensor", NOW)}


def test_the_phases_follow_each_other() -> None:
    done = _done(_year(2020))
    assert _texts(plan(RolloutState(done), NOW, RULES))[0] == "2023-12"
    done |= _done(_year(2021) + _year(2022) + _year(2023))
    third = plan(RolloutState(done), NOW, RULES)
    assert (third.phase, _texts(third)[0], _texts(third)[-1], len(third.starts)) == (
        "historical",
        "2024-12",
        "2019-10",
        15,
    )
    for year in (2024, *range(2019, 1999, -1)):
        done |= _done(_year(year), resolved=0)
    fourth = plan(RolloutState(done), NOW, RULES)
    assert (fourth.phase, _texts(fourth)) == ("current", ["2026-10"])
    assert len(done) == 300


def test_a_phase_at_89_percent_holds_and_an_operator_lets_it_go_on() -> None:
    done = _done(_year(2020), resolved=18)
    done[Month(2020, 1)] = RolloutMonth(Month(2020, 1), "failed", generated=20, resolved=15, claim=5)
    held = plan(RolloutState(done), NOW, RULES)
    assert (held.phase, held.starts, held.gates[0].state) == ("validation", (), GateState.CLOSED)
    assert "213 of 240 books have an ISBN (88.75 %); 90 % are needed" in held.waits
    assert "alexandria rollout approve" in held.waits
    word = RolloutDecision(DecisionKind.APPROVE, "ada", "seen by hand", NOW, "validation")
    goes_on = plan(RolloutState(done, decisions=[word]), NOW, RULES)
    assert (goes_on.phase, goes_on.gates[0].state, len(goes_on.starts)) == ("scale", GateState.APPROVED, 10)
    assert "approved by ada" in goes_on.gates[0].summary


def test_exactly_90_percent_passes_and_a_failed_month_counts_with_its_books() -> None:
    done = _done(_year(2020), resolved=18)
    done[Month(2020, 1)] = RolloutMonth(Month(2020, 1), "failed", generated=20, resolved=18, claim=5)
    made = plan(RolloutState(done), NOW, RULES)
    assert (made.gates[0].state, made.gates[0].failed, made.phase) == (GateState.PASSED, 1, "scale")


def test_a_month_in_work_keeps_the_gate_closed() -> None:
    done = _done(_year(2020))
    done[Month(2020, 5)] = RolloutMonth(Month(2020, 5), "processing", generated=20, resolved=20, claim=1)
    made = plan(RolloutState(done), NOW, RULES)
    assert (made.phase, made.starts, made.waits) == (
        "validation", (), "phase validation: 1 month is running, 0 wait for a retry",
    )  # fmt: skip


def test_a_phase_without_books_has_shown_nothing() -> None:
    done = {month: RolloutMonth(month, "completed", claim=1) for month in _year(2020)}
    made = plan(RolloutState(done), NOW, RULES)
    assert (made.starts, made.gates[0].state) == ((), GateState.CLOSED)
    assert "no book was listed" in made.waits


def _started(months: list[Month], at: datetime) -> list[Start]:
    return [Start(month, 1, 0, "scale", "sensor", at) for month in months]


@pytest.mark.parametrize(("resolved", "pace"), [(18, 15), (17, 10)])
def test_the_faster_pace_begins_once_a_days_figures_hold(resolved: int, pace: int) -> None:
    day = _year(2023)[:10]
    done = _done(_year(2020)) | _done(day, resolved)
    made = plan(RolloutState(done, _started(day, NOW - timedelta(days=1))), NOW, RULES)
    assert (made.allotment, len(made.starts)) == (pace, pace)


def test_a_day_that_is_not_full_or_not_over_shows_nothing_about_the_pace() -> None:
    base, day = _done(_year(2020)), _year(2023)[:10]
    short = RolloutState(base | _done(day[:9]), _started(day[:9], NOW - timedelta(days=1)))
    assert plan(short, NOW, RULES).allotment == 10
    today = RolloutState(base | _done(day), _started(day, NOW))
    assert (plan(today, NOW, RULES).allotment, plan(today, NOW, RULES).starts) == (10, ())
    running = base | _done(day) | {day[0]: RolloutMonth(day[0], "processing", claim=1)}
    assert plan(RolloutState(running, _started(day, NOW - timedelta(days=1))), NOW, RULES).allotment == 10


def test_a_hold_stops_everything_until_it_is_released() -> None:
    hold = RolloutDecision(DecisionKind.HOLD, "ada", "the key is being changed", NOW)
    held = plan(RolloutState(decisions=[hold]), NOW, RULES)
    assert (held.starts, held.waits) == (
        (),
        "held by ada since 2026-11-20 09:30 UTC: the key is being changed (to continue: alexandria rollout release)",
    )
    release = RolloutDecision(DecisionKind.RELEASE, "ada", "", NOW)
    assert plan(RolloutState(decisions=[hold, release]), NOW, RULES).starts


def _deferred(ago: timedelta = timedelta(hours=1), *, claim: int = 1) -> dict[Month, RolloutMonth]:
    month = Month(2020, 5)
    return {month: RolloutMonth(month, "completed", None, 20, 15, claim, 0, 5, ("isbndb", "open-library"), NOW - ago)}


def test_a_month_with_deferred_books_starts_when_a_service_that_they_wait_for_can_be_called() -> None:
    both = frozenset({"isbndb", "open-library"})
    waiting = plan(RolloutState(_deferred(), unavailable=both), NOW, RULES)
    assert "2020-05" not in _texts(waiting)
    again = plan(RolloutState(_deferred(), unavailable=frozenset({"isbndb"})), NOW, RULES)
    assert _texts(again) == ["2020-05", "2020-12", "2020-11", "2020-10", "2020-09"], "before new months"
    assert again.starts[0].claim == 1


def test_the_pause_of_a_month_with_deferred_books_doubles_with_each_start() -> None:
    assert "2020-05" not in _texts(plan(RolloutState(_deferred(timedelta(minutes=14))), NOW, RULES))
    assert "2020-05" in _texts(plan(RolloutState(_deferred(timedelta(minutes=15))), NOW, RULES))
    third = [Start(Month(2020, 5), 3, 2, "validation", "sensor", NOW - timedelta(days=2))]
    assert "2020-05" not in _texts(plan(RolloutState(_deferred(timedelta(minutes=59), claim=3), third), NOW, RULES))
    assert "2020-05" in _texts(plan(RolloutState(_deferred(timedelta(minutes=60), claim=3), third), NOW, RULES))
    many = [replace(third[0], attempt=40)]
    assert "2020-05" in _texts(plan(RolloutState(_deferred(timedelta(days=1), claim=3), many), NOW, RULES))


def test_deferred_books_are_asked_for_behind_a_closed_gate_and_their_number_is_stated() -> None:
    done = _done(_year(2020), resolved=17) | _deferred()
    made = plan(RolloutState(done), NOW, RULES)
    assert (made.gates[0].state, _texts(made)) == (GateState.CLOSED, ["2020-05"])
    waiting = plan(RolloutState(done, unavailable=frozenset({"isbndb", "open-library"})), NOW, RULES)
    assert waiting.waits.endswith("; 5 books of 1 month wait for isbndb, open-library")
    hold = RolloutDecision(DecisionKind.HOLD, "ada", "the key is being changed", NOW)
    assert plan(RolloutState(done, decisions=[hold]), NOW, RULES).starts == ()


def test_the_day_shrinks_to_what_is_left_of_the_calls() -> None:
    assert len(plan(RolloutState(usage=BudgetUsage(used=130, for_months=130)), NOW, RULES).starts) == 2
    assert len(plan(RolloutState(usage=BudgetUsage(recent_per_month=100)), NOW, RULES).starts) == 2
    assert len(plan(RolloutState(usage=BudgetUsage(quota_left=100)), NOW, RULES).starts) == 2
    assert len(plan(RolloutState(usage=BudgetUsage(used=900)), NOW, RULES).starts) == 2, (
        "the daily enhancement counts as well"
    )
    running = {Month(2020, 12): RolloutMonth(Month(2020, 12), "processing", claim=1, calls=10)}
    made = plan(RolloutState(running, usage=BudgetUsage(used=130, for_months=130)), NOW, RULES)
    assert (made.budget.promised, made.budget.left, len(made.starts)) == (30, 80, 2)
    out = plan(RolloutState(usage=BudgetUsage(used=230, for_months=230)), NOW, RULES)
    assert out.waits == (
        "phase validation: ISBNdb has 10 calls left for today, 0 more are reserved for running months,"
        " and a month needs about 40; more at 00:00 UTC"
    )


def test_retries_come_first_and_take_their_part_of_the_day() -> None:
    due = {m: RolloutMonth(m, "retry", NOW - timedelta(minutes=1), claim=1) for m in (Month(2020, 3), Month(2020, 6))}
    later = {Month(2020, 12): RolloutMonth(Month(2020, 12), "retry", NOW + timedelta(minutes=1), claim=1)}
    before = [Start(month, 1, 0, "validation", "sensor", NOW - timedelta(days=1)) for month in (*due, *later)]
    made = plan(RolloutState(due | later, before), NOW, RULES, "sensor")
    assert _texts(made) == ["2020-06", "2020-03", "2020-11", "2020-10", "2020-09"]
    assert [start.attempt for start in made.starts] == [2, 2, 1, 1, 1]


def test_a_retry_of_one_of_todays_months_is_not_another_month() -> None:
    day = _year(2020)[:5]
    months = _done(day) | {day[2]: RolloutMonth(day[2], "retry", NOW, claim=1)}
    made = plan(RolloutState(months, _started(day, TODAY)), NOW, RULES, "sensor")
    assert [(str(start.month), start.attempt) for start in made.starts] == [("2020-10", 2)]


def test_what_it_waits_for_is_stated() -> None:
    day = _year(2020)[:5]
    done = RolloutState(_done(day), _started(day, TODAY))
    assert plan(done, NOW, RULES).waits == ("phase validation: the 5 months of today have started; more at 00:00 UTC")
    waiting = _done(_year(2020)) | {day[0]: RolloutMonth(day[0], "retry", NOW + timedelta(hours=2), claim=1)}
    assert plan(RolloutState(waiting), NOW, RULES).waits == (
        "phase validation: 0 months are running, 1 waits for a retry; the next retry is due at 2026-11-20 11:30 UTC"
    )
    again = _done(_year(2020)) | {day[0]: RolloutMonth(day[0], "retry", NOW + timedelta(hours=2), claim=1)}
    assert "1 waits for a retry" in plan(RolloutState(again, _started(day, TODAY)), NOW, RULES).waits, (
        "it is one of today's"
    )
    one = Rules(phases=(Phase(name="only", months=("2020-01",), per_day=1),))
    assert plan(RolloutState(_done([Month(2020, 1)])), NOW, one).waits == "every phase of the rollout is done"
    last = Rules(phases=(Phase(name="current", months=("2026-10...",), per_day=1),))
    assert (
        plan(RolloutState(_done([Month(2026, 10)])), NOW, last).waits
        == "phase current: every month that has ended is done"
    )


def test_a_request_that_came_to_nothing_is_made_anew_the_next_day() -> None:
    asked = Start(Month(2020, 12), 1, 0, "validation", "sensor", NOW)
    assert plan(RolloutState(starts=[asked]), NOW, RULES, "sensor").starts[0] == asked
    tomorrow = plan(RolloutState(starts=[asked]), NOW + timedelta(days=1), RULES, "sensor")
    assert (tomorrow.starts[0].month, tomorrow.starts[0].attempt) == (asked.month, 2)
    claimed = {asked.month: RolloutMonth(asked.month, "retry", NOW, claim=1)}
    assert plan(RolloutState(claimed, [asked]), NOW, RULES, "sensor").starts[0].attempt == 2


def test_a_month_is_current_once_it_has_ended() -> None:
    last = Rules(phases=(Phase(name="current", months=("2026-10...",), per_day=1),))
    done = RolloutState(_done([Month(2026, 10)]))
    before = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    assert plan(done, before, last).starts == ()
    assert _texts(plan(done, before + timedelta(minutes=1), last)) == ["2026-11"]


def test_a_phase_whose_months_are_still_to_come_is_not_over() -> None:
    early = datetime(2021, 3, 15, tzinfo=UTC)
    done = _done(_year(2020)) | _done([Month(2021, 1), Month(2021, 2)])
    made = plan(RolloutState(done), early, RULES)
    assert (made.phase, made.starts, made.gates[1].state) == ("scale", (), GateState.AHEAD)


@pytest.mark.parametrize(
    ("phases", "complaint"),
    [
        ([], "there is no phase"),
        ([{"name": "a", "months": ["2020-01"], "per_day": 1}] * 2, "two phases have the same name"),
        ([{"name": n, "months": ["2020-01"], "per_day": 1} for n in "ab"], "a month belongs to two phases"),
        (
            [{"name": n, "months": [f"202{n}-01..."], "per_day": 1} for n in "12"],
            "only the last phase may have no end",
        ),
        ([{"name": "a", "months": ["2020-05...2020-03"], "per_day": 1}], "ends before it begins"),
        ([{"name": "a", "months": ["May"], "per_day": 1}], "is not a month"),
        ([{"name": "a", "months": ["2020-01"], "per_day": 0}], "greater than or equal to 1"),
        ([{"name": "a", "months": ["2020-01"], "per_day": 1, "speed": 3}], "Extra inputs are not permitted"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(phases: list[dict[str, object]], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Rules.model_validate({"phases": phases})
