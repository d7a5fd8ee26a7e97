"""`alexandria doctor`: what it finds in a good and in a faulty set-up, its exit status, and that no secret is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alexandria_pipeline.cli.app import main
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.upstream.server import StandIn

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)

Diagnose = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def diagnose(
    database_url: str, upstream_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Diagnose:  # fmt: skip
    """Exit status and findings by name, with the given variables set."""

    def run(*words: str, **variables: str) -> tuple[int, dict[str, Any]]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["alexandria", "doctor", *words, "--json"])
            patch.setenv("ALEXANDRIA_DATABASE_URL", database_url)
            for name, value in variables.items():
                patch.setenv(name, value)
            capsys.readouterr()
            status = 0
            try:
                main()
            except SystemExit as end:
                status = int(end.code or 0)
        answer = json.loads(capsys.readouterr().out)
        assert answer["ok"] is (status == 0)
        return status, {finding["check"]: finding for finding in answer["findings"]}

    return run


def test_a_good_set_up_has_no_fault(diagnose: Diagnose) -> None:
    status, findings = diagnose(ALEXANDRIA_CONTACT="you@example.org")
    assert status == 0
    assert findings["isbndb accepts the key"]["state"] == "ok"
    assert findings["host of open-library"]["state"] == "ok"
    assert findings["database rights"]["state"] == "ok"
    assert all(finding["action"] for finding in findings.values() if finding["state"] != "ok")


def test_a_rejected_key_is_a_fault_and_is_not_printed(diagnose: Diagnose) -> None:
    status, findings = diagnose(ISBNDB_API_KEY="wrong-key-is-secret")
    assert status == 1
    assert findings["isbndb accepts the key"]["state"] == "fail"
    assert "wrong-key-is-secret" not in json.dumps(findings)


def test_offline_sends_nothing(diagnose: Diagnose, upstream: StandIn) -> None:
    status, findings = diagnose("--offline")
    assert (status, [meter.spent for meter in upstream.meters.values() if meter.spent]) == (0, [])
    assert not [name for name in findings if name.startswith("host of")]


@pytest.mark.parametrize(("age", "state"), [("89 days", "ok"), ("91 days", "warn")])
def test_an_old_dump_is_named(diagnose: Diagnose, database: Database, age: str, state: str) -> None:
    with database.transaction() as tx:
        tx.execute(
            "insert into catalog_load (name, digest, editions, set_aside, kind, loaded_at)"
            " values ('dump', 'd', 1, 0, 'dump', now() - %s::interval)",
            [age],
        )
    status, findings = diagnose("--offline", ALEXANDRIA_CONTACT="you@example.org")
    assert (status, findings["local catalogue"]["state"]) == (0, state)


def test_a_host_that_does_not_answer(diagnose: Diagnose) -> None:
    status, findings = diagnose(ALEXANDRIA_WIKIDATA_BASE_URL="http://127.0.0.1:9/sparql")
    assert status == 1
    assert findings["host of wikidata"]["detail"].startswith("127.0.0.1:9: no connection")


def test_a_database_that_does_not_answer(diagnose: Diagnose) -> None:
    status, findings = diagnose("--offline", ALEXANDRIA_DATABASE_URL="postgresql://a@127.0.0.1:9/a")
    assert (status, findings["database"]["state"]) == (1, "fail")


def test_wrong_settings_are_one_fault(diagnose: Diagnose) -> None:
    status, findings = diagnose("--offline", ALEXANDRIA_BOOKS_IN_FLIGHT="many")
    assert (status, list(findings)) == (1, ["settings"])
    assert "ALEXANDRIA_BOOKS_IN_FLIGHT" in findings["settings"]["detail"]


def test_a_key_from_a_file(diagnose: Diagnose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "xai_key"
    secret.write_text("xai-secret\n")
    monkeypatch.delenv("XAI_API_KEY", raising=False)
    _, findings = diagnose("--offline", XAI_API_KEY_FILE=str(secret))
    assert findings["key of xai"]["state"] == "ok"
    secret.unlink()
    status, findings = diagnose("--offline", XAI_API_KEY_FILE=str(secret))
    assert (status, list(findings)) == (1, ["settings"])
    assert "XAI_API_KEY_FILE" in findings["settings"]["detail"]
