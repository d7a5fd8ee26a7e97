"""The declaration of ISBNdb. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, HttpDefaults, ProviderKind

NAME: Final = "isbndb"
KEY_VARIABLE: Final = "ISBNDB_API_KEY"

# Requests per second at the hosts of the plans (https://isbndb.com/apidocs/v2, autumn 2026).
PLAN_RATES: Final = {"api2.isbndb.com": 1, "api.premium.isbndb.com": 3, "api.pro.isbndb.com": 5}

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
    reports_plan=True,
    terms="Licensed to the subscriber. No right to publish its records is granted, so none is assumed.",
    http=HttpDefaults(
        prefix="ISBNDB",
        base_url="https://api2.isbndb.com",
        key_variable=KEY_VARIABLE,
        # The default host answers 1 request a second on every plan. Host, rate and daily limit of the plan come from
        # GET /key; these are the values until then (https://isbndb.com/isbn-database, autumn 2026).
        requests_per_second=1,
        daily_limit=15_000,
        # 2,000 of the 15,000 calls stay unused (docs/behaviour.md, "Quota"), and the same share of another plan's.
        unused_share=Fraction(2, 15),
    ),
)
