"""Builds the objects of one process from its settings, for Dagster and for the command line.

No rule, no SQL and no address lives here; only which object gets which other objects.
"""

from __future__ import annotations

import functools
import gc
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

from alexandria_pipeline.domain.ai_models import ModelEnd, ended, model_names, model_warning
from alexandria_pipeline.domain.alerts import Links
from alexandria_pipeline.domain.errors import AlexandriaError
from alexandria_pipeline.domain.quota import ServicePlan
from alexandria_pipeline.operations import doctor, notifications
from alexandria_pipeline.operations.alerting import Alerting
from alexandria_pipeline.operations.catalog import load_catalog
from alexandria_pipeline.operations.doctor import Finding
from alexandria_pipeline.operations.plans import current_plan
from alexandria_pipeline.operations.rollout import Rollout
from alexandria_pipeline.providers import local_catalog, sample
from alexandria_pipeline.providers.base import Capability, PlanSource, Provider, ProviderKind
from alexandria_pipeline.providers.registry import (
    CASCADE,
    CASCADE_WITHOUT_SERVICES,
    DECLARATIONS,
    Availability,
    Registry,
)
from alexandria_pipeline.providers.registry import SERVICES as DECLARED
from alexandria_pipeline.providers.transport.client import ServiceTransport
from alexandria_pipeline.providers.transport.connection import HttpClient
from alexandria_pipeline.providers.transport.probe import probe_hosts
from alexandria_pipeline.providers.transport.types import ServiceSpec
from alexandria_pipeline.settings import SERVICES, Settings, env_file
from alexandria_pipeline.stages.cascade import Cascade
from alexandria_pipeline.stages.enhance import Enhance
from alexandria_pipeline.stages.enrich import Enrich
from alexandria_pipeline.stages.generate import Generate
from alexandria_pipeline.stages.persist import Persist
from alexandria_pipeline.stages.resolve import Resolve
from alexandria_pipeline.storage import plans
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.connect import open_catalog, open_database
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.http_cache import HttpCache
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.migrate import check_schema, migrate
from alexandria_pipeline.storage.quota import QuotaManager
from alexandria_pipeline.storage.spool import Spool
from alexandria_pipeline.storage.threads import Threads

log = logging.getLogger(__name__)

