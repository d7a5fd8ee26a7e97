"""Puts the parts together, for Dagster and for the command line alike: settings in, working objects out.

No rule, no statement and no address lives here; only who gets what.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from alexandria_pipeline import sample
from alexandria_pipeline.domain.ai_models import ModelEnd, ended, model_warning
from alexandria_pipeline.domain.alerts import Links
from alexandria_pipeline.domain.errors import AlexandriaError
from alexandria_pipeline.domain.key_figures import BUDGETED_SERVICE
from alexandria_pipeline.operations import notifications as notify
from alexandria_pipeline.operations.alerting import Alerting
from alexandria_pipeline.operations.catalog import load_catalog
from alexandria_pipeline.operations.rollout import Rollout
from alexandria_pipeline.providers import local_catalog
from alexandria_pipeline.providers.base import Provider
from alexandria_pipeline.providers.curated_list import CuratedList
from alexandria_pipeline.providers.gemini import client as gemini
from alexandria_pipeline.providers.google_books import client as google_books
from alexandria_pipeline.providers.internet_archive import client as archive_org
from alexandria_pipeline.providers.isbndb import client as isbndb
from alexandria_pipeline.providers.local_catalog import LocalCatalog
from alexandria_pipeline.providers.open_library import client as open_library
from alexandria_pipeline.providers.registry import Registry
from alexandria_pipeline.providers.transport.client import ServiceTransport
from alexandria_pipeline.providers.transport.connection import HttpClient
from alexandria_pipeline.providers.transport.types import ServiceSpec
from alexandria_pipeline.providers.wikidata import client as wikidata
from alexandria_pipeline.providers.wikipedia import client as wikipedia
from alexandria_pipeline.providers.xai import client as xai
from alexandria_pipeline.settings import SERVICES, Settings
from alexandria_pipeline.stages.enhance import Enhance
from alexandria_pipeline.stages.generate import Generate
from alexandria_pipeline.stages.persist import Persist
from alexandria_pipeline.stages.resolve import Resolve
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.connect import open_database
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.http_cache import HttpCache
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.migrate import check_schema, migrate
from alexandria_pipeline.storage.quota import QuotaManager
from alexandria_pipeline.storage.threads import Threads

log = logging.getLogger(__name__)

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
    enhance: Enhance


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
        for warning in model_warnings(settings, datetime.now(UTC).date()).values():
            log.warning("%s", warning)
        yield assemble(settings, database, threads)


def rollout(settings: Settings, database: Database) -> Rollout:
    """The rollout of this database, paced by the daily quota of ISBNdb."""
    return Rollout(database, settings.rollout, settings.service(BUDGETED_SERVICE).quota)


def assemble(settings: Settings, database: Database, threads: Threads) -> Pipeline:
    """The objects of one process on one database."""
    registry = Registry(providers(settings, database, threads), cascade(settings), settings.generators)
    resolve = Resolve(
        database,
        registry.resolvers(),
        settings.language,
        timedelta(days=settings.negative_days),
        settings.books_in_flight,
        {name: settings.service(name).requests_per_second for name in SERVICES},
    )
    generate = Generate(database, registry.generators(), settings.generate_books_per_provider, settings.prompt_variant)
    quota = QuotaManager(database, {name: settings.service(name).quota for name in SERVICES})
    enhance = Enhance(resolve, quota, settings.language, timedelta(days=settings.negative_days))
    return Pipeline(database, registry, quota, generate, Persist(database), resolve, enhance)


def providers(settings: Settings, database: Database, threads: Threads) -> Sequence[Provider]:
    """Every provider there is, free ones before paid ones where several can do the same. A new one is one line here, and one in `known`."""
    client, calls, cache = HttpClient(settings.contact), Ledger(database, threads), HttpCache(database, threads)

    def service(spec: ServiceSpec) -> ServiceTransport:
        return ServiceTransport(spec, settings.service(spec.name), client, calls, cache)

    facts = wikidata.Wikidata(service(wikidata.SPEC))
    return (
        CuratedList(curated_list(settings)),
        LocalCatalog(Catalog(database)),
        open_library.OpenLibrary(service(open_library.SPEC)),
        archive_org.InternetArchive(service(archive_org.SPEC), datetime.now(UTC).year),
        facts,
        wikipedia.Wikipedia(service(wikipedia.SPEC), facts.article),
        google_books.GoogleBooks(service(google_books.SPEC)),
        isbndb.IsbnDb(service(isbndb.SPEC), counter=service(isbndb.COUNTER_SPEC)),
        gemini.Gemini(service(gemini.SPEC), settings.gemini.model or gemini.DEFAULT_MODEL),
        xai.XAI(service(xai.SPEC), settings.xai.model or xai.DEFAULT_MODEL),
    )


def model_warnings(settings: Settings, today: date) -> Mapping[str, str]:
    """What a person should know about the AI models in use, by provider: those that have ended, or are about to.

    In use is the model of a service that is switched on and has a key, or for which a model has been chosen.
    """
    said = {name: model_warning(model, today) for name, model in models_in_use(settings).items()}
    return {name: warning for name, warning in said.items() if warning is not None}


def models_in_use(settings: Settings) -> Mapping[str, str]:
    """The model of each AI service that is switched on and has a key, or for which a model has been chosen."""
    used: dict[str, str] = {}
    for name, usual in ((gemini.NAME, gemini.DEFAULT_MODEL), (xai.NAME, xai.DEFAULT_MODEL)):
        config = settings.service(name)
        model = config.model or usual
        if config.enabled and (config.key is not None or model != usual):
            used[name] = model
    return used


def watch(settings: Settings, database: Database) -> Alerting:
    """What people are told of, and who is told."""
    quota = QuotaManager(database, {name: settings.service(name).quota for name in SERVICES})

    def ends(today: date) -> Mapping[str, ModelEnd]:
        found = {model: ended(model, today) for model in models_in_use(settings).values()}
        return {model: end for model, end in found.items() if end is not None}

    people = notify.receivers(settings.alert_urls)
    return Alerting(database, quota, SERVICES, rollout(settings, database), ends, people, Links(settings.dagster_url))


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
