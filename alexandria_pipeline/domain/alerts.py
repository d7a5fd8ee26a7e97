"""What people are told: for each cause one message with the figure, the month, what to do, and a link.

Wording and causes only. A cause is a key: the same cause is told once. Who sees it is `stages.watch`, who is told is a
setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alexandria_pipeline.domain.ai_models import ModelEnd
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.quota import QuotaStatus
from alexandria_pipeline.domain.rollout.records import Gate, RolloutDecision

QUOTA_PERCENTS = (80, 50)
"""Percents of the daily safe limit that somebody should know of (docs/behaviour.md, "Key figures"); the highest passed one counts."""

SHUT_FOR = timedelta(hours=1)
"""How long a service may be left alone before somebody should look."""

MAX_REASON_LENGTH = 600

_DO: Mapping[str, str] = {
    "resolution_rate": "alexandria books {month} shows every book and why it has no ISBN",
    "synthetic_share": "alexandria books {month} shows them; the daily enhancement looks for them again",
    "synthetic_share_overall": "alexandria status shows the months with the most; check keys and quotas (alexandria quota)",
    "nothing_lost": "run all assets of the month again; if it stays, do not go on with the backfill",
    "one_owner_per_month": "stop the backfill and look at the two runs; no month may be worked on twice",
    "isbndb_budget": "alexandria quota shows the calls; hold the rollout (alexandria rollout hold) if they are not wanted",
    "call_accounting": "alexandria quota shows both counts; somebody else may be using the key",
    "no_month_failed": "alexandria status {month} says where the month stands; it is tried again by itself",
}
_DO_OTHERWISE = "the run shows what the check has seen"


@dataclass(frozen=True, slots=True)
class Alert:
    """One message: `cause` tells it from all others, `severe` whether something is broken or only to be watched."""

    cause: str
    title: str
    text: str
    severe: bool = True


@dataclass(frozen=True, slots=True)
class FailedMonth:
    """A month that nobody tries again; `claim` counts its runs, so that a second failing is another cause."""

    month: Month
    attempts: int
    error: str
    claim: int
    failed_at: datetime
    run_id: str | None


@dataclass(frozen=True, slots=True)
class PausedService:
    """A service that is left alone, with the time since which nothing has come back from it."""

    service: str
    since: datetime
    now: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Links:
    """Where the pages of Dagster are; `base` is the address people open."""

    base: str

    def run(self, run_id: str | None) -> str:
        base = self.base.rstrip("/")
        return f"{base}/runs/{run_id}" if run_id else f"{base}/runs"

    def asset(self, name: str) -> str:
        return f"{self.base.rstrip('/')}/assets/{name}"


def check_cause(asset: str, check: str, partition: str | None) -> str:
    """The cause that a failed check is, until it passes."""
    return f"check:{asset}:{check}:{partition or 'all'}"


def check_failed(
    asset: str,
    check: str,
    partition: str | None,
    figures: Mapping[str, object],
    link: str,
    *,
    severe: bool,
    says: str | None = None,
) -> Alert:
    """A check did not hold; `figures` are those of its metadata."""
    month = partition or "all months"
    ordered = sorted(figures.items(), key=lambda pair: pair[0] != "figure")
    shown = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in ordered) or "no figure"
    do = _DO.get(check, _DO_OTHERWISE).format(month=partition or "")
    reason = f"{_short(says)}\n" if says else ""
    return Alert(
        check_cause(asset, check, partition),
        f"{check.replace('_', ' ')} of {asset} does not hold for {month}: {shown.split(',')[0]}",
        f"Month: {month}\nFigures: {shown}\n{reason}What to do: {do}\n{link}",
        severe,
    )


def run_failed(run_id: str, job: str, months: str | None, error: str, link: str) -> Alert:
    """A run ended badly; its automatic retries are the same cause."""
    return Alert(
        f"run:{run_id}",
        f"run {run_id[:8]} of {job} failed" + (f" ({months})" if months else ""),
        f"Month: {months or 'none in particular'}\n{_short(error)}\n"
        "What to do: open the run; months that it could not finish are tried again by themselves\n" + link,
    )


def month_failed(failed: FailedMonth, link: str) -> Alert:
    """A month used up its attempts."""
    month = failed.month
    return Alert(
        f"month-failed:{month}:{failed.claim}",
        f"{month} failed for good after {failed.attempts} attempts",
        f"Month: {month}\nFigures: {failed.attempts} of {failed.attempts} attempts used\n{_short(failed.error)}\n"
        f"What to do: mend the cause, then run the month again (UI, or dagster asset materialize --partition {month})\n{link}",
    )


def gate_cause(gate: Gate) -> str:
    """The cause that a closed gate is, until it is passed or approved."""
    return f"gate:{gate.phase}"


def gate_closed(gate: Gate, link: str) -> Alert:
    """A phase is done and its figures do not hold."""
    return Alert(
        gate_cause(gate),
        f"the rollout stops: the gate of phase {gate.phase} is closed",
        f"Month: all {gate.months} of phase {gate.phase}\nFigures: {gate.says}\n"
        f"What to do: improve the months (alexandria status), or let it go on: alexandria rollout approve --reason ...\n{link}",
    )


def rollout_held(decision: RolloutDecision, link: str) -> Alert:
    """An operator stopped the rollout: everybody should know."""
    at = f"{decision.at:%Y-%m-%d %H:%M} UTC"
    return Alert(
        f"held:{decision.at.isoformat()}",
        f"the rollout is held by {decision.by}",
        f"Month: none is started\nFigures: since {at}\n{_short(decision.why)}\nWhat to do: alexandria rollout release\n{link}",
        severe=False,
    )


def quota_used(status: QuotaStatus, day: date, link: str) -> Alert | None:
    """More than 50 or 80 percent of a day's safe limit are used; None below, and without a limit."""
    if not status.safety_limit:
        return None
    percent = 100 * status.used / status.safety_limit
    passed = next((limit for limit in QUOTA_PERCENTS if percent > limit), None)
    if passed is None:
        return None
    return Alert(
        f"quota:{status.service}:{day}:{passed}",
        f"{status.service}: {percent:.0f} % of today's calls are used",
        f"Month: all that run today\nFigures: {status.used:,} of {status.safety_limit:,} safe calls on {day} (limit"
        f" {status.daily_limit or 0:,}), anew at {status.reset_at:%H:%M} UTC\nWhat to do: nothing if a backfill is on;"
        f" else alexandria quota, and alexandria rollout hold\n{link}",
        severe=passed >= QUOTA_PERCENTS[0],
    )