# Resolving books and recording calls use the database from different threads.
CONNECTIONS = 16
LOCAL_FIRST_EDITIONS = 100_000
NOT_SET_UP = "no service is set up: set ALEXANDRIA_CONTACT or a key, see docs/settings.md"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a process needs to process months: the database, the providers, their quotas, and the stages."""

    database: Database
    registry: Registry
    quota: QuotaManager
    generate: Generate
    persist: Persist
    resolve: Resolve
    enhance: Enhance
    enrich: Enrich


def server(settings: Settings) -> EmbeddedServer:
    """The local server of this state directory."""
    return EmbeddedServer(settings.local_home, binaries=settings.postgres_binaries)


def database_url(settings: Settings) -> str:
    """The address of the database; starts the local server when no other is set."""
    return settings.database_address or server(settings).ensure()


@contextmanager
def opened_database(settings: Settings) -> Iterator[Database]:
    """The database, ready for use. A local one is started and migrated; another one is checked."""
    with open_database(
        settings.database_address, settings.local_home, pool_size=CONNECTIONS, binaries=settings.postgres_binaries
    ) as database:
        yield database


@contextmanager
def opened_catalog(settings: Settings, database: Database) -> Iterator[Database]:
    """The database that has the local catalogue: its own (ALEXANDRIA_CATALOG_URL), or `database`."""
    if settings.catalog_address is None:
        yield database
    else:
        with open_catalog(settings.catalog_address, pool_size=CONNECTIONS) as catalog:
            yield catalog


@functools.cache
def exempt_loaded_code() -> None:
    """Takes what the process has loaded out of the search for garbage, once. With Dagster a full search stops all threads for 0.2 s."""
    gc.freeze()


@contextmanager
def opened_pipeline(settings: Settings) -> Iterator[Pipeline]:
    """The pipeline on an opened database. Loads the sample into the local catalogue if the cascade uses it and it is empty."""
    with (
        opened_database(settings) as database,
        opened_catalog(settings, database) as editions,
        closing(Threads()) as threads,
    ):
        if local_catalog.DECLARATION.name in cascade(settings, editions) and Catalog(editions).empty():
            load_catalog(editions, "sample catalogue.tsv", sample.path("catalogue.tsv").read_bytes())
        if (
            not settings.resolver_order
            and settings.services_set_up
            and local_catalog.DECLARATION.name in cascade(settings, editions)
        ):
            log.info(
                "The local catalogue is asked before the services; ALEXANDRIA_LOCAL_CATALOG_FIRST=false turns this off."
            )
        for finding in doctor.check_env_file(env_file()):
            log.warning("%s: %s", finding.detail, finding.action)
        for warning in model_warnings(settings, datetime.now(UTC).date()).values():
            log.warning("%s", warning)
        ledger(settings, database, threads).store_spooled()
        pipeline = assemble(with_plans(settings, database, threads), database, threads, editions)
        exempt_loaded_code()
        yield pipeline


def with_plans(settings: Settings, database: Database, threads: Threads | None = None) -> Settings:
    """The settings with the plans of keys. With `threads`, a plan that is older than a day is requested."""
    for declaration in DECLARATIONS:
        if not declaration.reports_plan or not settings.wants_plan(declaration.name):
            continue
        config = settings.service(declaration.name)
        if config.key is None or not config.enabled:
            continue
        plan = _plan(settings, database, threads, declaration.name, config.key.get_secret_value())
        settings = settings.with_plan(plan) if plan else settings
    return settings


def _plan(settings: Settings, database: Database, threads: Threads | None, name: str, key: str) -> ServicePlan | None:
    if threads is None:
        stored = plans.find(database, name, key)
        return stored[0] if stored else None
    kit = _Kit(settings, database, ledger(settings, database, threads), HttpCache(database, threads))
    quota = QuotaManager(database, {name: settings.service(name).quota})
    return current_plan(database, quota, cast(PlanSource, kit.provider(name)), key)


def rollout(settings: Settings, database: Database) -> Rollout:
    """The rollout of this database, paced by the daily quota of ISBNdb."""
    settings = with_plans(settings, database)
    return Rollout(database, settings.rollout, {name: settings.service(name).quota for name in SERVICES})


def assemble(settings: Settings, database: Database, threads: Threads, editions: Database | None = None) -> Pipeline:
    """The objects of one process. `editions`: the database that has the local catalogue; None: the same one."""
    editions = editions or database
    # A person who names a contact and no list wants the books of the free services, not the sample.
    free_generators = settings.contact is not None and settings.curated_list is None
    registry = Registry(
        providers(settings, database, threads, editions),
        cascade(settings, editions),
        settings.generators,
        free_generators=free_generators,
    )
    search = Cascade(database, registry.resolvers(), registry.catalogues())
    negative_life = timedelta(days=settings.negative_days)
    rates = {name: settings.service(name).requests_per_second for name in SERVICES}
    resolve = Resolve(search, settings.language, negative_life, settings.books_in_flight, rates)
    generate = Generate(
        database,
        registry.generators(),
        settings.generate_books_per_provider,
        settings.prompt_variant,
        registry.without_generators(),
    )
    quota = QuotaManager(database, {name: settings.service(name).quota for name in SERVICES})
    enhance = Enhance(search, quota, settings.language, negative_life)
    # Without any service set up, a run makes no call: it has the sample.
    sources = registry.providers_with if settings.services_set_up else _no_providers
    enrich = Enrich(database, Catalog(editions), quota, sources)
    return Pipeline(database, registry, quota, generate, Persist(database), resolve, enhance, enrich)


def _no_providers(_capability: Capability) -> Sequence[Provider]:
    return ()


def providers(
    settings: Settings, database: Database, threads: Threads, editions: Database | None = None
) -> Sequence[Provider]:
    """Every provider of the registry's table, in its order. `editions`: see `assemble`."""
    kit = _Kit(settings, editions or database, ledger(settings, database, threads), HttpCache(database, threads))
    return [kit.provider(declaration.name) for declaration in DECLARATIONS]


