"""The declaration of Open Library. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, HttpDefaults, ProviderKind

NAME: Final = "open-library"

DECLARATION: Final = Declaration(
    name=NAME,
    title="Open Library",
    kind=ProviderKind.FREE,
    capabilities=frozenset(
        {
            Capability.ISBN_RESOLUTION,
            Capability.METADATA_ENRICHMENT,
            Capability.COVER_IMAGES,
            Capability.RATINGS,
            Capability.EDITION_VARIANTS,
            Capability.EXTERNAL_IDS,
            Capability.SUBJECT_ENRICHMENT,
            Capability.SUBJECT_BROWSING,
            Capability.SERIES_INFO,
            Capability.AUTHOR_BIOGRAPHY,
        }
    ),
    module="alexandria_pipeline.providers.open_library.client",
    http=HttpDefaults(
        prefix="OPEN_LIBRARY",
        base_url="https://openlibrary.org",
        # 3 a second for a client that names itself and a contact, 1 a second for others
        # (https://openlibrary.org/developers/api, autumn 2026).
        requests_per_second_with_contact=3,
        # Since May 2026, clients without a contact get a 403 (internetarchive/openlibrary issue 12750).
        needs_contact=True,
    ),
)
