"""The declaration of ISBNdb. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, HttpDefaults, ProviderKind

NAME: Final = "isbndb"
KEY_VARIABLE: Final = "ISBNDB_API_KEY"

DECLARATION: Final = Declaration(
    name=NAME,
    title="ISBNdb",
    kind=ProviderKind.PAID,
    capabilities=frozenset(
        {
            Capability.ISBN_RESOLUTION,
            Capability.METADATA_ENRICHMENT,
            Capability.COVER_IMAGES,
            Capability.RATINGS,
            Capability.EDITION_VARIANTS,
            Capability.SUBJECT_ENRICHMENT,
        }
    ),
    module="alexandria_pipeline.providers.isbndb.client",
    http=HttpDefaults(
        prefix="ISBNDB",
        base_url="https://api2.isbndb.com",
        key_variable=KEY_VARIABLE,
        # The Premium plan: 3 requests a second and 15,000 a day (https://isbndb.com/isbn-database, autumn 2026).
        requests_per_second=3,
        daily_limit=15_000,
        # 2,000 of the 15,000 calls stay unused (docs/behaviour.md, "Quota"), and the same share of another plan's.
        unused_share=Fraction(2, 15),
    ),
)
