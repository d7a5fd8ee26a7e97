"""`alexandria rollout`: where the rollout stands, what comes next, and an operator's word about it. Nothing is decided here."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.table import Table

from alexandria_pipeline import composition
from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.cli.output import AsJson, new_table, print_json, print_table
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.rollout.records import DecisionKind, RolloutDecision
from alexandria_pipeline.operations.rollout import Rollout, describe

app = typer.Typer(no_args_is_help=True, help="The backfill by phases: where it stands, what comes next, go on or stop.")

Reason = Annotated[str, typer.Option("--reason", help="Why; kept for good.")]
By = Annotated[str | None, typer.Option("--by", help="Who decides; default: the name you are logged in with.")]


@app.command()
def status(as_json: AsJson = False) -> None:
    """Phases, gates, today's months and calls, and what operators have decided."""
    with _rollout() as rollout:
        answer, decisions = describe(rollout.look()), rollout.decisions()
    said = [_plain(decision) for decision in decisions]
    if as_json:
        print_json({**answer, "decisions": said})
        return
    print_table(_gates(answer))
    _print_today(answer)
    for each in said:
        about = f" {each['phase']}" if each["phase"] else ""
        typer.echo(f"{each['at']}  {each['kind']}{about} by {each['by']}: {each['why'] or '-'}")


@app.command()
def plan(as_json: AsJson = False) -> None:
    """The months that would be started now, or why none would; changes nothing."""
    with _rollout() as rollout:
        answer = describe(rollout.look())
    if as_json:
        print_json(answer)
        return
    for start in answer["starts"]:
        typer.echo(f"{start['month']}  phase {start['phase']}, attempt {start['attempt']}")
    _print_today(answer)


@app.command()
def approve(
    reason: Reason,
    phase: Annotated[str | None, typer.Option(help="Phase by name; default: the one that is at hand.")] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Lets the rollout go past the gate of a phase."""
    _decide(DecisionKind.APPROVE, by, reason, phase, as_json)


@app.command()
def hold(reason: Reason, by: By = None, as_json: AsJson = False) -> None:
    """Starts no more months until `release`; what runs goes on."""
    _decide(DecisionKind.HOLD, by, reason, None, as_json)


@app.command()
def release(reason: Reason = "", by: By = None, as_json: AsJson = False) -> None:
    """Ends a hold."""
    _decide(DecisionKind.RELEASE, by, reason, None, as_json)


def _decide(kind: DecisionKind, by: str | None, why: str, phase: str | None, as_json: bool) -> None:
    with _rollout() as rollout:
        decision = rollout.decide(kind, _login() if by is None else by, why, phase)
        answer = describe(rollout.look())
    if as_json:
        print_json({"decision": _plain(decision), **answer})
        return
    typer.echo(f"Noted: {kind.value}{f' {decision.phase}' if decision.phase else ''}, by {decision.by}.")
    _print_today(answer)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise InvalidValue("nobody is logged in here: say who decides with --by NAME") from None


@contextmanager
def _rollout() -> Iterator[Rollout]:
    with opened_database() as (settings, database):
        yield composition.rollout(settings, database)


def _plain(decision: RolloutDecision) -> dict[str, Any]:
    return {
        "kind": decision.kind.value, "phase": decision.phase, "by": decision.by, "why": decision.why,
        "at": decision.at.isoformat(timespec="seconds"),
    }  # fmt: skip


def _gates(answer: dict[str, Any]) -> Table:
    table = new_table("", "phase", "gate", "months done", "failed", "books", "with ISBN", "rate %", "")
    for gate in answer["gates"]:
        cells: Sequence[object] = (
            gate["phase"], gate["state"], f"{gate['terminal']} of {gate['months']}", gate["failed"], gate["generated"],
            gate["resolved"], "" if gate["resolution_rate"] is None else gate["resolution_rate"], gate["says"],
        )  # fmt: skip
        table.add_row(*map(str, cells))
    return table


def _print_today(answer: dict[str, Any]) -> None:
    calls = answer["isbndb"]
    typer.echo(
        f"Today: {len(answer['started_today'])} of {answer['months_a_day']} months started; ISBNdb: {calls['left_today']}"
        f" calls left for more, about {calls['calls_per_month']:g} a month"
    )
    months = ", ".join(start["month"] for start in answer["starts"])
    typer.echo(f"Next: {months}" if months else f"Waits: {answer['waits']}")
