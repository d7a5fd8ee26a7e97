"""The table of all providers, and which of them can be called now, with reasons.

Adding a service is one package beside this module and one line in `DECLARATIONS`. Nothing else lists the services.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from alexandria_pipeline.domain.errors import SettingsError
from alexandria_pipeline.providers import (
    curated_list,
    gemini,
    google_books,
    internet_archive,
    isbndb,
    local_catalog,
    nyt,
    open_library,
    wikidata,
    wikipedia,
    xai,
)
from alexandria_pipeline.providers.base import (
    BookGenerator,
    CallCounter,
    Capability,
    Declaration,
    HttpDefaults,
    IsbnResolver,
    MetadataSource,
    Provider,
    ProviderKind,
)

# In the order in which they are asked for one capability, except in the cascade: free providers come first.
DECLARATIONS: Final[tuple[Declaration, ...]] = (
    curated_list.DECLARATION,
    local_catalog.DECLARATION,
    open_library.DECLARATION,
    internet_archive.DECLARATION,
    wikidata.DECLARATION,
    wikipedia.DECLARATION,
    google_books.DECLARATION,
    isbndb.DECLARATION,
    nyt.DECLARATION,
    gemini.DECLARATION,
    xai.DECLARATION,
)

SERVICES: Final[Mapping[str, HttpDefaults]] = {each.name: each.http for each in DECLARATIONS if each.http is not None}
"""The default settings of every HTTP service, by name."""

# The default cascade (docs/behaviour.md, "Resolution"), and the cascade while no service is set up.
CASCADE: Final = tuple(
    each.DECLARATION.name for each in (isbndb, google_books, open_library, internet_archive, wikidata)
)
CASCADE_WITHOUT_SERVICES: Final = (local_catalog.DECLARATION.name,)


def providers_with(capability: Capability) -> tuple[str, ...]:
    """The names of all providers that declare a capability."""
    return tuple(each.name for each in DECLARATIONS if capability in each.capabilities)


def sharing(name: str, *, contact: bool) -> tuple[tuple[str, ...], float]:
    """The services that share an allowance with this one, and its requests per second; () and no limit if it shares none."""
    shared = SERVICES[name].shared
    if shared is None:
        return (), math.inf
    others = tuple(sorted(other for other, http in SERVICES.items() if http.shared == shared and other != name))
    return others, shared.with_contact if contact else shared.requests_per_second


def canonical_name(name: str) -> str:
    """The one name of a provider, from what a person types: case and underscores do not matter.

    The environment prefix of a service is accepted, too ("archive_org" for "internet-archive").
    """
    typed = name.strip().lower().replace("_", "-")
    prefixes = {http.prefix.lower().replace("_", "-"): service for service, http in SERVICES.items()}
    return prefixes.get(typed, typed)


@dataclass(frozen=True, slots=True)
class Availability:
    """One provider and one capability. `offered`: the provider has it at all. `reason`: why it is not available now."""

    capability: Capability
    provider: str
    kind: ProviderKind
    offered: bool
    available: bool
    reason: str = ""


class Registry:
    """All providers of one process. `resolver_order` and `generators` are names from the settings, () for the default.

    `free_generators`: without a key, the services that need none list the books of a month instead of the curated list.
    Raises SettingsError for an unknown name, or a provider without the needed capability.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        resolver_order: Sequence[str],
        generators: Sequence[str],
        *,
        free_generators: bool = False,
    ) -> None:
        self._providers = {provider.declaration.name: provider for provider in providers}
        self._resolvers = self._named(Capability.ISBN_RESOLUTION, "ALEXANDRIA_RESOLVER_ORDER", resolver_order)
        self._generators = self._named(Capability.BOOK_GENERATION, "ALEXANDRIA_GENERATORS", generators)
        self._generators_named = bool(generators)
        self._free_generators = free_generators

    def providers_with(self, capability: Capability) -> list[Provider]:
        """Every provider that has the capability, available or not, in the order of `DECLARATIONS`."""
        return [provider for provider in self._providers.values() if capability in provider.declaration.capabilities]

    def available(self, capability: Capability) -> list[Provider]:
        """Those that can be called now."""
        return [provider for provider in self.providers_with(capability) if provider.unavailable() is None]

    def resolvers(self) -> list[IsbnResolver]:
        """The cascade in order, with unavailable services: these give the reason and whether a book should wait for them."""
        return cast("list[IsbnResolver]", self._resolvers)

    def catalogues(self) -> list[MetadataSource]:
        """Where the ISBNs of lists are looked up: the local catalogue, then the services of the cascade, free ones first."""
        local = self._providers.get(local_catalog.DECLARATION.name)
        chosen = [each for each in dict.fromkeys([local, *self._resolvers]) if isinstance(each, MetadataSource)]
        return sorted(chosen, key=lambda each: each.declaration.kind is ProviderKind.PAID)

    def generators(self) -> list[BookGenerator]:
        """The generators of a month: those that are set, or else every service with a key, or else the curated list.

        With `free_generators`, the services that need no key come before the curated list. A service that is unavailable
        for a time stays in the list: the curated list does not replace its answer.
        """
        chosen = self._generators
        if not self._generators_named:
            set_up = [each for each in chosen if (reason := each.unavailable()) is None or reason.temporary]
            keyed = [each for each in set_up if each.declaration.http and each.declaration.http.key_variable]
            keyless = [each for each in set_up if each.declaration.http and not each.declaration.http.key_variable]
            lists = [each for each in set_up if each.declaration.kind is ProviderKind.LOCAL]
            chosen = keyed or (keyless if self._free_generators else []) or lists
        return cast("list[BookGenerator]", chosen)

    def without_generators(self) -> str:
        """Why there is no generator: the reason of the list, which needs no key, and else how to see those of the services."""
        reasons = [
            reason.reason
            for each in self._generators
            if each.declaration.kind is ProviderKind.LOCAL and (reason := each.unavailable()) is not None
        ]
        return "; ".join([*reasons, "`alexandria providers` shows the services"])

    def counters(self) -> list[CallCounter]:
        """Services that count our calls themselves; the call accounting check compares both counts."""
        return [provider for provider in self._providers.values() if isinstance(provider, CallCounter)]

    def matrix(self) -> Iterator[Availability]:
        """Every capability with every provider, whether it is available now, and if not, why."""
        unavailable = {name: provider.unavailable() for name, provider in self._providers.items()}
        for capability in Capability:
            for name, provider in self._providers.items():
                offered, why = capability in provider.declaration.capabilities, unavailable[name]
                reason = (why.reason if why else "") if offered else f"{name} does not offer {capability.value}"
                yield Availability(
                    capability, name, provider.declaration.kind, offered, offered and why is None, reason
                )

    def _named(self, capability: Capability, setting: str, names: Sequence[str]) -> list[Provider]:
        found = {provider.declaration.name: provider for provider in self.providers_with(capability)}
        unknown = [name for name in names if name not in found]
        if unknown:
            raise SettingsError(
                f"{setting} names {', '.join(unknown)}; {capability.value} is offered by: {', '.join(found)}"
            )
        return [found[name] for name in names] or list(found.values())
