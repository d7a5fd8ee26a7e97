"""Asset checks of the library: what must hold of its editions, works and authors, each with figure, count and a sample."""

from collections.abc import Iterable

import dagster as dg

from alexandria_pipeline.composition import Pipeline
from alexandria_pipeline.operations.listed_isbns import wrong_listed_isbns
from alexandria_pipeline.orchestration.assets.library import enriched_authors, enriched_editions, enriched_works
from alexandria_pipeline.stages import computing
from alexandria_pipeline.storage import integrity
from alexandria_pipeline.storage.integrity import Counted

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN

RULES = {
    "editions_have_a_work": (enriched_editions, ERROR, "Every edition belongs to a work."),
    "one_work_per_isbn": (enriched_editions, ERROR, "No ISBN is of two works."),
    "fields_have_a_source": (enriched_editions, ERROR, "Every served field names the source that it is from."),
    "answers_owed": (enriched_works, WARN, "No service owes an answer; a later run asks again."),
    "no_resolved_work_is_synthetic": (enriched_works, ERROR, "No work whose book has an ISBN is synthetic."),
    "works_have_authors": (enriched_authors, ERROR, "Every work has an author if a source names one."),
}

RECOMPUTED_WORKS = 50
MIN_ISBNS_PER_CALL = 100


def _rule(name: str) -> dg.AssetChecksDefinition:
    asset, severity, description = RULES[name]

    @dg.asset_check(asset=asset, name=name, description=description)
    def check(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
        with pipeline.database.transaction() as tx:
            counted = integrity.count(tx, name)
        return _result(counted.broken == 0, severity, counted, counted.broken)

    return check


@dg.asset_check(asset=enriched_works, description="Computing the served rows of some works again changes none.")
def served_rows_are_current(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    with pipeline.database.transaction() as tx:
        works = integrity.some_works(tx, RECOMPUTED_WORKS)
        changed = computing.differences(tx, works)
    counted = Counted(len(changed), len(works), tuple(changed[:10]))
    return _result(not changed, ERROR, counted, counted.broken)


@dg.asset_check(
    asset=enriched_editions, description="A paid call asks for 100 editions or more, or is the only one of its run."
)
def isbns_per_paid_call(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    with pipeline.database.transaction() as tx:
        counted, runs = integrity.count(tx, "isbns_per_paid_call"), integrity.runs_with_paid_calls(tx)
    calls, editions = counted.broken, counted.of
    per_call = editions / calls if calls else None
    passed = per_call is None or per_call >= MIN_ISBNS_PER_CALL or calls <= runs
    shown: dict[str, dg.RawMetadataValue] = {"paid_calls": calls, "editions": editions, "runs": runs}
    figure = {} if per_call is None else {"figure": round(per_call, 1)}
    return dg.AssetCheckResult(passed=passed, severity=WARN, metadata={**figure, **shown})


@dg.asset_check(
    asset=enriched_editions, description="No service has another book under an ISBN that only a list states."
)
def listed_isbns(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    with pipeline.database.transaction() as tx:
        counted = wrong_listed_isbns(tx)
    return _result(counted.broken == 0, ERROR, counted, counted.broken)


def _result(passed: bool, severity: dg.AssetCheckSeverity, counted: Counted, figure: int) -> dg.AssetCheckResult:
    shown: dict[str, dg.RawMetadataValue] = {"figure": figure, "broken": counted.broken, "rows": counted.of}
    if counted.sample:
        shown["sample"] = dg.MetadataValue.json(list(counted.sample))
    return dg.AssetCheckResult(passed=passed, severity=severity, metadata=shown)


def library_checks() -> Iterable[dg.AssetChecksDefinition]:
    """Every check of the library."""
    return [*map(_rule, RULES), served_rows_are_current, isbns_per_paid_call, listed_isbns]
