"""Metadata of resolution: confidences, outcomes per service, and the run time compared with the rate limits."""

from collections import Counter
from typing import Any

import dagster as dg

from alexandria_pipeline.composition import Pipeline
from alexandria_pipeline.domain.matching.verdict import THRESHOLDS
from alexandria_pipeline.domain.resolution_stats import histogram, minimum_seconds
from alexandria_pipeline.orchestration.charts import bar_chart
from alexandria_pipeline.orchestration.reporting import add_metadata, show
from alexandria_pipeline.stages.runner import StageReport
from alexandria_pipeline.storage import resolution

_ANSWERS = ("asked", "found", "no", "failed", "unavailable")


def show_resolution(context: dg.AssetExecutionContext, result: StageReport, pipeline: Pipeline) -> None:
    """Adds the counts and confidences of each month to its partition, and the figures of the run to every partition."""
    show(context, result, rows="editions")
    months = list(result.done)
    with pipeline.database.transaction() as tx:
        sure = resolution.confidences(tx, months)
    whole = _of_run(result, pipeline, Counter(confidence for month in months for confidence in sure[month]))
    shown = {}
    for month in months:
        own = {"confidence": _histogram(f"Confidence of the ISBNs of {month}", Counter(sure[month]))}
        shown[month] = {**own, **whole}
    add_metadata(context, shown)


def _of_run(result: StageReport, pipeline: Pipeline, sure: Counter[int]) -> dict[str, Any]:
    """Returns `run_seconds`, `run_bound_seconds` (the minimum by rate limits), `run_bound_by`, `run_wall_over_bound`, and more."""
    counts: Counter[str] = Counter()
    for month in result.done.values():
        counts.update({name: value for name, value in month.items() if isinstance(value, int)})
    calls = {name.removeprefix("calls_"): count for name, count in counts.items() if name.startswith("calls_")}
    shown: dict[str, Any] = {"run_seconds": round(result.seconds, 1)}
    least, slowest = minimum_seconds(calls, pipeline.resolve.allowances)
    if slowest:
        shown |= {
            "run_bound_seconds": round(least, 1),
            "run_bound_by": slowest,
            "run_wall_over_bound": round(result.seconds / least, 2),
        }
    services = _services(counts, calls)
    if services:
        shown["run_services"] = dg.MetadataValue.table(services)
    if len(result.done) > 1:
        shown["run_confidence"] = _histogram("Confidence of the ISBNs of all months of the run", sure)
    return shown


def _services(counts: Counter[str], calls: dict[str, int]) -> list[dg.TableRecord]:
    """Returns one row per service, the most asked first."""
    names = {name.split("_", 1)[1] for name in counts if name.split("_", 1)[0] in _ANSWERS and "_" in name}
    asked = {name for name in names if counts[f"asked_{name}"] or counts[f"unavailable_{name}"]}
    books = sum(counts[outcome] for outcome in ("resolved", "not_found", "deferred"))
    return [
        dg.TableRecord(
            {"service": name}
            | {answer: counts[f"{answer}_{name}"] for answer in _ANSWERS}
            | {"calls": calls.get(name, 0)}
            | {"calls_per_book": round(calls.get(name, 0) / books, 3) if books else 0.0}
        )
        for name in sorted(asked, key=lambda name: (-counts[f"asked_{name}"], name))
    ]


def _histogram(title: str, sure: Counter[int]) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(bar_chart(title, histogram(sure.elements(), THRESHOLDS["accept"])))