def breaker_open(shut: PausedService, link: str) -> Alert | None:
    """A service has not answered for more than an hour; None before that."""
    lasted = shut.now - shut.since
    if lasted <= SHUT_FOR:
        return None
    return Alert(
        f"breaker:{shut.service}:{shut.since.isoformat(timespec='seconds')}",
        f"{shut.service} has not answered for {lasted.total_seconds() / 3600:.1f} hours",
        f"Month: books of all months wait for it\nFigures: no answer since {shut.since:%Y-%m-%d %H:%M} UTC\n"
        f"{_short(shut.error)}\nWhat to do: see whether the service is down or the key is refused; it is asked again by"
        f" itself, its books are deferred until then\n{link}",
    )


def model_ended(model: str, end: ModelEnd, link: str) -> Alert:
    """A model in use is past its end."""
    return Alert(
        f"model:{model}:{end.day}",
        f"the model {model} ended on {end.day}",
        f"Month: all that are listed from now on\nFigures: ended on {end.day}, heir {end.successor}\n"
        f"What to do: set {end.setting} to {end.successor} or another current model (see {end.source})\n{link}",
    )


def months_in_words(keys: Sequence[str]) -> str | None:
    """The months of a run, short: "2020-06", or "2020-01 ... 2020-12"."""
    if not keys:
        return None
    return keys[0] if len(keys) == 1 else f"{keys[0]} ... {keys[-1]}"


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= MAX_REASON_LENGTH else text[: MAX_REASON_LENGTH - 1] + "…"