def ledger(settings: Settings, database: Database, threads: Threads) -> Ledger:
    """The ledger of calls, with the spool of this state directory."""
    return Ledger(database, threads, Spool(settings.home))


class _Kit:
    """The ProviderKit of one process."""

    def __init__(self, settings: Settings, editions: Database, ledger: Ledger, cache: HttpCache) -> None:
        self.curated_list = curated_list(settings)
        place = editions.address.rpartition("@")[2] if settings.catalog_address else ""
        self.catalog = Catalog(editions, place)
        self.today = datetime.now(UTC).date()
        self._settings, self._ledger, self._cache = settings, ledger, cache
        self._client = HttpClient(settings.contact)
        self._built: dict[str, Provider] = {}

    def service(self, spec: ServiceSpec) -> ServiceTransport:
        return ServiceTransport(spec, self._settings.service(spec.name), self._client, self._ledger, self._cache)

    def model(self, name: str) -> str:
        return _model(self._settings, name)

    def effort(self, name: str) -> str | None:
        return self._settings.service(name).effort

    def country(self, name: str) -> str | None:
        return self._settings.service(name).country

    def provider(self, name: str) -> Provider:
        if name not in self._built:
            declaration = next(each for each in DECLARATIONS if each.name == name)
            self._built[name] = declaration.build(self)
        return self._built[name]


def model_warnings(settings: Settings, today: date) -> Mapping[str, str]:
    """One sentence per AI service whose model has ended or is about to end."""
    found = {
        name: "; ".join(warning for model in models if (warning := model_warning(model, today)))
        for name, models in models_in_use(settings).items()
    }
    return {name: warning for name, warning in found.items() if warning}


def availability(settings: Settings, registry: Registry) -> Iterator[Availability]:
    """Every capability with every provider, and why runs do not ask one, as the commands and pages show it."""
    asked = {resolver.declaration.name for resolver in registry.resolvers()}
    for each in registry.matrix():
        if each.available and not settings.services_set_up and each.kind is not ProviderKind.LOCAL:
            yield replace(each, available=False, reason=NOT_SET_UP)
        elif each.available and each.capability is Capability.ISBN_RESOLUTION and each.provider not in asked:
            yield replace(each, available=False, reason=f"{each.provider} is not among ALEXANDRIA_RESOLVER_ORDER")
        else:
            yield each


def models_in_use(settings: Settings) -> Mapping[str, Sequence[str]]:
    """The models of each AI service that is enabled and has a key or a model chosen by a setting."""
    used: dict[str, Sequence[str]] = {}
    for declaration in DECLARATIONS:
        if declaration.kind is ProviderKind.AI and declaration.http is not None:
            config, model = settings.service(declaration.name), _model(settings, declaration.name)
            if config.enabled and (config.key is not None or model != declaration.http.model):
                used[declaration.name] = model_names(model)
    return used


def _model(settings: Settings, name: str) -> str:
    model = settings.service(name).model
    if model is None:
        raise AssertionError(f"the declaration of {name} has no default model")
    return model


def alerting(settings: Settings, database: Database) -> Alerting:
    """Alerts of this database and their receivers."""
    settings = with_plans(settings, database)
    quota = QuotaManager(database, {name: settings.service(name).quota for name in SERVICES})

    def ends(today: date) -> Mapping[str, ModelEnd]:
        found = {model: ended(model, today) for models in models_in_use(settings).values() for model in models}
        return {model: end for model, end in found.items() if end is not None}

    receivers = notifications.receivers(settings.alert_urls)
    return Alerting(
        database, quota, SERVICES, rollout(settings, database), ends, receivers, Links(settings.dagster_url)
    )


