"""Opens what a command needs: settings, log, and the database or the whole pipeline.

The pipeline is imported when a command opens it: it loads every provider, which takes longer than most commands.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from alexandria_pipeline.cli import logs
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage.connect import open_catalog, open_database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alexandria_pipeline import composition
    from alexandria_pipeline.settings import Settings
    from alexandria_pipeline.storage.database import Database


@contextmanager
def opened_database(*, plans: bool = False) -> Iterator[tuple[Settings, Database]]:
    """The settings and the database, started and migrated if it is the local one. Raises what `open_database` raises.

    With `plans`, the settings have the limits that the services reported for the user's plan.
    """
    settings = _settings()
    url, binaries = settings.database_address, settings.postgres_binaries
    with open_database(url, settings.local_home, binaries=binaries) as database:
        if plans:
            from alexandria_pipeline import composition  # noqa: PLC0415 - see the module's docstring

            settings = composition.with_plans(settings, database)
        yield settings, database


@contextmanager
def opened_catalog() -> Iterator[tuple[Settings, Database]]:
    """The settings and the database that has the local catalogue: its own (ALEXANDRIA_CATALOG_URL), or that of the months."""
    settings = _settings()
    if settings.catalog_address is None:
        with open_database(
            settings.database_address, settings.local_home, binaries=settings.postgres_binaries
        ) as database:
            yield settings, database
    else:
        with open_catalog(settings.catalog_address) as database:
            yield settings, database


def where(settings: Settings, database: Database) -> str:
    """The place of the data, for people: the folder of the local server, or the address of another one."""
    if settings.database_url is not None:
        return f"{database.address} (ALEXANDRIA_DATABASE_URL)"
    return str(EmbeddedServer(settings.local_home, binaries=settings.postgres_binaries).home)


@contextmanager
def opened_pipeline() -> Iterator[tuple[Settings, composition.Pipeline]]:
    """The settings and the pipeline with its providers and stages."""
    from alexandria_pipeline import composition  # noqa: PLC0415 - see the module's docstring

    settings = _settings()
    with composition.opened_pipeline(settings) as pipeline:
        yield composition.with_plans(settings, pipeline.database), pipeline


def _settings() -> Settings:
    settings = load_settings()
    logs.configure(settings)
    return settings
