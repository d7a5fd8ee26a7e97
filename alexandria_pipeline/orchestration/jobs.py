"""Jobs that sensors and schedules request."""

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from alexandria_pipeline.orchestration.partitions import months

MONTHLY_BOOKS = "monthly_books"


def all_jobs(assets: Iterable[Any]) -> Sequence[Any]:
    """Returns all jobs over these assets."""
    return [_monthly_books(assets)]


def _monthly_books(assets: Iterable[Any]) -> Any:
    """Builds the job of all monthly assets and their checks."""
    monthly = [asset for asset in assets if isinstance(asset, dg.AssetsDefinition) and asset.partitions_def == months]
    return dg.define_asset_job(
        MONTHLY_BOOKS,
        selection=dg.AssetSelection.assets(*monthly),
        description="One month: books listed, stored, resolved, enriched and checked.",
    )
