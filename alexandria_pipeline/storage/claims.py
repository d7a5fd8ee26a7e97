"""Claims: stores what sources stated, and which requests were made. `served.py` stores what is computed from claims."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.merging.claims import Claim, EntityKind, Fields, Lock, Stated, trust_in
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.queries import Queries
from alexandria_pipeline.storage.run_heartbeat import PREFIX

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("claims")

RESOLUTION = "resolution"
"""The part of the record that the search for the ISBN found."""


@dataclass(frozen=True, slots=True, order=True)
class Request:
    """One answer wanted from a service; `subject` is an ISBN-13 or an author's key."""

    kind: EntityKind
    subject: str
    provider: str
    part: str


def one_writer(tx: Connection) -> None:
    """Waits until no other transaction stores claims or computes from them."""
    tx.execute(_SQL["one_writer"])


def no_writer(tx: Connection) -> None:
    """Waits until no other transaction stores claims or computes from them, but for those that wait with this function."""
    tx.execute(_SQL["no_writer"])


def store(tx: Connection, stated: Sequence[Stated], run_id: str) -> set[tuple[str, str]]:
    """Stores answers with their claims; returns (kind, subject) of those that changed. An equal answer is not stored again."""
    given = [
        {
            "provider": each.provider,
            "kind": each.kind,
            "part": each.part,
            "subject": each.subject,
            "facts": dict(each.facts),
            "digest": _digest(each.facts),
            "api_calls": list(each.calls),
        }
        for each in stated
        if each.facts
    ]
    if not given:
        return set()
    values = {"given": Jsonb(given), "run_id": run_id}
    tx.execute(_SQL["replace"], values)
    return {(row["kind"], row["subject"]) for row in tx.execute(_SQL["add"], values)}


def take(tx: Connection, wanted: Iterable[Request], run_id: str) -> list[Request]:
    """The requests that this run has to make, marked as made by it."""
    listed = [_request(each) for each in wanted]
    rows = (
        tx.execute(_SQL["take"], {"wanted": Jsonb(listed), "run_id": run_id, "prefix": PREFIX}).fetchall()
        if listed
        else []
    )
    return sorted(Request(row["kind"], row["subject"], row["provider"], row["part"]) for row in rows)


def finish(tx: Connection, ended: Mapping[Request, tuple[str, str]]) -> None:
    """Stores outcome and reason of requests."""
    listed = [
        {**_request(each), "outcome": outcome, "reason": reason[:500]} for each, (outcome, reason) in ended.items()
    ]
    tx.execute(_SQL["finish"], {"finished": Jsonb(listed)})


def known_to(tx: Connection, kind: EntityKind, provider: str, part: str, subjects: Collection[str]) -> set[str]:
    """The subjects that the service has answered a request about."""
    values = {"kind": kind, "provider": provider, "part": part, "subjects": list(subjects)}
    return {row["subject"] for row in tx.execute(_SQL["known_to"], values)}


def owed(tx: Connection, months: Sequence[Month]) -> dict[Month, dict[str, int]]:
    """month → service → answers that it owes about the editions, works and authors of the month."""
    found: dict[Month, dict[str, int]] = {month: {} for month in months}
    for row in tx.execute(_SQL["owed"], _months(months)):
        found[Month(row["year"], row["month"])][row["provider"]] = row["requests"]
    return found


def editions_of(tx: Connection, months: Sequence[Month]) -> dict[Month, dict[Isbn13, int]]:
    """The ISBNs of the resolved books of each month, with the id of their work."""
    found: dict[Month, dict[Isbn13, int]] = {month: {} for month in months}
    for row in tx.execute(_SQL["editions_of_months"], _months(months)):
        found[Month(row["year"], row["month"])][Isbn13(row["isbn13"])] = row["work_id"]
    return found


def found_records(tx: Connection, isbns: Collection[Isbn13]) -> list[tuple[Isbn13, str, dict[str, Any]]]:
    """(ISBN, provider, facts as in `resolution.facts_of`) of the searches whose records are not claims yet."""
    rows = tx.execute(_SQL["found_records"], {"isbns": list(isbns)})
    return [(Isbn13(row["isbn13"]), row["provider"], row["candidate"]) for row in rows]


def stored_editions(tx: Connection, isbns: Collection[Isbn13]) -> list[tuple[Isbn13, str, dict[str, Any]]]:
    """The same for editions without claims whose attempts are gone."""
    rows = tx.execute(_SQL["stored_editions"], {"isbns": list(isbns)})
    return [(Isbn13(row["isbn13"]), row["primary_provider"], row) for row in rows]


