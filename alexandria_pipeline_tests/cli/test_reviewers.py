"""`alexandria reviewers`: the line for `.env`, and what is refused."""

from __future__ import annotations

import io
import shlex

import argon2
import pytest

from alexandria_pipeline.cli.reviewers import add, list_reviewers
from alexandria_pipeline.domain.errors import InvalidValue, SettingsError
from alexandria_pipeline.domain.reviewers import parse_reviewers
from alexandria_pipeline.settings import load_settings


def _line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, password: str) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    add(name)
    return capsys.readouterr().out.strip()


def test_added_reviewers_are_read_by_the_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ALEXANDRIA_REVIEWERS", raising=False)
    for name in ("anna", "ben@example.org"):
        (line,) = shlex.split(_line(monkeypatch, capsys, name, f"a long password of {name}"))
        variable, _, value = line.partition("=")
        monkeypatch.setenv(variable, value)
    given = load_settings().reviewers
    assert given
    reviewers = parse_reviewers(given.get_secret_value())
    assert list(reviewers) == ["anna", "ben@example.org"]
    assert argon2.PasswordHasher().verify(reviewers["anna"], "a long password of anna")
    list_reviewers()
    assert capsys.readouterr().out == "anna\nben@example.org\n"


def test_what_is_no_reviewer_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidValue, match="at least 10 characters"):
        _line(monkeypatch, capsys, "anna", "short")
    for name in ("an na", "a:b", "a;b", "", "x" * 61):
        with pytest.raises(InvalidValue, match="is not a name"):
            _line(monkeypatch, capsys, name, "a long password")
    hashed = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("a long password")
    for text, reason in (
        ("anna", "not name:hash"),
        ("anna:password1", "not name:hash"),
        (f"a:{hashed};a:{hashed}", "names a twice"),
    ):
        monkeypatch.setenv("ALEXANDRIA_REVIEWERS", text)
        with pytest.raises(SettingsError, match=reason) as error:
            load_settings()
        assert "password1" not in str(error.value)
