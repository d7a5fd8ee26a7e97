"""The declaration of the curated list. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, ProviderKind

NAME: Final = "curated-list"

DECLARATION: Final = Declaration(
    name=NAME,
    title="Curated list",
    kind=ProviderKind.LOCAL,
    capabilities=frozenset({Capability.BOOK_GENERATION}),
    module="alexandria_pipeline.providers.curated_list.client",
)
