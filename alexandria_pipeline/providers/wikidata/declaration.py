"""The declaration of Wikidata. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, HttpDefaults, ProviderKind
from alexandria_pipeline.providers.common.wikimedia import WIKIMEDIA

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
    # A client has 60 s of query time a minute, and 5 queries at a time
    # (https://www.mediawiki.org/wiki/Wikidata_Query_Service/User_Manual, autumn 2026): one a second leaves each its second.
    http=HttpDefaults(
        prefix="WIKIDATA",
        base_url="https://query.wikidata.org",
        requests_per_second=WIKIMEDIA.requests_per_second,
        requests_per_second_with_contact=1,
        shared=WIKIMEDIA,
        parallel=5,
    ),
)
