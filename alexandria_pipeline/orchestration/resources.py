"""Thin shells over the plain objects of the composition, one per run."""

import os
import platform
from collections.abc import Iterator
from typing import Any

import dagster as dg

from alexandria_pipeline.composition import Pipeline, opened_pipeline
from alexandria_pipeline.settings import Settings
from alexandria_pipeline.stages.own import MonthRunner
from alexandria_pipeline.storage.months import MonthHolder


def build_resources(settings: Settings) -> dict[str, Any]:
    """`pipeline`: database, providers and stages. `runner`: the months that this run owns, from its first step to its end."""

    @dg.resource(description="Database, providers and stages of one process.")
    def pipeline(_context: dg.InitResourceContext) -> Iterator[Pipeline]:
        with opened_pipeline(settings) as opened:
            yield opened

    @dg.resource(description="The months this run owns.", required_resource_keys={"pipeline"})
    def runner(context: dg.InitResourceContext) -> Iterator[MonthRunner]:
        owner = f"process {os.getpid()} on {platform.node()}"
        run_id = context.run.run_id if context.run else "direct"
        months = MonthRunner(MonthHolder(context.resources.pipeline.database, run_id, owner))
        try:
            yield months
        finally:
            months.close()

    return {"pipeline": pipeline, "runner": runner}
