"""`alexandria rollout`: the state and plan of the rollout, and operator decisions."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.table import Table

from alexandria_pipeline import composition
from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.cli.output import AsJson, new_table, print_json, print_table, say
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.rollout.records import DecisionKind, RolloutDecision
from alexandria_pipeline.operations.rollout import Rollout, describe

app = typer.Typer(no_args_is_help=True, help="The backfill by phases: state, next months, and operator decisions.")

Reason = Annotated[str, typer.Option("--reason", help="Reason; stored.")]
By = Annotated[str | None, typer.Option("--by", help="Name of the person who decides; default: your login name.")]


@app.command()
def status(as_json: AsJson = False) -> None:
    """Shows phases, gates, the months and calls of today, and operator decisions."""
    with _rollout() as rollout:
        answer, decisions = describe(rollout.plan()), rollout.decisions()
    rows = [_plain(decision) for decision in decisions]
    if as_json:
        print_json({**answer, "decisions": rows})
        return
    print_table(_gates(answer))
    _print_today(answer)
    for each in rows:
        about = f" {each['phase']}" if each["phase"] else ""
        say(f"{each['at']}  {each['kind']}{about} by {each['by']}: {each['why'] or '-'}")


@app.command()
def plan(as_json: AsJson = False) -> None:
    """Shows the months that would start now, or why none would; changes nothing."""
    with _rollout() as rollout:
        answer = describe(rollout.plan())
    if as_json:
        print_json(answer)
        return
    for start in answer["starts"]:
        say(f"{start['month']}  phase {start['phase']}, attempt {start['attempt']}")
    _print_today(answer)


@app.command()
def approve(
    reason: Reason,
    phase: Annotated[str | None, typer.Option(help="Name of the phase; default: the first that is not passed.")] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Approves the gate of a phase, so that the next phase can start."""
    _decide(DecisionKind.APPROVE, by, reason, phase, as_json)


@app.command()
def hold(reason: Reason, by: By = None, as_json: AsJson = False) -> None:
    """Starts no more months until `release`; running months continue."""
    _decide(DecisionKind.HOLD, by, reason, None, as_json)


@app.command()
def release(reason: Reason = "", by: By = None, as_json: AsJson = False) -> None:
    """Ends a hold."""
    _decide(DecisionKind.RELEASE, by, reason, None, as_json)


def _decide(kind: DecisionKind, by: str | None, why: str, phase: str | None, as_json: bool) -> None:
    with _rollout() as rollout:
        decision = rollout.decide(kind, _login() if by is None else by, why, phase)
        answer = describe(rollout.plan())
    if as_json:
        print_json({"decision": _plain(decision), **answer})
        return
    say(f"Recorded: {kind.value}{f' {decision.phase}' if decision.phase else ''}, by {decision.by}.")
    _print_today(answer)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise InvalidValue("there is no login name here; give the name with --by NAME") from None


@contextmanager
def _rollout() -> Iterator[Rollout]:
    with opened_database(plans=True) as (settings, database):
        yield composition.rollout(settings, database)


def _plain(decision: RolloutDecision) -> dict[str, Any]:
    return {
        "kind": decision.kind.value,
        "phase": decision.phase,
        "by": decision.by,
        "why": decision.why,
        "at": decision.at.isoformat(timespec="seconds"),
    }


def _gates(answer: dict[str, Any]) -> Table:
    table = new_table("", "phase", "gate", "months", "failed", "books", "with ISBN", "rate %", "")
    for gate in answer["gates"]:
        cells: Sequence[object] = (
            gate["phase"],
            gate["state"],
            f"{gate['terminal']} of {gate['months']} done",
            gate["failed"],
            gate["generated"],
            gate["resolved"],
            "" if gate["resolution_rate"] is None else gate["resolution_rate"],
            gate["says"],
        )
        table.add_row(*map(str, cells))
    return table


def _print_today(answer: dict[str, Any]) -> None:
    calls = answer["isbndb"]
    say(
        f"Today: {len(answer['started_today'])} of {answer['months_a_day']} months started; ISBNdb: {calls['left_today']}"
        f" calls left for further months, about {calls['calls_per_month']:g} per month"
    )
    months = ", ".join(start["month"] for start in answer["starts"])
    say(f"Next: {months}" if months else f"Waits: {answer['waits']}")
