"""The texts of alerts: one message per cause, with the month, the figures, what to do, and a link.

A cause is a key; one cause gives one alert. `operations/alerting.py` finds the causes and sends the alerts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alexandria_pipeline.domain.ai_models import ModelEnd
from alexandria_pipeline.domain.key_figures import RESOLUTION_RATE_AT_LEAST, SYNTHETIC_SHARE_BELOW
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.quota import QuotaStatus
from alexandria_pipeline.domain.rollout.records import Gate, RolloutDecision

QUOTA_PERCENTS = (80, 50)
"""Percents of the daily safe limit that raise an alert (docs/behaviour.md, "Key figures"); the highest passed one counts."""

MAX_PAUSE = timedelta(hours=1)
"""The time without a response from a service after which an alert is raised."""

MAX_REASON_LENGTH = 600

DO = "What to do: "
WORST = 3  # alerts that a digest shows

_ACTIONS: Mapping[str, str] = {
    "resolution_rate": "alexandria books {month} shows every book and the reason why it has no ISBN",
    "synthetic_share": "alexandria books {month} shows them; the daily enhancement, if it is on, searches for them again",
    "synthetic_share_overall": "alexandria status shows the months with the most; check keys and quotas (alexandria quota)",
    "editions_have_a_work": "restore the last backup: alexandria db restore FILE; then report the fault",
    "one_work_per_isbn": "look at the works: alexandria show WORK_KEY; then alexandria works split or merge",
    "listed_isbns": "the list has a wrong ISBN: alexandria review reject WORK_KEY ISBN --by NAME; then correct the list",
    "fields_have_a_source": "run the assets of the group library again; if it fails again, report the fault",
    "answers_owed": "nothing, if the service answers again: the next run asks. Else: alexandria providers shows the reason",
    "no_resolved_work_is_synthetic": "run resolved_isbns of the month again; if it fails again, report the fault",
    "works_have_authors": "run enriched_authors again, or set them: alexandria lock WORK_KEY authors '[\"NAME\"]'",
    "served_rows_are_current": "run enriched_works again; a change of the rules needs one run of all months",
    "isbns_per_paid_call": "run several months at once (a range of partitions): their editions share paid calls",
    "nothing_lost": "alexandria set-aside shows skipped rows: correct them in the list, then alexandria run {month}."
    " If books are lost, stop the backfill (alexandria rollout hold) and report the fault",
    "one_owner_per_month": "stop the backfill (alexandria rollout hold) and compare the two runs",
    "isbndb_budget": "alexandria quota shows the calls; hold the rollout (alexandria rollout hold) if they are not wanted",
    "call_accounting": "alexandria quota shows both counts; another program may use the same key",
    "no_month_failed": "alexandria status {month} shows the reason. Remove it, then alexandria run {month};"
    " rollout_sensor, if it is on, runs the month again by itself",
}
_TITLES: Mapping[str, str] = {
    "resolution_rate": f"only {{figure:g}} % of the books have an ISBN ({RESOLUTION_RATE_AT_LEAST:g} % required)",
    "synthetic_share": f"{{figure:g}} % of the works have no ISBN (less than {SYNTHETIC_SHARE_BELOW:g} % allowed)",
    "synthetic_share_overall": f"{{figure:g}} % of all works have no ISBN (less than {SYNTHETIC_SHARE_BELOW:g} % allowed)",
    "nothing_lost": "books are lost, or rows of the list were skipped",
    "no_month_failed": "{asset} is not finished",
}
# How many parts of a cause, behind the first, belong to its kind.
_KIND_PARTS: Mapping[str, int] = {"check": 2, "quota": 1, "breaker": 1, "gate": 1, "model": 1}
_LOW_IS_BAD = frozenset({"resolution_rate", "isbns_per_paid_call"})
_DEFAULT_ACTION = "open the run; it shows the figures of the check"


@dataclass(frozen=True, slots=True)
class Alert:
    """One message. `cause` identifies it; `severe` is True when something is broken, False for a warning.

    `badness` orders the alerts of one kind; the highest is the worst.
    """

    cause: str
    title: str
    text: str
    severe: bool = True
    badness: float = 0.0

    @property
    def kind(self) -> str:
        """What alerts of one sort have in common: the check, the service, or that a run or a month failed."""
        sort, *rest = self.cause.split(":")
        return ":".join([sort, *rest[: _KIND_PARTS.get(sort, 0)]])


@dataclass(frozen=True, slots=True)
class Collected:
    """An alert that is sent as a part of a digest. `is_over`: its cause has ended meanwhile."""

    title: str
    text: str
    severe: bool
    badness: float
    happened_at: datetime
    is_over: bool


@dataclass(frozen=True, slots=True)
class FailedMonth:
    """A month that used up its attempts. `claim` counts its runs, so a second failure is another cause."""

    month: Month
    attempts: int
    error: str
    claim: int
    failed_at: datetime
    run_id: str | None


@dataclass(frozen=True, slots=True)
class PausedService:
    """A service that is not called at present; `since` is the time of its last response."""

    service: str
    since: datetime
    now: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Links:
    """Links to pages of the Dagster UI; `base` is its address."""

    base: str

    def run(self, run_id: str | None) -> str:
        base = self.base.rstrip("/")
        return f"{base}/runs/{run_id}" if run_id else f"{base}/runs"

    def asset(self, name: str) -> str:
        return f"{self.base.rstrip('/')}/assets/{name}"


def check_cause(asset: str, check: str, partition: str | None) -> str:
    """Returns the cause of a failed check; it ends when the check passes."""
    return f"check:{asset}:{check}:{partition or 'all'}"


def check_failed(
    asset: str,
    check: str,
    partition: str | None,
    figures: Mapping[str, object],
    link: str,
    *,
    severe: bool,
    reason: str | None = None,
) -> Alert:
    """Builds the alert of a failed check; `figures` are those of its metadata."""
    month = partition or "all months"
    figure = figures.get("figure")
    title = _TITLES.get(check, f"the check {check.replace('_', ' ')} of {asset} failed")
    if figure is None and "{figure" in title:
        title = "no book was listed"
    title = title.format(figure=figure, asset=asset)
    ordered = sorted(figures.items(), key=lambda pair: pair[0] != "figure")
    shown = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in ordered) or "no figure"
    do = _ACTIONS.get(check, _DEFAULT_ACTION).format(month=partition or "")
    detail = f"{_short(reason)}\n" if reason else ""
    return Alert(
        check_cause(asset, check, partition),
        f"{partition}: {title}" if partition else title,
        f"Month: {month}\nCheck: {check} of {asset}\nFigures: {shown}\n{detail}{DO}{do}\n{link}",
        severe,
        badness=(-1.0 if check in _LOW_IS_BAD else 1.0) * float(figure) if isinstance(figure, int | float) else 0.0,
    )


def run_failed(run_id: str, job: str, months: str | None, error: str, link: str) -> Alert:
    """Builds the alert of a failed run; its automatic retries have the same cause. `months`: "2020-06" or "2020-01...2020-12"."""
    again = (
        f"; then alexandria run {months}. rollout_sensor, if it is on, runs unfinished months again by itself"
        if months
        else ""
    )
    return Alert(
        f"run:{run_id}",
        f"run {run_id[:8]} of {job} failed" + (f" ({months})" if months else ""),
        f"Month: {months or 'none in particular'}\n{_short(error)}\n"
        f"{DO}open the run and remove the cause{again}\n{link}",
    )


def month_failed(failed: FailedMonth, link: str) -> Alert:
    """Builds the alert of a month that used up its attempts."""
    month = failed.month
    return Alert(
        f"month-failed:{month}:{failed.claim}",
        f"{month} failed after {failed.attempts} attempts and is not tried again",
        f"Month: {month}\nFigures: {failed.attempts} of {failed.attempts} attempts used\n{_short(failed.error)}\n"
        f"{DO}remove the cause, then alexandria run {month}\n{link}",
    )


def gate_cause(gate: Gate) -> str:
    """Returns the cause of a closed gate; it ends when the gate is passed or approved."""
    return f"gate:{gate.phase}"


def gate_closed(gate: Gate, link: str) -> Alert:
    """Builds the alert of a phase that is done with too few resolved books."""
    return Alert(
        gate_cause(gate),
        f"the rollout stops: the gate of phase {gate.phase} is closed",
        f"Month: all {gate.months} of phase {gate.phase}\nFigures: {gate.summary}\n"
        f"{DO}improve the months (alexandria status), or approve the gate: alexandria rollout approve --reason ...\n{link}",
    )


def rollout_held(decision: RolloutDecision, link: str) -> Alert:
    """Builds the alert of a rollout that an operator holds."""
    at = f"{decision.at:%Y-%m-%d %H:%M} UTC"
    return Alert(
        f"held:{decision.at.isoformat()}",
        f"the rollout is held by {decision.by}",
        f"Month: none is started\nFigures: since {at}\n{_short(decision.why)}\n{DO}alexandria rollout release\n{link}",
        severe=False,
    )


def quota_used(status: QuotaStatus, day: date, link: str) -> Alert | None:
    """Builds the alert of a quota that is used beyond 50 or 80 percent; None below, or without a limit."""
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
        f" {status.daily_limit or 0:,}), resets at {status.reset_at:%H:%M} UTC\n{DO}nothing during a backfill;"
        f" otherwise alexandria quota shows the calls, and alexandria rollout hold stops new months\n{link}",
        severe=passed >= QUOTA_PERCENTS[0],
    )


def breaker_open(paused: PausedService, link: str) -> Alert | None:
    """Builds the alert of a service without a response for more than an hour; None before that."""
    lasted = paused.now - paused.since
    if lasted <= MAX_PAUSE:
        return None
    return Alert(
        f"breaker:{paused.service}:{paused.since.isoformat(timespec='seconds')}",
        f"{paused.service} has not answered for {lasted.total_seconds() / 3600:.1f} hours",
        f"Month: books of all months wait for it\nFigures: no answer since {paused.since:%Y-%m-%d %H:%M} UTC\n"
        f"{_short(paused.error)}\n{DO}check whether the service is down or rejects the key. Calls resume by themselves, at once after"
        f" alexandria services reopen {paused.service}; until then its books are deferred\n{link}",
    )


def model_ended(model: str, end: ModelEnd, link: str) -> Alert:
    """Builds the alert of a model in use that has ended."""
    return Alert(
        f"model:{model}:{end.day}",
        f"the model {model} ended on {end.day}",
        f"Month: every month listed from now on\nFigures: ended on {end.day}, successor {end.successor}\n"
        f"{DO}set {end.setting} to {end.successor} or another current model (see {end.source})\n{link}",
    )


def digest(kind: str, alerts: Sequence[Collected], at: datetime) -> Alert:
    """Builds the one message of a day for the alerts of a kind that were not sent singly: how many, since when, and the worst three."""
    worst = sorted(alerts, key=lambda each: (not each.severe, -each.badness, each.happened_at))
    over = sum(each.is_over for each in alerts)
    first = min(each.happened_at for each in alerts)
    lines = "\n".join(f"- {each.title}{' (over)' if each.is_over else ''}" for each in worst[:WORST])
    _, found, action = worst[0].text.partition(DO)
    return Alert(
        f"digest:{kind}:{at.isoformat(timespec='seconds')}",
        f"{len(alerts)} more alerts of one kind: {worst[0].title}",
        f"{len(alerts)} alerts since {first:%Y-%m-%d %H:%M} UTC, {over} of them over. The worst:\n{lines}\n"
        f"alexandria status shows all months.\n{DO if found else ''}{action}",
        severe=any(each.severe for each in alerts),
    )


def months_in_words(keys: Sequence[str]) -> str | None:
    """Formats the months of a run: "2020-06", or "2020-01...2020-12"; None without months."""
    if not keys:
        return None
    return keys[0] if keys[0] == keys[-1] else f"{keys[0]}...{keys[-1]}"


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= MAX_REASON_LENGTH else text[: MAX_REASON_LENGTH - 1] + "…"
