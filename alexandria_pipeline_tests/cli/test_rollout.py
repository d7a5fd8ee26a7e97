"""`alexandria rollout` as a person types it."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alexandria_pipeline.cli.app import main
from alexandria_pipeline_tests.world import rows

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def rollout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str
) -> Command:
    """Types `alexandria rollout …`; gives exit status, output and complaint."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALEXANDRIA_DATABASE_URL", database_url)

    def type_in(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["alexandria", "rollout", *words])
        capsys.readouterr()
        try:
            main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0
        else:
            status = 0
        return status, *capsys.readouterr()

    return type_in


def _json(answer: tuple[int, str, str]) -> Any:
    assert answer[0] == 0, answer[2]
    return json.loads(answer[1])


def test_status_shows_phases_gates_and_what_comes_next(rollout: Command) -> None:
    status, message, _ = rollout("status")
    assert status == 0
    for word in ("validation", "scale", "historical", "current", "ahead", "0 of 12", "Today: 0 of 5 months started"):
        assert word in message
    assert "Next: 2020-12, 2020-11, 2020-10, 2020-09, 2020-08" in message


def test_a_plan_changes_nothing(rollout: Command, database_url: str) -> None:
    first, second = _json(rollout("plan", "--json")), _json(rollout("plan", "--json"))
    assert first == second
    assert (first["phase"], len(first["starts"]), first["started_today"]) == ("validation", 5, [])
    assert "2020-12  phase validation, attempt 1" in rollout("plan")[1]


def test_hold_and_release(rollout: Command) -> None:
    status, message, _ = rollout("hold", "--reason", "the key is being changed", "--by", "ada")
    assert status == 0
    assert "Recorded: hold, by ada." in message
    assert "Waits: held by ada since" in message
    assert "the key is being changed" in message
    assert _json(rollout("plan", "--json"))["starts"] == []
    assert len(_json(rollout("release", "--json"))["starts"]) == 5
    shown = _json(rollout("status", "--json"))["decisions"]
    assert [(each["kind"], each["by"]) for each in shown] == [("hold", "ada"), ("release", getpass.getuser())]
    assert "hold by ada: the key is being changed" in rollout("status")[1]


def test_approve_takes_the_phase_at_hand_and_goes_on(rollout: Command) -> None:
    shown = _json(rollout("approve", "--reason", "seen by hand", "--json"))
    assert (shown["decision"]["phase"], shown["decision"]["by"]) == ("validation", getpass.getuser())
    assert (shown["phase"], shown["gates"][0]["state"]) == ("scale", "approved")
    assert _json(rollout("approve", "--reason", "as well", "--phase", "historical", "--json"))["phase"] == "scale"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("approve",), "Missing option '--reason'"),
        (("hold",), "Missing option '--reason'"),
        (("hold", "--reason", " "), "a decision needs a name and a reason"),
        (("approve", "--reason", "why", "--by", ""), "a decision needs a name and a reason"),
        (
            ("approve", "--reason", "why", "--phase", "second"),
            "second is not a phase of the rollout; the phases are validation, scale",
        ),
    ],
)
def test_wrong_use_changes_nothing(rollout: Command, database: Any, words: tuple[str, ...], complaint: str) -> None:
    status, _, message = rollout(*words)
    assert status == 2
    assert complaint in message
    assert rows(database, "select 1 from rollout_decision") == []


def test_the_table_is_a_setting(rollout: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    phases = [{"name": "mine", "months": ["2001-01...2001-03"], "per_day": 2, "isbndb_a_day": 50}]
    monkeypatch.setenv("ALEXANDRIA_ROLLOUT_PHASES", json.dumps(phases))
    monkeypatch.setenv("ALEXANDRIA_ROLLOUT_CALLS_PER_MONTH", "20")
    shown = _json(rollout("plan", "--json"))
    assert [start["month"] for start in shown["starts"]] == ["2001-03", "2001-02"]
    monkeypatch.setenv("ALEXANDRIA_ROLLOUT_ISBNDB_A_DAY", "20")
    assert len(_json(rollout("plan", "--json"))["starts"]) == 1
    monkeypatch.setenv("ALEXANDRIA_ROLLOUT_PHASES", "2001")
    assert "ALEXANDRIA_ROLLOUT_PHASES" in rollout("plan")[2]
    monkeypatch.setenv("ALEXANDRIA_ROLLOUT_PHASES", "[{")
    assert "ALEXANDRIA_ROLLOUT_PHASES is not a JSON list" in rollout("plan")[2]
    monkeypatch.setenv("ALEXANDRIA_ROLLOUT_PHASES", '[{"name": "mine", "months": ["2001-13"], "per_day": 0}]')
    message = rollout("plan")[2]
    assert "2001-13 is not a month" in message
    assert "ALEXANDRIA_ROLLOUT_PHASES (entry 1: per_day)" in message
