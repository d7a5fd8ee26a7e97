"""The declaration of the local catalogue. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, ProviderKind

NAME: Final = "local-catalog"

DECLARATION: Final = Declaration(
    name=NAME,
    title="Local catalogue",
    kind=ProviderKind.LOCAL,
    capabilities=frozenset({Capability.ISBN_RESOLUTION, Capability.METADATA_ENRICHMENT}),
    module="alexandria_pipeline.providers.local_catalog.client",
)