def claims_of(
    tx: Connection, kind: EntityKind, subjects: Collection[str], fields: Collection[str] | None = None
) -> dict[str, Fields]:
    """The current claims about subjects of a kind, of all fields or of some, by subject and field; of each field the most trusted first."""
    found: dict[str, dict[str, list[Claim]]] = {}
    values = {"kind": kind, "subjects": list(subjects), "fields": None if fields is None else list(fields)}
    rows = tx.execute(_SQL["claims_of"], values).fetchall() if subjects else []
    rows.sort(key=lambda row: trust_in(row["provider"], row["record_id"]))
    for row in rows:
        provider, record, fetched_at, ranks = row["provider"], row["record_id"], row["fetched_at"], row["ranks"] or {}
        about = found.setdefault(row["subject"], {})
        for name, value in row["facts"].items():
            claim = Claim(provider, name, value, record, ranks.get(name, "normal"), fetched_at)
            if name in about:
                about[name].append(claim)
            else:
                about[name] = [claim]
    return dict(found)


def locks_of(tx: Connection, kind: EntityKind, subjects: Collection[str]) -> dict[str, dict[str, Lock]]:
    """The locks in force, by subject and field."""
    found: dict[str, dict[str, Lock]] = defaultdict(dict)
    if tx.execute(_SQL["any_lock"], {"kind": kind}).fetchone() is None:
        return found
    for row in tx.execute(_SQL["locks_of"], {"kind": kind, "subjects": list(subjects)}):
        found[row["subject"]][row["field"]] = Lock(row["value"], nothing=row["value"] is None)
    return found


def set_lock(tx: Connection, kind: EntityKind, subject: str, field: str, lock: Lock | None, by: str) -> None:
    """Sets the lock of a field; None withdraws it."""
    values: dict[str, Any] = {"kind": kind, "subject": subject, "field": field, "by": by}
    tx.execute(_SQL["withdraw_lock"], values)
    if lock is not None:
        tx.execute(_SQL["lock"], {**values, "value": None if lock.nothing else Jsonb(lock.value)})


def judgements(tx: Connection, kind: EntityKind, verdicts: Sequence[str]) -> list[dict[str, Any]]:
    """The judgements in force with one of these verdicts."""
    return tx.execute(_SQL["judgements"], {"kind": kind, "verdicts": list(verdicts)}).fetchall()


def judge(
    tx: Connection,
    kind: EntityKind,
    left: str,
    right: str,
    verdict: str,
    rule: str,
    by: str,
    evidence: Mapping[str, Any],
) -> None:
    """Stores a judgement about two keys; an earlier one about them is withdrawn."""
    values: dict[str, Any] = {"kind": kind, "left": left, "right": right}
    tx.execute(_SQL["withdraw_judgement"], values)
    tx.execute(_SQL["judge"], {**values, "verdict": verdict, "rule": rule, "by": by, "evidence": Jsonb(dict(evidence))})


def judgements_of(tx: Connection, by: str, most: int) -> list[dict[str, Any]]:
    """The newest judgements in force of a person, newest first: id, kind, both keys, verdict and time."""
    return tx.execute(_SQL["judgements_of"], {"by": by, "most": most}).fetchall()


def judgement_of_pair(tx: Connection, kind: EntityKind, left: str, right: str) -> dict[str, Any] | None:
    """The judgement in force about two keys: its id, its verdict and who made it."""
    return tx.execute(_SQL["judgement_of_pair"], {"kind": kind, "left": left, "right": right}).fetchone()


def withdraw_judgement(tx: Connection, kind: EntityKind, judgement_id: int, left: str, right: str) -> None:
    """Withdraws a judgement; the one that it replaced is in force again."""
    before = tx.execute(_SQL["judgement_before"], {"judgement_id": judgement_id}).fetchone()
    if before is None:
        tx.execute(_SQL["withdraw_judgement"], {"kind": kind, "left": left, "right": right})
    else:
        judge(tx, kind, left, right, before["verdict"], before["rule"], before["decided_by"], before["evidence"])


def _request(request: Request) -> dict[str, str]:
    return {"kind": request.kind, "subject": request.subject, "provider": request.provider, "part": request.part}


def _months(months: Sequence[Month]) -> dict[str, list[int]]:
    return {"years": [month.year for month in months], "months": [month.month for month in months]}


def _digest(facts: Sequence[tuple[str, Any]]) -> str:
    return sha256(json.dumps(sorted(facts), sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:32]
