"""Thin shells over the plain objects of the composition, one per run."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg

from alexandria_pipeline.composition import Pipeline, alerting, opened_database, opened_pipeline, rollout
from alexandria_pipeline.operations.alerting import Alerting
from alexandria_pipeline.operations.rollout import Rollout
from alexandria_pipeline.settings import Settings
from alexandria_pipeline.stages.runner import MonthRunner
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.months import MonthHolder
from alexandria_pipeline.storage.quota import QuotaManager
from alexandria_pipeline.storage.run_heartbeat import heartbeat

PROCESS_TAG = "alexandria/process"


@dataclass(frozen=True, slots=True)
class Operations:
    """What ticks need: cheap to open, knows no provider."""

    database: Database
    rollout: Rollout


def build_resources(settings: Settings) -> dict[str, Any]:
    """`pipeline`: database, providers and stages. `runner`: the months that this run owns, from its first step to its end.

    `operations`: the database and the plan of the rollout. `quota`: what may still be asked of the services today.
    """

    @dg.resource(description="Database, providers and stages of one process.")
    def pipeline(context: dg.InitResourceContext) -> Iterator[Pipeline]:
        with opened_pipeline(settings) as opened, _seen_alive(context, opened.database):
            yield opened

    @dg.resource(description="The months this run owns.", required_resource_keys={"pipeline"})
    def runner(context: dg.InitResourceContext) -> Iterator[MonthRunner]:
        run_id = context.run.run_id if context.run else "direct"
        months = MonthRunner(MonthHolder(context.resources.pipeline.database, run_id, _process()))
        try:
            yield months
        finally:
            months.close()

    @dg.resource(description="The daily quotas of the services.", required_resource_keys={"pipeline"})
    def quota(context: dg.InitResourceContext) -> QuotaManager:
        manager: QuotaManager = context.resources.pipeline.quota
        return manager

    @dg.resource(description="The database alone, with the plan of the rollout: what sensors and schedules need.")
    def operations(context: dg.InitResourceContext) -> Iterator[Operations]:
        with opened_database(settings) as database, _seen_alive(context, database):
            yield Operations(database, rollout(settings, database))

    @dg.resource(description="What people are to be told of, and who is told.")
    def watcher(_context: dg.InitResourceContext) -> Iterator[Alerting]:
        with opened_database(settings) as database:
            yield alerting(settings, database)

    return {"watcher": watcher, "operations": operations, "pipeline": pipeline, "runner": runner, "quota": quota}


@contextmanager
def _seen_alive(context: dg.InitResourceContext, database: Database) -> Iterator[None]:
    """While a run works, it can be seen that it does; its tag says that it may be judged by that. No run: a tick."""
    if context.run is None or context.instance is None:
        yield
        return
    with heartbeat(database, context.run.run_id):
        context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: _process()})
        yield


def _process() -> str:
    return f"process {os.getpid()} on {platform.node()}"
