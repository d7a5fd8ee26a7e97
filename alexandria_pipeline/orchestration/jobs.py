"""Jobs: what sensors and schedules ask to be run."""

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from alexandria_pipeline.orchestration.partitions import months

MONTHLY_BOOKS = "monthly_books"


def all_jobs(assets: Iterable[Any]) -> Sequence[Any]:
    """Every job over these assets."""
    return [_monthly_books(assets)]


def _monthly_books(assets: Iterable[Any]) -> Any:
    """All that is done for a month, with the checks of it; an asset belongs to it by its partitions."""
    monthly = [asset for asset in assets if isinstance(asset, dg.AssetsDefinition) and asset.partitions_def == months]
    return dg.define_asset_job(
        MONTHLY_BOOKS,
        selection=dg.AssetSelection.assets(*monthly),
        description="A month of books: listed, kept, resolved, enriched and checked.",
    )
