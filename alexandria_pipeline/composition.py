"""Puts the parts together, for Dagster and for the command line alike: settings in, working objects out.

No rule, no statement and no address lives here; only who gets what.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alexandria_pipeline import sample
from alexandria_pipeline.domain.errors import AlexandriaError
from alexandria_pipeline.providers import (
    archive_org,
    gemini,
    google_books,
    isbndb,
    local_catalog,
    open_library,
    wikidata,
    wikipedia,
    xai,
)
from alexandria_pipeline.providers.base import Provider
from alexandria_pipeline.providers.curated_list import CuratedList
from alexandria_pipeline.providers.exchange import HttpClient
from alexandria_pipeline.providers.http import Service, ServiceSpec
from alexandria_pipeline.providers.local_catalog import LocalCatalog
from alexandria_pipeline.providers.registry import Registry
from alexandria_pipeline.settings import SERVICES, Settings
from alexandria_pipeline.stages.catalog import load_catalog
from alexandria_pipeline.stages.generate import Generate
from alexandria_pipeline.stages.persist import Persist
from alexandria_pipeline.stages.resolve import Resolve
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded import EmbeddedServer
from alexandria_pipeline.storage.http_cache import HttpCache
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.migrate import check_schema, migrate
from alexandria_pipeline.storage.quota import QuotaManager
from alexandria_pipeline.storage.server import open_database
from alexandria_pipeline.storage.threads import Threads

# Books in flight ask the database from the loop's threads and from those of the calls.
CONNECTIONS = 16

# The default cascade (BEHAVIOUR, "Resolution"), and what takes its place while no service has been set up.
CASCADE = ("isbndb", "google-books", "open-library", "internet-archive", "wikidata")
CASCADE_WITHOUT_SERVICES = (local_catalog.NAME,)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Everything a process needs to move books: the database, who can be asked, what is left to ask, and the stages."""

    database: Database
    registry: Registry
    quota: QuotaManager
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
    with open_database(url, settings.home, pool_size=CONNECTIONS, binaries=settings.postgres_binaries) as database:
        yield database


@contextmanager
def opened_pipeline(settings: Settings) -> Iterator[Pipeline]:
    """A pipeline on an opened database. The sample fills a catalogue that is to be asked and that nobody has filled."""
    with opened_database(settings) as database, closing(Threads()) as threads:
        if local_catalog.NAME in cascade(settings) and Catalog(database).empty():
            load_catalog(database, "sample catalogue.tsv", sample.path("catalogue.tsv").read_bytes())
        yield assemble(settings, database, threads)


def assemble(settings: Settings, database: Database, threads: Threads) -> Pipeline:
    """The objects of one process on one database."""
    registry = Registry(providers(settings, database, threads), cascade(settings), settings.generators)
    resolve = Resolve(
        database,
        registry.resolvers(),
        settings.language,
        timedelta(days=settings.negative_days),
        settings.books_in_flight,
    )
    generate = Generate(database, registry.generators(), settings.generate_books_per_provider, settings.prompt_variant)
    quota = QuotaManager(database, {name: settings.service(name).quota for name in SERVICES})
    return Pipeline(database, registry, quota, generate, Persist(database), resolve)


def providers(settings: Settings, database: Database, threads: Threads) -> Sequence[Provider]:
    """Every provider there is, free ones before paid ones where several can do the same. A new one is one line here."""
    client, calls, cache = HttpClient(settings.contact), Ledger(database, threads), HttpCache(database, threads)

    def service(spec: ServiceSpec) -> Service:
        return Service(spec, settings.service(spec.name), client, calls, cache)

    facts = wikidata.Wikidata(service(wikidata.SPEC))
    return (
        CuratedList(curated_list(settings)),
        LocalCatalog(Catalog(database)),
        open_library.OpenLibrary(service(open_library.SPEC)),
        archive_org.InternetArchive(service(archive_org.SPEC), datetime.now(UTC).year),
        facts,
        wikipedia.Wikipedia(service(wikipedia.SPEC), facts.article),
        google_books.GoogleBooks(service(google_books.SPEC)),
        isbndb.IsbnDb(service(isbndb.SPEC)),
        gemini.Gemini(service(gemini.SPEC), settings.gemini.model or gemini.DEFAULT_MODEL),
        xai.XAI(service(xai.SPEC), settings.xai.model or xai.DEFAULT_MODEL),
    )


def cascade(settings: Settings) -> Sequence[str]:
    """Who is asked for an ISBN, in order: as set; or the five services once any service is set up; or this machine."""
    return settings.resolver_order or (CASCADE if settings.services_set_up else CASCADE_WITHOUT_SERVICES)


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
