"""Explains how a book got its ISBN, or why it has none: attempts with evidence, calls, and review decisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.explanations import explained
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage import explain as store
from alexandria_pipeline.storage.database import Database

Fields = dict[str, Any]


def explain(database: Database, about: str) -> list[Fields]:
    """Returns the books of a month ("2020-08") or of a work (its key), JSON-ready, with attempts, calls and decisions.

    An attempt has the nearest candidate of the service, the evidence with its points, the reason in words, and the
    calls that the same service got from the same run. Raises InvalidValue when `about` is neither a month nor the key of
    a listed work.
    """
    with database.transaction() as tx:
        books = store.books_of_month(tx, Month.parse(about)) if _is_month(about) else store.books_of_work(tx, about)
        if not books and not _is_month(about):
            raise InvalidValue(
                f"{about!r} is neither a month such as 2020-08 nor the key of a listed work;"
                " `alexandria books MONTH --json` shows the keys of a month"
            )
        works = {book["work_id"] for book in books if book["work_id"] is not None}
        attempts, calls = _by_work(store.attempts(tx, works)), _by_work(store.calls(tx, works))
        decisions = _by_work(store.decisions(tx, works))
    return [
        {
            **_book(book),
            "attempts": _with_calls(attempts[book["work_id"]], calls[book["work_id"]]),
            "decisions": [_decision(row) for row in decisions[book["work_id"]]],
        }
        for book in books
    ]


def _is_month(about: str) -> bool:
    try:
        Month.parse(about)
    except InvalidValue:
        return False
    return True


def _by_work(rows: Iterable[Fields]) -> dict[int | None, list[Fields]]:
    found: dict[int | None, list[Fields]] = defaultdict(list)
    for row in rows:
        found[row["work_id"]].append(row)
    return found


def _book(row: Fields) -> Fields:
    names = ("title", "author", "work_key", "outcome", "isbn13", "provider", "confidence", "reason")
    return {
        "month": str(Month(row["year"], row["month"])),
        **{name: row[name] for name in names},
        "decided_at": _time(row["decided_at"]),
    }


def _with_calls(rows: list[Fields], calls: list[Fields]) -> list[Fields]:
    """Assigns each call to the first attempt of the same service and run that was stored after the call."""
    left = list(calls)
    attempts = []
    for row in rows:
        mine = [call for call in left if _made_for(call, row)]
        left = [call for call in left if call not in mine]
        attempts.append(
            {
                "provider": row["provider"],
                "outcome": row["outcome"],
                "reason": row["reason"],
                "isbn13": row["isbn13"],
                "words": explained(row["outcome"], row["reason"], row["provider"]),
                "confidence": row["confidence"],
                "candidate": row["candidate"] or None,
                "evidence": _evidence(row["evidence"]),
                "calls": [_call(call) for call in mine],
                "run_id": row["run_id"],
                "attempted_at": _time(row["attempted_at"]),
            }
        )
    return attempts


def _made_for(call: Fields, attempt: Fields) -> bool:
    same = call["service"] == attempt["provider"] and call["run_id"] == attempt["run_id"]
    return bool(same and call["called_at"] <= attempt["attempted_at"])


def _evidence(lines: Iterable[tuple[str, str, int]]) -> list[Fields]:
    return [{"name": name, "detail": detail, "points": points} for name, detail, points in lines]


def _call(row: Fields) -> Fields:
    names = ("service", "method", "url", "attempt", "status", "outcome", "latency_ms", "error")
    return {**{name: row[name] for name in names}, "called_at": _time(row["called_at"])}


def _decision(row: Fields) -> Fields:
    return {
        "decision": row["decision"],
        "isbn13": row["isbn13"],
        "by": row["decided_by"],
        "why": row["why"],
        "decided_at": _time(row["decided_at"]),
    }


def _time(moment: Any) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
