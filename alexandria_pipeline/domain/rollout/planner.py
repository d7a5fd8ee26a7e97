"""The planner of the rollout: which months may start now, and the reason if none may. Pure: state and time are arguments.

Phases run in order. The gate of a phase must be passed, or approved by an operator, before the next phase starts. Each
day (UTC) has an allotment of months and a budget of ISBNdb calls. A completed month with deferred books starts again when a
service that these wait for can be called. The rules are in `phases`; their source is
docs/behaviour.md, "Rollout".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.rollout.phases import Phase, Rules
from alexandria_pipeline.domain.rollout.records import (
    TERMINAL,
    Budget,
    DecisionKind,
    Gate,
    GateState,
    Plan,
    RolloutDecision,
    RolloutMonth,
    RolloutState,
    Start,
)

MAX_BACKOFF = timedelta(hours=2)
"""No retry waits longer (see `release` in storage/sql/queries/months.sql)."""

FIRST_PAUSE = timedelta(minutes=15)
"""How long after its last run a month with deferred books starts again, at least. The pause doubles with each start of the month."""
MAX_PAUSE = timedelta(days=1)


def plan(state: RolloutState, now: datetime, rules: Rules, by: str = "") -> Plan:
    """Returns the months that `by` may start now: its open requests of today, then due retries, then new months.

    The same state gives the same plan. A state in which the starts of the plan are recorded gives these starts again.
    """
    gates = tuple(gate(phase, state, now) for phase in rules.phases)
    active = next((number for number, each in enumerate(gates) if not each.open), None)
    today = _started_on(state.starts, _day(now))
    if active is None:
        budget = _budget((), state, now, rules, by)
        allotment = rules.phases[-1].per_day
        starts = () if _held(state.decisions) else _starts(rules.phases, state, now, by, allotment, budget)
        waits = "" if starts else f"every phase of the rollout is done{_deferred(state)}"
        return Plan(None, starts, waits, gates, allotment, today, budget)
    phase, reached = rules.phases[active], rules.phases[: active + 1]
    budget = _budget(reached, state, now, rules, by)
    allotment = _pace(phase, state, now)
    held, closed = _held(state.decisions), _closed(gates[active])
    starts = () if held else _starts(reached, state, now, by, allotment, budget, only_deferred=bool(closed))
    waits = "" if starts else (held or closed or _why(phase, state, now, allotment, today, budget)) + _deferred(state)
    return Plan(phase.name, starts, waits, gates, allotment, today, budget)


def gate(phase: Phase, state: RolloutState, now: datetime) -> Gate:
    """Returns the gate of a phase. It is passed when every month is terminal and enough books are resolved, or approved."""
    states = [state.of(month) for month in _months(phase, now, whole=True)]
    terminal = [each for each in states if each.status in TERMINAL]
    generated, resolved = sum(each.generated for each in states), sum(each.resolved for each in states)
    verdict, summary = _verdict(phase, len(states), len(terminal), generated, resolved)
    approval = next(
        (d for d in reversed(state.decisions) if d.kind is DecisionKind.APPROVE and d.phase == phase.name), None
    )
    if approval and verdict is not GateState.PASSED:
        verdict, summary = (
            GateState.APPROVED,
            f"{summary}; approved by {approval.by} at {_time(approval.at)}: {approval.why}",
        )
    failed = sum(each.status == "failed" for each in terminal)
    return Gate(phase.name, verdict, len(states), len(terminal), failed, generated, resolved, summary)


def _verdict(phase: Phase, months: int, terminal: int, generated: int, resolved: int) -> tuple[GateState, str]:
    if phase.endless or terminal < months:
        return GateState.AHEAD, f"{terminal} of {_of_months(months)} {'is' if terminal == 1 else 'are'} done"
    if phase.gate is None:
        return GateState.PASSED, f"all {months} months are done"
    if not generated:
        return GateState.CLOSED, f"all {months} months are done, but no book was listed in them"
    figure = f"{resolved} of {generated} books have an ISBN ({_percent(resolved, generated)} %)"
    if 100 * resolved >= phase.gate * generated:
        return GateState.PASSED, f"all {months} months are done; {figure}"
    return GateState.CLOSED, f"all {months} months are done, but only {figure}; {phase.gate:g} % are needed"


def _of_months(count: int) -> str:
    return "1 month" if count == 1 else f"{count} months"


def _percent(part: int, whole: int) -> str:
    """Formats a percentage with two decimals, rounded down, so that 89.999 does not read as 90."""
    return f"{int(10_000 * part / whole) / 100:.2f}"


def _starts(
    phases: Sequence[Phase],
    state: RolloutState,
    now: datetime,
    by: str,
    allotment: int,
    budget: Budget,
    *,
    only_deferred: bool = False,
) -> tuple[Start, ...]:
    """Takes candidates in order while the allotment and the budget allow it.

    `only_deferred`: behind a closed gate, only months with deferred books start, because these may open it.
    """
    taken = set(_started_on(state.starts, _day(now)))
    starts: list[Start] = []
    for start in _candidates(phases, state, now, by):
        if only_deferred and not state.of(start.month).deferred:
            continue
        if len(starts) == budget.months:
            break
        if start.month in taken or len(taken) < allotment:
            taken.add(start.month)
            starts.append(start)
    return tuple(starts)


def _candidates(phases: Sequence[Phase], state: RolloutState, now: datetime, by: str) -> Iterator[Start]:
    last = _last_starts(state.starts)
    within = [(phase, state.of(month)) for phase in phases for month in _months(phase, now)]
    asked = {month: start for month, start in last.items() if is_open(start, state, now)}
    mine = [asked[each.month] for _, each in within if each.month in asked and asked[each.month].by == by]
    yield from sorted(mine, key=lambda start: start.month, reverse=True)
    free = [(phase, each) for phase, each in within if each.month not in asked]
    due = [(phase, each) for phase, each in free if each.status == "retry" and _due(each, now)]
    due.sort(key=lambda pair: pair[1].month, reverse=True)
    again = [(phase, each) for phase, each in free if _can_be_answered(each, state, now, last.get(each.month))]
    again.sort(key=lambda pair: pair[1].month, reverse=True)
    for phase, each in [*due, *again, *((phase, each) for phase, each in free if each.status == "pending")]:
        attempt = last[each.month].attempt + 1 if each.month in last else 1
        yield Start(each.month, attempt, each.claim, phase.name, by, now)


def is_open(start: Start, state: RolloutState, now: datetime) -> bool:
    """Returns whether a request of today still waits for its run. A request of an earlier day has expired."""
    each = state.of(start.month)
    waits = each.status in ("pending", "retry") or (each.status == "completed" and each.deferred > 0)
    return each.claim == start.claim and waits and _day(start.at) == _day(now)


def _due(each: RolloutMonth, now: datetime) -> bool:
    # A time beyond the longest back-off was computed before the clock of the database was set back.
    return each.next_attempt_at is None or not now < each.next_attempt_at <= now + MAX_BACKOFF


def _can_be_answered(each: RolloutMonth, state: RolloutState, now: datetime, last: Start | None) -> bool:
    """Returns whether a completed month has deferred books, and a service that these wait for can be called again."""
    if each.status != "completed" or not each.deferred or state.unavailable.issuperset(each.waits_for):
        return False
    pause = min(MAX_PAUSE, FIRST_PAUSE * 2 ** min(20, last.attempt - 1 if last else 0))
    return each.completed_at is None or not now < each.completed_at + pause <= now + pause


def _deferred(state: RolloutState) -> str:
    """States how many books wait for services, as the end of a sentence; "" if there are none."""
    waiting = [each for each in state.months.values() if each.status == "completed" and each.deferred]
    if not waiting:
        return ""
    books, services = (
        sum(each.deferred for each in waiting),
        sorted({name for each in waiting for name in each.waits_for}),
    )
    months = "1 month" if len(waiting) == 1 else f"{len(waiting)} months"
    wait = "1 book waits" if books == 1 else f"{books} books of {months} wait"
    return f"; {wait} for {', '.join(services) or 'a service that can be called'}"


def _budget(reached: Sequence[Phase], state: RolloutState, now: datetime, rules: Rules, by: str) -> Budget:
    """Returns the calls left today after the calls expected of running months.

    Open requests count as running, except those of `by`, which are part of its starts.
    """
    usage = state.usage
    per_month = usage.recent_per_month or rules.calls_per_month
    running = sum(max(0.0, per_month - each.calls) for each in state.months.values() if each.status == "processing")
    near = {month for phase in reached for month in _months(phase, now)}
    requests = [start for start in _last_starts(state.starts).values() if is_open(start, state, now)]
    asked = sum(start.by != by or start.month not in near for start in requests)
    promised = running + asked * per_month
    left: list[float] = [rules.isbndb_a_day - usage.used]
    if reached and reached[-1].isbndb_a_day is not None:
        left.append(reached[-1].isbndb_a_day - usage.for_months)
    if usage.quota_left is not None:
        left.append(usage.quota_left)
    return Budget(per_month, promised, max(0.0, min(left) - promised))


def _pace(phase: Phase, state: RolloutState, now: datetime) -> int:
    """Returns the months per day: the higher number once the figures of the last full day of the phase hold."""
    if phase.then_per_day is None:
        return phase.per_day
    mine = set(_months(phase, now))
    days: dict[date, set[Month]] = {}
    for start in state.starts:
        if start.month in mine and _day(start.at) < _day(now):
            days.setdefault(_day(start.at), set()).add(start.month)
    for _, months in sorted(days.items(), reverse=True):
        states = [state.of(month) for month in months]
        if len(months) >= phase.per_day and all(each.status in TERMINAL for each in states):
            return phase.then_per_day if _holds(states, phase) else phase.per_day
    return phase.per_day


def _holds(states: Sequence[RolloutMonth], phase: Phase) -> bool:
    generated, resolved = sum(each.generated for each in states), sum(each.resolved for each in states)
    return generated > 0 and 100 * resolved >= phase.day_holds_at * generated


def _held(decisions: Sequence[RolloutDecision]) -> str:
    last = next((d for d in reversed(decisions) if d.kind is not DecisionKind.APPROVE), None)
    if last is None or last.kind is DecisionKind.RELEASE:
        return ""
    return f"held by {last.by} since {_time(last.at)}: {last.why} (to continue: alexandria rollout release)"


def _closed(each: Gate) -> str:
    if each.state is not GateState.CLOSED:
        return ""
    return f"the gate of phase {each.phase} is closed: {each.summary} (to continue anyway: alexandria rollout approve --reason ...)"


def _why(
    phase: Phase, state: RolloutState, now: datetime, allotment: int, today: Sequence[Month], budget: Budget
) -> str:
    """Returns why no month can start although the rollout is not held."""
    open_months = [state.of(month) for month in _months(phase, now) if state.of(month).status not in TERMINAL]
    if not open_months:
        return f"phase {phase.name}: every month that has ended is done"
    asked = {start.month for start in _last_starts(state.starts).values() if is_open(start, state, now)}
    waiting = [each for each in open_months if each.status != "processing" and each.month not in asked]
    if len(today) >= allotment and any(each.month not in today for each in waiting):
        return f"phase {phase.name}: the {allotment} months of today have started; more at 00:00 UTC"
    if any(_due(each, now) for each in waiting) and not budget.months:
        return (
            f"phase {phase.name}: ISBNdb has {budget.left:.0f} calls left for today, {budget.promised:.0f} more are"
            f" reserved for running months, and a month needs about {budget.per_month:.0f}; more at 00:00 UTC"
        )
    times = [each.next_attempt_at for each in waiting if each.next_attempt_at is not None]
    retry = f"; the next retry is due at {_time(min(times))}" if times else ""
    running = len(open_months) - len(waiting)
    runs = "1 month is running" if running == 1 else f"{running} months are running"
    waits = "1 waits" if len(waiting) == 1 else f"{len(waiting)} wait"
    return f"phase {phase.name}: {runs}, {waits} for a retry{retry}"


def _months(phase: Phase, now: datetime, *, whole: bool = False) -> tuple[Month, ...]:
    """Returns the months of the phase that are over (`whole`: all), in the order in which they start."""
    return phase.months_until(Month.of(_day(now)) - 1, whole=whole)


def _last_starts(starts: Sequence[Start]) -> dict[Month, Start]:
    last: dict[Month, Start] = {}
    for start in starts:
        if start.month not in last or start.attempt > last[start.month].attempt:
            last[start.month] = start
    return last


def _started_on(starts: Sequence[Start], day: date) -> tuple[Month, ...]:
    return tuple(sorted({start.month for start in starts if _day(start.at) == day}, reverse=True))


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
