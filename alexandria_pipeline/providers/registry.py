"""Who can be asked for what: an explicit table of providers, filtered by what is available now, with reasons.

Adding a service is one file beside this one and one line each in `known` and the composition. Nothing else names a chain of services.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from alexandria_pipeline.domain.errors import SettingsError
from alexandria_pipeline.providers.base import (
    BookGenerator,
    CallCounter,
    Capability,
    IsbnResolver,
    Provider,
    ProviderKind,
)


@dataclass(frozen=True, slots=True)
class Availability:
    """One cell of the matrix capability × provider. `reason` says why it is not available.

    `offered`: the provider has the capability at all.
    """

    capability: Capability
    provider: str
    kind: ProviderKind
    offered: bool
    available: bool
    reason: str = ""


class Registry:
    """All providers of one process. `resolver_order` and `generators` are names from the settings, () for the default.

    Raises SettingsError for a name that no provider has, or that cannot do what it is named for.
    """

    def __init__(self, providers: Sequence[Provider], resolver_order: Sequence[str], generators: Sequence[str]) -> None:
        self._providers = {provider.info.name: provider for provider in providers}
        self._resolvers = self._named(Capability.ISBN_RESOLUTION, "ALEXANDRIA_RESOLVER_ORDER", resolver_order)
        self._generators = self._named(Capability.BOOK_GENERATION, "ALEXANDRIA_GENERATORS", generators)
        self._generators_named = bool(generators)

    def able(self, capability: Capability) -> list[Provider]:
        """Every provider that has the capability, available or not, free ones first as they are registered."""
        return [provider for provider in self._providers.values() if capability in provider.info.capabilities]

    def available(self, capability: Capability) -> list[Provider]:
        """Those that can be asked now."""
        return [provider for provider in self.able(capability) if provider.unavailable() is None]

    def resolvers(self) -> list[IsbnResolver]:
        """The cascade in order, unavailable services included: they say why, and whether a book should wait for them."""
        return cast("list[IsbnResolver]", self._resolvers)

    def generators(self) -> list[BookGenerator]:
        """Whom to ask for a month's books: those named; or else every AI service set up; or else the curated list.

        An AI service that cannot be asked just now stays: the curated list is no substitute for a list that is to come.
        """
        chosen = self._generators
        if not self._generators_named:
            set_up = [each for each in chosen if (closed := each.unavailable()) is None or closed.temporary]
            ai = [provider for provider in set_up if provider.info.kind is ProviderKind.AI]
            chosen = ai or set_up
        return cast("list[BookGenerator]", chosen)

    def counters(self) -> list[CallCounter]:
        """Services that count our calls themselves, so that our count can be held against theirs."""
        return [provider for provider in self._providers.values() if isinstance(provider, CallCounter)]

    def matrix(self) -> Iterator[Availability]:
        """Every capability with every provider, and whether it can be asked for it now, or why not."""
        closed = {name: provider.unavailable() for name, provider in self._providers.items()}
        for capability in Capability:
            for name, provider in self._providers.items():
                offered, why = capability in provider.info.capabilities, closed[name]
                reason = (why.reason if why else "") if offered else f"{name} does not offer {capability.value}"
                yield Availability(capability, name, provider.info.kind, offered, offered and why is None, reason)

    def _named(self, capability: Capability, setting: str, names: Sequence[str]) -> list[Provider]:
        able = {provider.info.name: provider for provider in self.able(capability)}
        unknown = [name for name in names if name not in able]
        if unknown:
            raise SettingsError(
                f"{setting} names {', '.join(unknown)}; {capability.value} is offered by: {', '.join(able)}"
            )
        return [able[name] for name in names] or list(able.values())