def cascade(settings: Settings, editions: Database) -> Sequence[str]:
    """The cascade in order: as set, or the five services if any is set up, or the local catalogue, which `editions` has.

    A local catalogue of more than `LOCAL_FIRST_EDITIONS` editions comes before the services, because a sure answer there needs no call.
    """
    if settings.resolver_order:
        return settings.resolver_order
    if not settings.services_set_up:
        return CASCADE_WITHOUT_SERVICES
    is_first = settings.local_catalog_first and Catalog(editions).editions() > LOCAL_FIRST_EDITIONS
    return (*CASCADE_WITHOUT_SERVICES, *CASCADE) if is_first else CASCADE


def curated_list(settings: Settings) -> Path:
    """The curated list that is set, or the sample."""
    return settings.curated_list or sample.path("monthly_list.tsv")


def diagnose(settings: Settings, *, offline: bool = False) -> Iterator[Finding]:
    """Checks everything a run depends on; see `operations/doctor.py`. `offline` leaves out requests to services."""
    configs = {name: settings.service(name) for name in SERVICES}
    reachable = {name for name, config in configs.items() if config.key is not None or not config.key_variable}
    used = [name for name in SERVICES if configs[name].enabled and settings.services_set_up and name in reachable]
    if not used:
        yield Finding(
            "services",
            "warn",
            "no service is set up: runs use the sample only",
            "set ALEXANDRIA_CONTACT for the free services, or a key; see docs/settings.md",
        )
    yield from doctor.check_keys(configs, SERVICES)
    yield doctor.check_contact(
        settings.contact,
        [n for n in SERVICES if DECLARED[n].needs_contact or DECLARED[n].requests_per_second_with_contact],
    )
    if not offline:
        client = HttpClient(settings.contact)
        probes = probe_hosts(client, (configs[name].base_url for name in used))
        yield from doctor.check_hosts({name: probes[configs[name].base_url] for name in used})
    yield from doctor.check_models(model_warnings(settings, datetime.now(UTC).date()))
    yield doctor.check_disk(settings.home)
    yield from doctor.check_env_file(env_file())
    yield from doctor.check_ports({"the Dagster UI": 3000, "alexandria serve": 8080})
    try:
        with (
            opened_database(settings) as database,
            opened_catalog(settings, database) as editions,
            closing(Threads()) as threads,
        ):
            yield from doctor.check_database(database)
            if settings.catalog_address:
                yield from doctor.check_database(editions, "catalogue database")
            pipeline = assemble(settings, database, threads, editions)
            yield from doctor.check_state(database, pipeline.quota, used)
            yield doctor.check_catalog(editions, datetime.now(UTC))
            counters = [] if offline else pipeline.registry.counters()
            yield from (doctor.check_accepted(each) for each in counters if configs[each.declaration.name].key)
    except AlexandriaError as error:
        yield Finding("database", "fail", str(error), "see docs/operating.md, or run: alexandria db status")


def migrate_database(settings: Settings) -> list[str]:
    """Applies the missing migrations and returns their names."""
    with Database(database_url(settings)) as database:
        return migrate(database)


def migrate_catalog(settings: Settings) -> list[str]:
    """Applies the missing migrations to the catalogue's own database, if it has one, and returns their names."""
    if settings.catalog_address is None:
        return []
    with Database(settings.catalog_address, setting="ALEXANDRIA_CATALOG_URL") as database:
        return migrate(database)


def database_status(settings: Settings) -> dict[str, object]:
    """Where the database is and whether it answers. Does not start a server."""
    if settings.database_address is None:
        state = server(settings).status()
        return {
            "server": "local",
            "home": str(state.home),
            "running": state.running,
            "pid": state.pid,
            "port": state.port,
        }
    return _status_of(Database(settings.database_address))


def _status_of(database: Database) -> dict[str, object]:
    with database:
        try:
            check_schema(database)
        except AlexandriaError as error:
            return {"server": database.address, "running": False, "reason": str(error)}
    return {"server": database.address, "running": True}


def catalog_status(settings: Settings) -> dict[str, object] | None:
    """Where the catalogue's own database is and whether it answers; None when it has none."""
    if settings.catalog_address is None:
        return None
    return _status_of(Database(settings.catalog_address, setting="ALEXANDRIA_CATALOG_URL"))
