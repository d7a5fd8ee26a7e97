"""Dagster's storage: the database server of the pipeline, or the local server when no address is set.

`dagster.yaml` names this class, because YAML cannot express "this address if it is set, else a local server".
"""

import contextlib
from functools import cache
from typing import Any, Self

import dagster as dg
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url

from alexandria_pipeline.composition import database_url, server
from alexandria_pipeline.domain.errors import EmbeddedServerError
from alexandria_pipeline.settings import Settings, load_settings


class PipelineStorage(DagsterPostgresStorage):
    """Dagster's PostgreSQL storage at the address of `ALEXANDRIA_DATABASE_URL`, or on the local server."""

    @classmethod
    def config_type(cls) -> dict[str, dg.Field]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:  # noqa: ARG003
        settings = load_settings()
        # A bare postgresql:// is read as psycopg 3 by SQLAlchemy 2.1, which dagster-postgres cannot use (dagster#33958).
        url = f"postgresql+psycopg2://{database_url(settings).split('://', 1)[1]}"
        if settings.database_url is None:
            _restart_on_failure(url, settings)
        return cls(url, inst_data=inst_data)


@cache
def _restart_on_failure(url: str, settings: Settings) -> None:
    """Restarts the local server when a connection fails; daemon and web server have no other way to do it."""
    local, address = server(settings), make_url(url)

    @event.listens_for(Engine, "do_connect")
    def connect(dialect: Any, _record: Any, words: Any, named: Any) -> Any:
        if (named.get("host"), named.get("port")) != (address.host, address.port):
            return None
        with contextlib.suppress(dialect.loaded_dbapi.OperationalError, EmbeddedServerError):
            return dialect.connect(*words, **named)
        with contextlib.suppress(EmbeddedServerError):
            local.revive()
        return dialect.connect(*words, **named)
