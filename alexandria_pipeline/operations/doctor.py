"""Diagnosis: checks everything a run depends on, and states for each fault what to do.

Each function checks one subject and returns findings. The composition passes the subjects; the command prints the
findings. A finding `fail` would stop a run or lose its results; a finding `warn` would not.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from alexandria_pipeline.domain.service_answers import NotFound
from alexandria_pipeline.operations.accounting import service_count
from alexandria_pipeline.storage import breaker, health, recovery
from alexandria_pipeline.storage.catalog import Catalog

if TYPE_CHECKING:
    from alexandria_pipeline.providers.base import CallCounter
    from alexandria_pipeline.providers.transport.probe import Probe
    from alexandria_pipeline.providers.transport.types import ServiceConfig
    from alexandria_pipeline.storage.database import Database
    from alexandria_pipeline.storage.quota import QuotaManager

State = Literal["ok", "warn", "fail"]

MIN_VERSION = 150_000  # PostgreSQL 15; the oldest version that the tests of this project have run on
MAX_CLOCK_OFFSET = 60.0  # seconds; send slots and quota days shift by this much
STALE_CATALOG = timedelta(days=90)
LOW_DISK, NO_DISK = 2 * 1024**3, 200 * 1024**2  # bytes; a month needs a few MB, a backfill of 300 months about 1 GB


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `action`: what to do; empty when `state` is ok."""

    check: str
    state: State
    detail: str
    action: str = ""


def check_keys(configs: Mapping[str, ServiceConfig], needed: Iterable[str]) -> Iterator[Finding]:
    """One finding per service that uses a key. A missing key is a warning, because the other services go on."""
    for name in needed:
        config = configs[name]
        if not config.key_variable:
            continue
        if not config.enabled:
            yield Finding(f"key of {name}", "ok", f"{name} is disabled by {config.enabled_variable}")
        elif config.key is None:
            yield Finding(
                f"key of {name}", "warn", f"{name} has no key", f"set {config.key_variable}, if you have a key"
            )
        else:
            yield Finding(f"key of {name}", "ok", f"{config.key_variable} is set")


def check_accepted(counter: CallCounter) -> Finding:
    """Requests the call counter of a service, which is free, to see whether the service accepts the key."""
    name, check = counter.declaration.name, f"{counter.declaration.name} accepts the key"
    answer = service_count(counter)
    if isinstance(answer, int):
        return Finding(check, "ok", f"{name} counts {answer:,} calls today")
    if isinstance(answer, NotFound):
        return Finding(check, "ok", f"{name} has no counter at this address")
    return Finding(check, "fail", answer.reason, "check the key and its plan on the web page of the service")


def check_contact(contact: str | None, needing: Iterable[str]) -> Finding:
    """The free services require a contact, or give clients without one a lower rate."""
    if contact:
        return Finding("contact", "ok", f"the services are given {contact}")
    names = ", ".join(needing)
    return Finding(
        "contact",
        "warn",
        f"no contact is set; {names} reject or slow down clients without one",
        "set ALEXANDRIA_CONTACT to your mail address or web page",
    )


def check_hosts(probes: Mapping[str, Probe]) -> Iterator[Finding]:
    """One finding per service: whether its host answers, and whether its clock agrees with ours."""
    for name, probe in probes.items():
        if probe.problem:
            yield Finding(
                f"host of {name}",
                "fail",
                f"{probe.host}: {probe.problem}",
                f"check the network, a proxy, and ALEXANDRIA_…_BASE_URL of {name}",
            )
        elif probe.clock_offset is not None and abs(probe.clock_offset) > MAX_CLOCK_OFFSET:
            yield _clock(f"clock of {name}", probe.clock_offset, f"{probe.host}")
        else:
            yield Finding(f"host of {name}", "ok", f"{probe.host} answers")


def check_database(database: Database, name: str = "database") -> Iterator[Finding]:
    """Version, rights, extension, size and clock of the database. Raises StorageError."""
    facts = health.database_facts(database)
    old = facts.version < MIN_VERSION
    yield Finding(
        f"{name} version",
        "warn" if old else "ok",
        f"PostgreSQL {facts.version_text} at {database.address}",
        "upgrade to PostgreSQL 15 or newer" if old else "",
    )
    if facts.read_only:
        yield Finding(f"{name} rights", "fail", "the server is a read-only replica", "use the address of the primary")
    elif not (facts.may_create and facts.may_write):
        missing = "create tables" if facts.may_write else "write to the tables"
        yield Finding(
            f"{name} rights", "fail", f"this role may not {missing}", "grant the rights, see docs/operating.md"
        )
    else:
        yield Finding(f"{name} rights", "ok", "this role may create and write tables")
    if facts.has_trigrams:
        yield Finding(f"{name} extension", "ok", "pg_trgm is installed")
    else:
        yield Finding(f"{name} extension", "fail", "pg_trgm is missing", "run as a superuser: create extension pg_trgm")
    yield Finding(f"{name} size", "ok", f"{facts.bytes / 1024**2:,.0f} MB")
    yield _clock(f"clock of the {name}", facts.now.timestamp() - datetime.now(UTC).timestamp(), database.address)


