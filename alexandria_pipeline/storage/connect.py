"""Opens the database: the server of a setting, or the local server of this machine.

The one place that joins the local server (`embedded.py`), connections (`database.py`) and tables (`migrate.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import check_schema, is_new, migrate, pending

if TYPE_CHECKING:
    from pathlib import Path


def open_database(
    url: str | None,
    home: Path,
    *,
    pool_size: int = 8,
    application: str = "alexandria",
    binaries: Path | None = None,
    account: str | None = None,
) -> Database:
    """Opens a database whose tables have the version of this code.

    With a `url`, that server is used and nothing is started. Its tables are only checked, because migrating a shared
    database is its operator's decision (`alexandria db migrate`); one that has never been migrated gets them at once,
    so that the first run needs no second command. Without a `url`, the local server of `home` is started when needed
    and, being ours, always migrated.

    Raises DatabaseUnavailable, SchemaOutdated, EmbeddedServerError or SettingsError, each with what to do.
    """
    ours = url is None
    if url is None:
        url = EmbeddedServer(home, binaries=binaries, account=account).ensure()
    database = Database(url, pool_size=pool_size, application=application)
    try:
        _fit_tables(database, ours=ours)
    except BaseException:
        database.close()
        raise
    return database


def open_catalog(url: str, *, pool_size: int = 8) -> Database:
    """Opens the catalogue's own database (ALEXANDRIA_CATALOG_URL). Its tables are migrated or checked as `open_database` does."""
    database = Database(url, pool_size=pool_size, setting="ALEXANDRIA_CATALOG_URL")
    try:
        _fit_tables(database, ours=False)
    except BaseException:
        database.close()
        raise
    return database


def _fit_tables(database: Database, *, ours: bool) -> None:
    if pending(database) if ours else is_new(database):
        migrate(database)
    else:
        check_schema(database)
