"""Small worlds for tests: lists, catalogues and pipelines on a database of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import sql

from alexandria_pipeline.composition import Pipeline, assemble, opened_pipeline
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.catalog import load_catalog
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.stages.runner import MonthRunner, StageReport
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.months import MonthHolder
from alexandria_pipeline.storage.threads import Threads

CATALOGUE = """title\tauthor\tisbn13\tdate\tsource\tsource_id
Hamnet\tMaggie O'Farrell\t9780525657606\t2020\ttest\t1
The Vanishing Half\tBrit Bennett\t9780525536291\t2020\ttest\t2
The Guest List\tLucy Foley\t9780062868930\t2020\ttest\t3
Circe\tMadeline Miller\t9780316556347\t2018\ttest\t4
"""

LIST = """month\ttitle\tauthor
2020-06\tTHE VANISHING HALF\tBrit Bennett
2020-06\tThe Guest List: A Novel\tFoley, Lucy
2020-06\tA Book Nobody Ever Wrote\tNo Body
2020-07\tHamnet\tMaggie O'Farrell
2020-07\tThe Vanishing Half\tBrit Bennett
"""

JUNE, JULY, AUGUST = Month(2020, 6), Month(2020, 7), Month(2020, 8)


def pipeline(database: Database, folder: Path, listed: str = LIST, catalogue: str = CATALOGUE) -> Pipeline:
    """A pipeline that reads `listed` and knows `catalogue`."""
    path = folder / "list.tsv"
    path.write_text(listed, encoding="utf-8")
    load_catalog(database, "catalogue.tsv", catalogue.encode())
    return assemble(load_settings(home=folder / "home", curated_list=path), database, Threads())


def holder(database: Database, run_id: str = "run-1") -> MonthHolder:
    return MonthHolder(database, run_id, f"test process of {run_id}")


@contextmanager
def pipeline_and_runner(run_id: str) -> Iterator[tuple[Pipeline, MonthRunner]]:
    """The pipeline of this process's environment and a runner for its months, which are released at the end."""
    with opened_pipeline(load_settings()) as opened:
        runner = MonthRunner(holder(opened.database, run_id))
        try:
            yield opened, runner
        finally:
            runner.close()


def run_all(database: Database, world: Pipeline, months: Sequence[Month], run_id: str = "run-1") -> list[StageReport]:
    """All stages over the months, as a run does it."""
    runner = MonthRunner(holder(database, run_id))
    try:
        return [runner.run(stage, months) for stage in (world.generate, world.persist, world.resolve)]
    finally:
        runner.close()


def rows(database: Database, statement: str, *values: object) -> list[dict[str, Any]]:
    """What a statement of a test answers."""
    with database.transaction() as tx:
        return tx.execute(statement.encode(), values).fetchall()


def dump(database: Database, tables: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Every row of the tables, to compare before and after."""
    with database.transaction() as tx:
        return {
            table: sorted(tx.execute(sql.SQL("select * from {}").format(sql.Identifier(table))).fetchall(), key=str)
            for table in tables
        }


def use_calls(database: Database, service: str, count: int) -> None:
    """Counts `count` calls of today, as if they had been made."""
    rows(
        database,
        "insert into quota_usage as q (service, day, used) values (%s, (clock_timestamp() at time zone 'UTC')::date, %s)"
        " on conflict (service, day) do update set used = q.used + excluded.used returning used",
        service,
        count,
    )


def exhaust(database: Database, service: str, reason: str) -> None:
    """Marks today's quota as used up, as the response of the service does."""
    use_calls(database, service, 0)
    rows(database, "update quota_usage set exhausted = %s where service = %s returning used", reason, service)
