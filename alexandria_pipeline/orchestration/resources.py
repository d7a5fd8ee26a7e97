"""Dagster resources: each opens a plain object of `composition` for one run or tick."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from alexandria_pipeline.composition import (
    Pipeline,
    alerting,
    opened_catalog,
    opened_database,
    opened_pipeline,
    rollout,
)
from alexandria_pipeline.operations.alerting import Alerting
from alexandria_pipeline.operations.export.exporter import ExportFormat
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
    """The resources of a sensor or schedule tick: the database and the rollout, without providers."""

    database: Database
    rollout: Rollout


@dataclass(frozen=True, slots=True)
class Exports:
    """Where the exports of years are written, and in which formats."""

    folder: Path
    formats: tuple[ExportFormat, ...]


def build_resources(settings: Settings) -> dict[str, Any]:
    """Builds the resources by name: `pipeline` (database, providers, stages), `runner` (the months that the run owns),
    `operations` (database and rollout, for ticks), `catalog` (the database of the local catalogue),
    `quota` (calls of today), `watcher` (alerting), `dumps` (folder of dumps),
    `retention_days`, `ledger_days`, `exports` (folder and formats of the exports).
    """

    @dg.resource(description="Database, providers and stages of one process.")
    def pipeline(context: dg.InitResourceContext) -> Iterator[Pipeline]:
        with opened_pipeline(settings) as opened, _with_heartbeat(context, opened.database):
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

    @dg.resource(description="The database and the rollout, for sensors and schedules.")
    def operations(context: dg.InitResourceContext) -> Iterator[Operations]:
        with opened_database(settings) as database, _with_heartbeat(context, database):
            yield Operations(database, rollout(settings, database))

    @dg.resource(description="Alerting: causes, texts and receivers.")
    def watcher(_context: dg.InitResourceContext) -> Iterator[Alerting]:
        with opened_database(settings) as database:
            yield alerting(settings, database)

    @dg.resource(description="The folder of dumps (ALEXANDRIA_DUMPS); None when it is not set.")
    def dumps(_context: dg.InitResourceContext) -> Path | None:
        return settings.dumps

    @dg.resource(description="Days for which alerts, stages and superseded attempts are kept.")
    def retention_days(_context: dg.InitResourceContext) -> int:
        return settings.retention_days

    @dg.resource(description="Days for which single calls and changes of fields are kept.")
    def ledger_days(_context: dg.InitResourceContext) -> int:
        return settings.ledger_days

    @dg.resource(description="The folder of exports (ALEXANDRIA_EXPORTS) and their formats; None when it is not set.")
    def exports(_context: dg.InitResourceContext) -> Exports | None:
        return (
            Exports(settings.exports, tuple(map(ExportFormat, settings.export_formats))) if settings.exports else None
        )

    return {
        "dumps": dumps,
        "retention_days": retention_days,
        "ledger_days": ledger_days,
        "exports": exports,
        "watcher": watcher,
        "operations": operations,
        "catalog": _catalog(settings),
        "pipeline": pipeline,
        "runner": runner,
        "quota": quota,
    }


def _catalog(settings: Settings) -> dg.ResourceDefinition:
    @dg.resource(description="The database of the local catalogue.", required_resource_keys={"operations"})
    def catalog(context: dg.InitResourceContext) -> Iterator[Database]:
        with opened_catalog(settings, context.resources.operations.database) as database:
            yield database

    return catalog


@contextmanager
def _with_heartbeat(context: dg.InitResourceContext, database: Database) -> Iterator[None]:
    """Keeps the heartbeat of a run and tags the run as having one. A tick has no run and needs none."""
    if context.run is None or context.instance is None:
        yield
        return
    with heartbeat(database, context.run.run_id):
        context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: _process()})
        yield


def _process() -> str:
    return f"process {os.getpid()} on {platform.node()}"
