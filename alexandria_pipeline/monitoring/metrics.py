"""The metrics for Prometheus: gauges for present values, counters for values that only grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alexandria_pipeline.domain.calls import ServiceState
from alexandria_pipeline.monitoring.figures import by_status
from alexandria_pipeline.storage.monitoring import MonthProgress, ServiceCosts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # the format of `generate_latest`


@dataclass(frozen=True, slots=True)
class Measured:
    """All measured values, read in one transaction. `works` and `synthetic` cover the whole table; `limits`: safe calls per day.

    `on_hold`: services that requested a pause; `unsent_alerts`: alerts that no receiver has got.
    """

    months: Sequence[MonthProgress]
    works: int
    synthetic: int
    spendings: Sequence[ServiceCosts]
    used_today: Mapping[str, int]
    limits: Mapping[str, int]
    services: Mapping[str, ServiceState]
    on_hold: Mapping[str, bool]
    unsent_alerts: int


def exposition(measured: Measured) -> bytes:
    """Returns the metrics in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Families(measured))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        yield from self._books()
        yield from self._quotas()
        yield from self._spent()

    def _books(self) -> Iterator[Metric]:
        m = self._measured
        yield _gauge("months", "Months of the backfill by status.", "status", by_status(m.months))
        yield _plain("books", "Books listed, after de-duplication.", sum(s.books for s in m.months))
        yield _plain("books_resolved", "Listed books with an ISBN.", sum(s.resolved for s in m.months))
        yield _plain("books_deferred", "Listed books that wait for a service.", sum(s.deferred for s in m.months))
        if ended := [s.completed_at for s in m.months if s.completed_at]:
            yield _plain("last_completed_timestamp_seconds", "When a month was completed last.", max(ended).timestamp())
        yield _plain("alerts_unsent", "Alerts that no receiver has got.", m.unsent_alerts)
        yield _plain("works", "Works in the table.", m.works)
        yield _plain("works_synthetic", "Works without an ISBN.", m.synthetic)

    def _quotas(self) -> Iterator[Metric]:
        m = self._measured
        used = {**dict.fromkeys(m.limits, 0), **m.used_today}
        yield _gauge("quota_used", "Calls of today's quota (UTC).", "service", used)
        yield _gauge("quota_limit", "Calls a day that we allow ourselves.", "service", m.limits)
        not_closed = {name: int(state.breaker != "closed") for name, state in m.services.items()}
        yield _gauge("breaker_open", "1 while a service is not called after failures in a row.", "service", not_closed)
        held = {name: int(on_hold) for name, on_hold in m.on_hold.items()}
        yield _gauge("service_on_hold", "1 while a service has asked for a pause (429).", "service", held)

    def _spent(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            _name("calls"), "HTTP attempts by service and outcome.", labels=["service", "outcome"]
        )
        tokens = CounterMetricFamily(_name("tokens"), "Tokens of AI services.", labels=["service", "direction"])
        cost = CounterMetricFamily(_name("cost_usd"), "Money spent, in US dollars.", labels=["service"])
        unpriced = CounterMetricFamily(
            _name("unpriced_calls"),
            "Calls of AI models without a known price; their cost is unknown.",
            labels=["service"],
        )
        for spent in self._measured.spendings:
            for outcome, count in sorted(spent.calls.items()):
                calls.add_metric([spent.service, outcome], count)
            tokens.add_metric([spent.service, "input"], spent.input_tokens)
            tokens.add_metric([spent.service, "output"], spent.output_tokens)
            cost.add_metric([spent.service], float(spent.cost_usd))
            unpriced.add_metric([spent.service], spent.unpriced)
        yield from (calls, tokens, cost, unpriced)


def _name(name: str) -> str:
    return f"alexandria_{name}"


def _plain(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(_name(name), meaning, value=value)


def _gauge(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(_name(name), meaning, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
