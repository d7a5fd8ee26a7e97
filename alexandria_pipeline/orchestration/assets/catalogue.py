"""The asset of the local catalogue."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from alexandria_pipeline.operations.dump_import.folder import import_new
from alexandria_pipeline.orchestration.partitions import one_run
from alexandria_pipeline.orchestration.reporting import columns
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.database import Database

MAX_AGE = timedelta(days=45)  # Open Library publishes a dump each month


@dg.asset(
    group_name="catalogue",
    kinds={"python", "postgres"},
    owners=["team:alexandria"],
    backfill_policy=one_run,
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=MAX_AGE),
    metadata=columns(
        isbn13="bigint: ISBN of the edition",
        work_id="integer: number of the work in Open Library",
        title="text: title of the edition",
        contributors="text: people, one a line",
        published="integer: yyyymmdd",
    ),
)
def local_catalog(
    catalog: dg.ResourceParam[Database], dumps: dg.ResourceParam[Path | None]
) -> dg.MaterializeResult[None]:
    """Editions known on this machine, by ISBN, title and author. Imports the newest dump in ALEXANDRIA_DUMPS if it is new.

    Tables `catalog_dump_edition` and `catalog_edition` (loaded files).
    `alexandria catalog status` shows the same figures, `alexandria catalog import` imports by hand.
    """
    result = import_new(catalog, dumps) if dumps is not None else None
    editions = Catalog(catalog)
    sources, sizes = editions.sources(), editions.sizes()
    ages = [(datetime.now(UTC) - row["loaded_at"]).days for row in sources]
    metadata: dict[str, dg.RawMetadataValue] = {
        "dagster/row_count": sum(row["editions"] for row in sources),
        "imported": result is not None,
        "bytes_on_disk": sum(sizes.values()),
        "sources": ", ".join(row["name"] for row in sources) or "none",
    }
    return dg.MaterializeResult(metadata=metadata | ({"age_days": min(ages)} if ages else {}))
