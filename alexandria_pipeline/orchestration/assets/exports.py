"""The files of finished books, a folder for each year, from which other assets go on."""

import dagster as dg
from filelock import FileLock

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.export.exporter import ExportFormat, ExportResult, export
from alexandria_pipeline.orchestration.assets.library import enriched_authors
from alexandria_pipeline.orchestration.partitions import as_months, months, one_run
from alexandria_pipeline.orchestration.reporting import add_metadata, columns
from alexandria_pipeline.orchestration.resources import Exports, Operations


@dg.asset(
    group_name="library",
    kinds={"python", "file"},
    owners=["team:alexandria"],
    # By month, as every asset that `--select '*' --partition` selects; the files are those of the month's whole year.
    partitions_def=months,
    backfill_policy=one_run,
    deps=[enriched_authors],
    metadata=columns(
        work_key="text: key of the work",
        isbn13="text: ISBN-13, thirteen digits; empty for a synthetic work",
        first_month="text: first month of the year that lists the work",
        withheld="text: columns that may not be passed on",
    ),
)
def library_export(
    context: dg.AssetExecutionContext,
    operations: dg.ResourceParam[Operations],
    exports: dg.ResourceParam[Exports | None],
) -> None:
    """The works of the year in files, with a `datapackage.json` that describes their columns.

    Tables `enriched_works` and `enriched_editions`, written to ALEXANDRIA_EXPORTS/YEAR/FORMAT in the formats of
    ALEXANDRIA_EXPORT_FORMATS; `alexandria export` writes the same. Without the setting nothing is written.
    """
    wanted = as_months(context.partition_keys)
    for year in sorted({month.year for month in wanted}):
        written = {form: _write(operations, exports, year, form) for form in exports.formats} if exports else {}
        metadata: dict[str, dg.RawMetadataValue] = {}
        for form, each in written.items():
            metadata |= {
                "dagster/row_count": each.works,
                f"{form}_rows": each.works,
                f"{form}_file": dg.MetadataValue.path(each.files[0]),
            }
        if not exports:
            metadata["files"] = "none: ALEXANDRIA_EXPORTS is not set"
        add_metadata(context, {month: metadata for month in wanted if month.year == year})


def _write(operations: Operations, exports: Exports, year: int, form: ExportFormat) -> ExportResult:
    folder = exports.folder / str(year) / form.value
    folder.mkdir(parents=True, exist_ok=True)
    # Two runs may finish months of one year at the same time.
    with FileLock(folder.with_name(f"{form.value}.lock"), mode=0o600):
        return export(operations.database, form, Month(year, 1), Month(year, 12), folder)
