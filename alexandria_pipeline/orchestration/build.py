"""Everything Dagster needs to know, in one place; tests give their own settings or resources."""

from collections.abc import Mapping

import dagster as dg

from alexandria_pipeline.orchestration.assets import books, isbns
from alexandria_pipeline.orchestration.checks import all_checks
from alexandria_pipeline.orchestration.resources import build_resources
from alexandria_pipeline.settings import Settings


def build_definitions(settings: Settings, resources: Mapping[str, object] | None = None) -> dg.Definitions:
    """Assets, checks, jobs and resources. `resources` replaces those of the same name."""
    assets = dg.load_assets_from_modules([books, isbns])
    return dg.Definitions(
        assets=assets,
        asset_checks=all_checks(),
        resources={**build_resources(settings), **(resources or {})},
        # One process per run: the run owns its months through one connection (docs/decisions/0002-month-ownership.md).
        executor=dg.in_process_executor,
    )