def check_state(database: Database, quota: QuotaManager, services: Iterable[str]) -> Iterator[Finding]:
    """Months of dead runs, unsent alerts, used quotas and open circuit breakers. Raises StorageError."""
    with database.transaction() as tx:
        orphans = recovery.orphans(tx)
    months = ", ".join(str(orphan.month) for orphan in orphans)
    yield Finding(
        "months of dead runs",
        "warn" if orphans else "ok",
        months or "none",
        "start the daemon (make dev); its recovery sensor releases them" if orphans else "",
    )
    unsent = health.unsent_alerts(database)
    yield Finding(
        "unsent alerts",
        "warn" if unsent else "ok",
        str(unsent),
        "start the daemon (make dev), and check ALEXANDRIA_ALERT_URLS" if unsent else "",
    )
    names = list(services)
    states = breaker.states(database, names)
    for name in names:
        status, state = quota.status(name), states.get(name)
        if not status.can_make_calls:
            reason = status.exhausted or "all calls of the safe limit are used"
            yield Finding(
                f"quota of {name}",
                "warn",
                reason,
                f"wait until {status.reset_at:%Y-%m-%d %H:%M} UTC; see alexandria quota",
            )
        elif state is not None and state.breaker != "closed":
            yield Finding(
                f"calls to {name}",
                "warn",
                f"paused until {state.retry_at:%Y-%m-%d %H:%M} UTC: {state.last_error}",
                "calls resume by themselves; see alexandria quota",
            )


def check_catalog(database: Database, now: datetime) -> Finding:
    """Whether the newest imported dump is younger than `STALE_CATALOG`: Open Library publishes one each month."""
    dumps = [row["loaded_at"] for row in Catalog(database).sources() if row["kind"] == "dump"]
    if not dumps:
        return Finding("local catalogue", "ok", "no dump is imported")
    age = now - max(dumps)
    if age <= STALE_CATALOG:
        return Finding("local catalogue", "ok", f"the dump was imported {age.days} days ago")
    return Finding(
        "local catalogue",
        "warn",
        f"the dump was imported {age.days} days ago; newer books are searched by services",
        "download a new dump (https://openlibrary.org/developers/dumps) and run: alexandria catalog import",
    )


def check_models(warnings: Mapping[str, str]) -> Iterator[Finding]:
    """Models that have ended, or that end or change their price soon."""
    for name, warning in warnings.items():
        yield Finding(f"model of {name}", "warn", warning, "set another model")
    if not warnings:
        yield Finding("models", "ok", "no model in use ends or changes its price within 30 days")


def check_disk(folder: Path) -> Finding:
    """The free space where the local data are."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    state: State = "fail" if free < NO_DISK else "warn" if free < LOW_DISK else "ok"
    return Finding(
        "disk", state, f"{free / 1024**3:,.1f} GB free at {place}", "" if state == "ok" else "free space on this disk"
    )


def check_env_file(file: Path) -> Iterator[Finding]:
    """Whether other users can read the file with the keys; nothing without such a file."""
    if file.exists() and file.stat().st_mode & 0o077:
        yield Finding(
            "file .env", "warn", f"other users of this machine can read {file.resolve()}", f"chmod 600 {file.resolve()}"
        )


def check_ports(ports: Mapping[str, int]) -> Iterator[Finding]:
    """Whether the ports of the web pages are free. A used port is a warning: the page may be running already."""
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.settimeout(1)
            used = probe.connect_ex(("127.0.0.1", port)) == 0
        yield Finding(
            f"port {port}",
            "warn" if used else "ok",
            f"used by some program; {name} needs it" if used else f"free for {name}",
            "stop that program, or choose another port" if used else "",
        )


def _clock(check: str, offset: float, of: str) -> Finding:
    wrong = abs(offset) > MAX_CLOCK_OFFSET
    words = f"{of} is {abs(offset):,.0f} s {'ahead of' if offset > 0 else 'behind'} this machine"
    return Finding(
        check,
        "warn" if wrong else "ok",
        words,
        "synchronize the clocks (NTP); quota days depend on them" if wrong else "",
    )
