"""The declaration of Wikidata. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, HttpDefaults, ProviderKind

NAME: Final = "wikidata"

DECLARATION: Final = Declaration(
    name=NAME,
    title="Wikidata",
    kind=ProviderKind.FREE,
    capabilities=frozenset(
        {
            Capability.ISBN_RESOLUTION,
            Capability.METADATA_ENRICHMENT,
            Capability.COVER_IMAGES,
            Capability.EDITION_VARIANTS,
            Capability.EXTERNAL_IDS,
            Capability.SUBJECT_ENRICHMENT,
            Capability.SUBJECT_BROWSING,
            Capability.SERIES_INFO,
            Capability.AWARDS,
            Capability.TRANSLATIONS,
            Capability.BOOK_GENERATION,
        }
    ),
    module="alexandria_pipeline.providers.wikidata.client",
    # Wikimedia's services share one allowance: 10 requests a minute without a contact, 200 with one
    # (https://www.mediawiki.org/wiki/Wikimedia_APIs/Rate_limits, autumn 2026). Wikidata and Wikipedia get a fixed part each.
    # A client has 60 s of query time a minute, and 5 queries at a time
    # (https://www.mediawiki.org/wiki/Wikidata_Query_Service/User_Manual, autumn 2026): one a second leaves each its second.
    http=HttpDefaults(
        prefix="WIKIDATA",
        base_url="https://query.wikidata.org",
        requests_per_second=5 / 60,
        requests_per_second_with_contact=1,
        parallel=5,
    ),
)
