"""Builds the Definitions of the project; tests pass their own settings or resources."""

from collections.abc import Mapping

import dagster as dg

from alexandria_pipeline.orchestration.assets import (
    books,
    catalogue,
    exports,
    isbns,
    library,
    reports,
    retention,
    synthetic,
)
from alexandria_pipeline.orchestration.checks import all_checks
from alexandria_pipeline.orchestration.jobs import all_jobs
from alexandria_pipeline.orchestration.resources import build_resources
from alexandria_pipeline.orchestration.schedules import all_schedules
from alexandria_pipeline.orchestration.sensors import all_sensors
from alexandria_pipeline.settings import Settings, load_settings


def build_definitions(
    settings: Settings | None = None, resources: Mapping[str, object] | None = None
) -> dg.Definitions:
    """Builds assets, checks, jobs, schedules, sensors and resources.

    Without `settings`, reads them from the environment; raises SettingsError if a value is wrong. `resources` replaces
    resources of the same name.
    """
    settings = settings or load_settings()
    assets = dg.load_assets_from_modules([catalogue, books, isbns, library, exports, synthetic, reports, retention])
    return dg.Definitions(
        assets=dg.with_source_code_references(assets),
        asset_checks=all_checks(),
        jobs=all_jobs(assets),
        schedules=all_schedules(),
        sensors=all_sensors(),
        resources={**build_resources(settings), **(resources or {})},
        # One process per run: the run owns its months through one connection (docs/decisions/0002-month-ownership.md).
        executor=dg.in_process_executor,
    )
