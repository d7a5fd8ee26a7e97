"""Puts the parts together, for Dagster and for the command line alike: settings in, working objects out.

No rule, no statement and no address lives here; only who gets what.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from alexandria_pipeline import sample
from alexandria_pipeline.domain.errors import AlexandriaError
from alexandria_pipeline.providers.curated_list import CuratedList
from alexandria_pipeline.providers.local_catalog import LocalCatalog
from alexandria_pipeline.providers.registry import Registry
from alexandria_pipeline.settings import Settings
from alexandria_pipeline.stages.catalog import load_catalog
from alexandria_pipeline.stages.generate import Generate
from alexandria_pipeline.stages.persist import Persist
from alexandria_pipeline.stages.resolve import Resolve
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded import EmbeddedServer
from alexandria_pipeline.storage.migrate import check_schema, migrate
from alexandria_pipeline.storage.server import open_database


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Everything a process needs to move books: the database, who can be asked, and the stages."""

    database: Database
    registry: Registry
    generate: Generate
    persist: Persist
    resolve: Resolve


def server(settings: Settings) -> EmbeddedServer:
    """The local server of this state directory."""
    return EmbeddedServer(settings.home, binaries=settings.postgres_binaries)


def database_url(settings: Settings) -> str:
    """The address of the database, its local server started when there is no other."""
    return settings.database_url.get_secret_value() if settings.database_url else server(settings).ensure()


@contextmanager
def opened_database(settings: Settings) -> Iterator[Database]:
    """The database, ready for use: started and migrated when it is ours, checked when it is not."""
    url = settings.database_url.get_secret_value() if settings.database_url else None
    database = open_database(url, settings.home, binaries=settings.postgres_binaries)
    with database:
        yield database


@contextmanager
def opened_pipeline(settings: Settings) -> Iterator[Pipeline]:
    """A pipeline on an opened database. The sample fills a catalogue that nobody has filled yet."""
    with opened_database(settings) as database:
        if Catalog(database).empty():
            load_catalog(database, "sample catalogue.tsv", sample.path("catalogue.tsv").read_bytes())
        yield assemble(settings, database)


def assemble(settings: Settings, database: Database) -> Pipeline:
    """The objects of one process on one database."""
    registry = Registry(
        [CuratedList(curated_list(settings)), LocalCatalog(Catalog(database))],
        settings.resolver_order,
        settings.generators,
    )
    resolve = Resolve(
        database,
        registry.resolvers(),
        settings.language,
        timedelta(days=settings.negative_days),
        settings.books_in_flight,
    )
    generate = Generate(database, registry.generators(), settings.generate_books_per_provider, settings.prompt_variant)
    return Pipeline(database, registry, generate, Persist(database), resolve)


def curated_list(settings: Settings) -> Path:
    """The list in use: the one that is set, or the sample's."""
    return settings.curated_list or sample.path("monthly_list.tsv")


def migrate_database(settings: Settings) -> list[str]:
    """Applies what is missing; names what was applied."""
    with Database(database_url(settings)) as database:
        return migrate(database)


def database_status(settings: Settings) -> dict[str, object]:
    """Where the database is and whether it answers; starts nothing."""
    if settings.database_url is None:
        state = server(settings).status()
        return {
            "server": "local",
            "home": str(state.home),
            "running": state.running,
            "pid": state.pid,
            "port": state.port,
        }
    with Database(settings.database_url.get_secret_value()) as database:
        address = database.address
        try:
            check_schema(database)
        except AlexandriaError as error:
            return {"server": address, "running": False, "reason": str(error)}
    return {"server": address, "running": True}
