"""The asset library_export: the files of each year of a run, with the number of rows of each format."""

from pathlib import Path

import dagster as dg
import pandas as pd
from pydantic import SecretStr

from alexandria_pipeline.operations.catalog import load_catalog
from alexandria_pipeline.orchestration.build import build_definitions
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.world import CATALOGUE, JUNE, LIST, pipeline, run_all


def test_a_run_writes_the_year_of_each_month(database: Database, database_url: str, tmp_path: Path) -> None:
    load_catalog(database, "catalogue.tsv", CATALOGUE.encode())
    run_all(database, pipeline(database, tmp_path, LIST + "2021-01\tCirce\tMadeline Miller\n"), [JUNE, JUNE + 7])
    settings = load_settings(
        home=tmp_path / "home",
        database_url=SecretStr(database_url),
        exports=tmp_path / "exports",
        export_formats=("csv", "parquet"),
    )
    definitions = build_definitions(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [*(definitions.assets or [])],  # type: ignore[list-item]  # ours are of one kind
            selection=["library_export"],
            resources=definitions.resources,
            instance=instance,
            tags={
                "dagster/asset_partition_range_start": "2020-06",
                "dagster/asset_partition_range_end": "2021-01",
            },
        )
    assert result.success
    shown = {
        event.partition: event.metadata
        for event in (e.materialization for e in result.get_asset_materialization_events())
    }
    assert len(shown) == 8
    assert [shown[month]["parquet_rows"].value for month in ("2020-06", "2020-12", "2021-01")] == [3, 3, 1]
    assert len(pd.read_csv(tmp_path / "exports/2020/csv/works.csv")) == 3
    assert pd.read_parquet(tmp_path / "exports/2021/parquet/works.parquet")["isbn13"].tolist() == ["9780316556347"]
