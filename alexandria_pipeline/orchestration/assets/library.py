"""The library of a month: its editions, works and authors with the facts that the sources state."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from alexandria_pipeline.composition import Pipeline
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.orchestration.assets.isbns import resolved_isbns
from alexandria_pipeline.orchestration.charts import bar_chart
from alexandria_pipeline.orchestration.partitions import as_months, months, one_run
from alexandria_pipeline.orchestration.reporting import add_metadata, columns, table
from alexandria_pipeline.stages.enrich import EnrichmentReport


@dg.asset(
    group_name="library",
    kinds={"python", "postgres"},
    owners=["team:alexandria"],
    partitions_def=months,
    backfill_policy=one_run,
    deps=[resolved_isbns],
    metadata=columns(
        "enriched_editions",
        isbn13="text: ISBN-13, thirteen digits",
        title="text: title of the edition",
        authors="jsonb: names with their roles",
        publisher="text: publisher",
        published="text: YYYY, YYYY-MM or YYYY-MM-DD, as precise as the source",
        cover="jsonb: address, size, source and licence of a picture",
        provenance="jsonb: source of every field",
    ),
)
def enriched_editions(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Every edition with the facts of all services, each field from the source that the field's rule chooses.

    Tables `source_record` and `claim` (what each service stated) and `enriched_editions` (what is served).
    """
    _show(context, pipeline.enrich.editions(as_months(context.partition_keys), context.run.run_id))


@dg.asset(
    group_name="library",
    kinds={"python", "postgres"},
    owners=["team:alexandria"],
    partitions_def=months,
    backfill_policy=one_run,
    deps=[enriched_editions],
    metadata=columns(
        "enriched_works",
        work_key="text: key of the work",
        title="text: title to show",
        author="text: authors to show",
        first_published="smallint: year of the first edition",
        description="text: plain text",
        subjects="jsonb: subjects with their sources",
        cover="jsonb: address, size, source and licence of a picture",
        provenance="jsonb: source of every field",
    ),
)
def enriched_works(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Every resolved work with ratings, series, awards, translations, other editions and identifiers.

    Table `enriched_works`, computed from the claims about the work and its editions.
    """
    _show(context, pipeline.enrich.works(as_months(context.partition_keys), context.run.run_id))


@dg.asset(
    group_name="library",
    kinds={"python", "postgres"},
    owners=["team:alexandria"],
    partitions_def=months,
    backfill_policy=one_run,
    deps=[enriched_works],
    metadata=columns(
        "enriched_authors",
        author_key="text: an identifier, or name and work",
        name="text: name to show",
        born="text: date of birth",
        biography="text: plain text",
        undifferentiated="boolean: known by name only",
    ),
)
def enriched_authors(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """The authors of these works with biography, dates and portrait.

    Tables `enriched_authors` and `work_authors`.
    """
    _show(context, pipeline.enrich.authors(as_months(context.partition_keys), context.run.run_id))


def _show(context: dg.AssetExecutionContext, report: EnrichmentReport) -> None:
    """Adds counts, coverage, some rows and what services owe to each month, and the requests of the run to all of them."""
    run: dict[str, Any] = {"run_requests": table(_requests(report.asked))} if report.asked else {}
    if report.paid_calls:
        run |= {
            "run_paid_calls": report.paid_calls,
            "run_isbns_per_paid_call": round(report.paid_isbns / report.paid_calls, 1),
        }
    shown: dict[Month, Mapping[str, Any]] = {}
    for month, counts in report.counts.items():
        owed = report.owed[month]
        own: dict[str, Any] = {"dagster/row_count": counts["computed"], **counts, "owed": sum(owed.values())}
        if owed:
            own["owed_by"] = dg.MetadataValue.json(dict(owed))
        if counts["computed"]:
            covered = [
                (name, round(100 * count / counts["computed"])) for name, count in report.coverage[month].items()
            ]
            own["sample"] = table(report.sample[month])
            own["coverage"] = dg.MetadataValue.md(bar_chart(f"Rows of {month} with a value, in percent", covered))
        shown[month] = {**own, **run}
    add_metadata(context, shown)


def _requests(asked: Counter[tuple[str, str]]) -> Sequence[Mapping[str, Any]]:
    outcomes = ("found", "not_found", "failed", "unavailable")
    return [
        {"service": service, **{each: asked[service, each] for each in outcomes}}
        for service in sorted({service for service, _ in asked})
    ]
