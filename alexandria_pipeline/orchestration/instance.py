"""Where Dagster keeps its own records: in the pipeline's database server, which is started when there is no other.

`dagster.yaml` names this class, because YAML cannot say "this address if it is set, else a local server".
"""

from typing import Any, Self

import dagster as dg
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from alexandria_pipeline.composition import database_url
from alexandria_pipeline.settings import load_settings


class PipelineStorage(DagsterPostgresStorage):
    """Dagster's PostgreSQL storage at the address of `ALEXANDRIA_DATABASE_URL`, or on the local server."""

    @classmethod
    def config_type(cls) -> dict[str, dg.Field]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:  # noqa: ARG003
        # A bare postgresql:// is read as psycopg 3 by SQLAlchemy 2.1, which dagster-postgres cannot use (dagster#33958).
        url = database_url(load_settings())
        return cls(f"postgresql+psycopg2://{url.split('://', 1)[1]}", inst_data=inst_data)
