"""Dagster's storage: the database server of the pipeline, or the local server when no address is set.

`dagster.yaml` names this class, because YAML cannot express "this address if it is set, else a local server". The class also
keeps connections open: Dagster's own storage opens one for every statement, about 400 in a run of one month, and each of them
costs 7 ms (measured on 2026-11-27 with dagster-postgres 0.29.27). `event_log` writes events in batches.
"""

import contextlib
import os
from functools import cache
from typing import Any, Self

import dagster as dg
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine, make_url

from alexandria_pipeline.composition import database_url, server
from alexandria_pipeline.domain.errors import EmbeddedServerError
from alexandria_pipeline.orchestration.event_log import EventLog
from alexandria_pipeline.settings import Settings, load_settings

EVENTS_IN_A_BATCH = 1_000
TABLES_LOCK = 8_204_712  # key of an advisory lock; those of months have two parts


class PipelineStorage(DagsterPostgresStorage):
    """Dagster's PostgreSQL storage at the address of `ALEXANDRIA_DATABASE_URL`, or on the local server, with kept connections."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        engine = _shared_engine(postgres_url)
        with engine.connect() as connection:
            # Processes that start on a new database at the same moment would all create Dagster's tables, and all but one fail.
            connection.execute(text("select pg_advisory_lock(:key)"), {"key": TABLES_LOCK})
            try:
                super().__init__(postgres_url, inst_data=inst_data)
            finally:
                connection.execute(text("select pg_advisory_unlock(:key)"), {"key": TABLES_LOCK})
        self._event_log_storage = EventLog(postgres_url, should_autocreate_tables=False)
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(EVENTS_IN_A_BATCH))
        for part in (self._run_storage, self._event_log_storage, self._schedule_storage):
            # dagster-postgres has no parameter for the pool; `optimize_for_webserver` replaces the same attribute.
            part._engine = engine  # noqa: SLF001

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
def _shared_engine(url: str) -> Engine:
    """One pool for all storages and instances of this process: at most two idle connections, more while threads need them.

    A connection is tested before it is used, so that a restart of the server costs one reconnection. A forked child
    leaves the connections to its parent.
    """
    engine = create_engine(url, isolation_level="AUTOCOMMIT", pool_size=2, max_overflow=-1, pool_pre_ping=True)
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))
    return engine


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
