"""The declaration of Google Books. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, HttpDefaults, ProviderKind

NAME: Final = "google-books"
KEY_VARIABLE: Final = "GOOGLE_BOOKS_API_KEY"

DECLARATION: Final = Declaration(
    name=NAME,
    title="Google Books",
    kind=ProviderKind.FREE,
    capabilities=frozenset(
        {
            Capability.ISBN_RESOLUTION,
            Capability.METADATA_ENRICHMENT,
            Capability.COVER_IMAGES,
            Capability.RATINGS,
            Capability.PUBLIC_DOMAIN,
            Capability.EXTERNAL_IDS,
            Capability.SUBJECT_ENRICHMENT,
        }
    ),
    module="alexandria_pipeline.providers.google_books.client",
    terms="No permanent copies, and no distribution to third parties (https://developers.google.com/terms, section 5.e).",
    http=HttpDefaults(
        prefix="GOOGLE_BOOKS",
        base_url="https://www.googleapis.com/books/v1",
        key_variable=KEY_VARIABLE,
        # A key has 1,000 calls a day (https://console.cloud.google.com/apis/api/books.googleapis.com/quotas, autumn 2026).
        daily_limit=1_000,
        quota_zone="America/Los_Angeles",
    ),
)
