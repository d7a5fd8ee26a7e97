"""Asset checks of the key figures, each with figure, numerator and denominator in its metadata.

A check evaluates every month of the run: one evaluation per month, so that the UI shows a bar over months, and the
aggregate as its result. The limits are in `domain/key_figures.py`, the counts in `storage/figures.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import dagster as dg

from alexandria_pipeline.composition import Pipeline
from alexandria_pipeline.domain import key_figures
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.orchestration.assets.books import generated_books, persisted_works
from alexandria_pipeline.orchestration.assets.isbns import resolved_isbns
from alexandria_pipeline.orchestration.call_checks import call_accounting, isbndb_budget
from alexandria_pipeline.orchestration.event_log import report_evaluations
from alexandria_pipeline.orchestration.library_checks import library_checks
from alexandria_pipeline.orchestration.partitions import as_months, months
from alexandria_pipeline.storage import figures
from alexandria_pipeline.storage import months as month_log
from alexandria_pipeline.storage.figures import MonthFigures

Context = dg.AssetCheckExecutionContext


@dg.asset_check(
    asset=resolved_isbns, partitions_def=months, description="At least 90 % of a month's books have an ISBN."
)
def resolution_rate(context: Context, pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    def evaluate(f: MonthFigures) -> dg.AssetCheckResult:
        severity = dg.AssetCheckSeverity.ERROR if f.generated else dg.AssetCheckSeverity.WARN
        passed = key_figures.resolution_rate_holds(f.resolution_rate)
        return _result(passed, severity, f.resolution_rate, f.resolved, f.generated, "resolved", "generated")

    return _by_month(context, resolved_isbns.key, "resolution_rate", pipeline, evaluate)


@dg.asset_check(
    asset=resolved_isbns, partitions_def=months, description="Less than 5 % of a month's works are synthetic."
)
def synthetic_share(context: Context, pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    def evaluate(f: MonthFigures) -> dg.AssetCheckResult:
        passed = key_figures.synthetic_share_holds(f.synthetic_share)
        return _result(
            passed, dg.AssetCheckSeverity.WARN, f.synthetic_share, f.synthetic, f.works, "synthetic", "works"
        )

    return _by_month(context, resolved_isbns.key, "synthetic_share", pipeline, evaluate)


@dg.asset_check(asset=resolved_isbns, description="Less than 5 % of all works are synthetic.")
def synthetic_share_overall(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    with pipeline.database.transaction() as tx:
        synthetic, works = figures.synthetic_overall(tx)
    share = 100 * synthetic / works if works else None
    passed = key_figures.synthetic_share_holds(share)
    return _result(passed, dg.AssetCheckSeverity.ERROR, share, synthetic, works, "synthetic", "works")


@dg.asset_check(
    asset=persisted_works,
    partitions_def=months,
    blocking=True,
    description="Every generated book is kept as a work, and no row of the list was skipped.",
)
def nothing_lost(context: Context, pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    with pipeline.database.transaction() as tx:
        unfinished = figures.unfinished(tx)

    def evaluate(f: MonthFigures) -> dg.AssetCheckResult:
        share = 100 * f.lost / f.generated if f.generated else None
        result = _result(f.lost == 0, dg.AssetCheckSeverity.ERROR, share, f.lost, f.generated, "lost", "generated")
        _, skipped = unfinished.get(f.month, (0, 0))
        if not skipped:
            return result
        every_row = f.lost > 0 or not f.generated
        severity = dg.AssetCheckSeverity.ERROR if every_row else dg.AssetCheckSeverity.WARN
        words = f"{skipped} {'row' if skipped == 1 else 'rows'} skipped: alexandria set-aside"
        return result._replace(
            passed=False,
            severity=severity,
            metadata={**(result.metadata or {}), "skipped": dg.MetadataValue.text(words)},
        )

    return _by_month(context, persisted_works.key, "nothing_lost", pipeline, evaluate)


@dg.asset_check(asset=generated_books, description="No month was ever processed by two runs at the same time.")
def one_owner_per_month(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    with pipeline.database.transaction() as tx:
        overlaps, claimed = month_log.overlapping_claims(tx)
    shared = {Month(row["year"], row["month"]) for row in overlaps}
    result = _result(
        not shared, dg.AssetCheckSeverity.ERROR, float(len(shared)), len(shared), claimed, "shared", "claimed"
    )
    lines = [f"{row['year']}-{row['month']:02d}: {row['run_id']} and {row['other_run_id']}" for row in overlaps[:20]]
    return result._replace(description="\n".join(lines) or None)


def _no_month_failed(asset: dg.AssetsDefinition) -> dg.AssetChecksDefinition:
    """Builds the check that fails a run with unfinished months at its end, after the other months are done."""
    stage = asset.key.to_user_string()

    @dg.asset_check(
        asset=asset,
        name="no_month_failed",
        partitions_def=months,
        description=f"Every month of the run went through {stage}.",
    )
    def check(context: Context, pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
        with pipeline.database.transaction() as tx:
            run_months = as_months(context.op_execution_context.partition_keys)
            failed = month_log.failures(tx, context.run.run_id, stage, run_months)
        if not failed:
            return _by_month(
                context, asset.key, "no_month_failed", pipeline, lambda _: dg.AssetCheckResult(passed=True)
            )
        for month in run_months:
            why = {"reason": failed[month]} if month in failed else {}
            result = dg.AssetCheckResult(passed=month not in failed, metadata=why)
            # Dagster drops the events of a step that raises; an event of the instance is kept.
            context.instance.report_runless_asset_event(_evaluation(asset.key, "no_month_failed", month, result))
        raise dg.Failure(description="\n".join(f"{month}: {why}" for month, why in failed.items()), allow_retries=False)

    return check


def _by_month(
    context: Context,
    asset: dg.AssetKey,
    name: str,
    pipeline: Pipeline,
    evaluate: Callable[[MonthFigures], dg.AssetCheckResult],
) -> dg.AssetCheckResult:
    """Evaluates each month of the run, logs an evaluation for each, and returns the aggregate."""
    run_months = as_months(context.op_execution_context.partition_keys)
    with pipeline.database.transaction() as tx:
        counted = figures.of_months(tx, run_months)
    results = {month: evaluate(counted[month]) for month in run_months}
    if len(run_months) == 1:
        return results[run_months[0]]
    report_evaluations(context, [_evaluation(asset, name, month, result) for month, result in results.items()])
    return _aggregate(results)


def _evaluation(asset: dg.AssetKey, name: str, month: Month, result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=name,
        passed=result.passed,
        severity=result.severity,
        metadata=result.metadata or {},
        partition=str(month),
    )


def _aggregate(results: Mapping[Month, dg.AssetCheckResult]) -> dg.AssetCheckResult:
    bad = {month: result for month, result in results.items() if not result.passed}
    severe = any(result.severity is dg.AssetCheckSeverity.ERROR for result in bad.values())
    severity = dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN
    named = dict.fromkeys(name for result in bad.values() for name in result.metadata or {})
    columns = sorted(named, key=lambda name: name != "figure")
    table = dg.MetadataValue.table([_record(month, result, columns) for month, result in bad.items()]) if bad else None
    metadata: dict[str, dg.RawMetadataValue] = {**_sums(results), "months": len(results), "months_failing": len(bad)}
    if table is not None:
        metadata["failing"] = table
    return dg.AssetCheckResult(passed=not bad, severity=severity, metadata=metadata)


def _sums(results: Mapping[Month, dg.AssetCheckResult]) -> dict[str, Any]:
    """Returns numerator and denominator over all months, and their percentage."""
    sums: dict[str, int] = {}
    for result in results.values():
        for name, value in (result.metadata or {}).items():
            if isinstance(value, dg.IntMetadataValue) and value.value is not None:
                sums[name] = sums.get(name, 0) + value.value
    if len(sums) != 2:
        return {}
    part, whole = sums.values()
    return {**({"figure": round(100 * part / whole, 2)} if whole else {}), **sums}


def _record(month: Month, result: dg.AssetCheckResult, columns: Iterable[str]) -> dg.TableRecord:
    """Returns a table row with all columns; a month without books has no figure."""
    figures_of_it: dict[str, Any] = {name: value.value for name, value in (result.metadata or {}).items()}
    return dg.TableRecord({"month": str(month), **dict.fromkeys(columns), **figures_of_it})


def _result(
    passed: bool,
    severity: dg.AssetCheckSeverity,
    figure: float | None,
    part: int,
    whole: int,
    part_name: str,
    whole_name: str,
) -> dg.AssetCheckResult:
    shown: dict[str, dg.RawMetadataValue] = {part_name: part, whole_name: whole}
    if figure is not None:
        shown = {"figure": round(figure, 2), **shown}
    return dg.AssetCheckResult(passed=passed, severity=severity, metadata=shown)


def all_checks() -> Iterable[dg.AssetChecksDefinition]:
    """Every check of the pipeline."""
    stages = [_no_month_failed(asset) for asset in (generated_books, persisted_works, resolved_isbns)]
    of_a_day = [one_owner_per_month, isbndb_budget, call_accounting]
    of_books = [resolution_rate, synthetic_share, synthetic_share_overall, nothing_lost]
    return [*of_books, *of_a_day, *stages, *library_checks()]
