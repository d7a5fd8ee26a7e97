"""The declaration of Internet Archive. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, HttpDefaults, ProviderKind

NAME: Final = "internet-archive"

DECLARATION: Final = Declaration(
    name=NAME,
    title="Internet Archive",
    kind=ProviderKind.FREE,
    capabilities=frozenset(
        {
            Capability.ISBN_RESOLUTION,
            Capability.METADATA_ENRICHMENT,
            Capability.COVER_IMAGES,
            Capability.PUBLIC_DOMAIN,
        }
    ),
    module="alexandria_pipeline.providers.internet_archive.client",
    http=HttpDefaults(prefix="ARCHIVE_ORG", base_url="https://archive.org"),
)
