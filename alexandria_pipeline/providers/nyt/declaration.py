"""The declaration of the New York Times. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, HttpDefaults, ProviderKind

NAME: Final = "nyt"
KEY_VARIABLE: Final = "NYT_API_KEY"

DECLARATION: Final = Declaration(
    name=NAME,
    title="New York Times",
    kind=ProviderKind.FREE,
    capabilities=frozenset({Capability.BOOK_GENERATION}),
    module="alexandria_pipeline.providers.nyt.client",
    terms="No copies beyond the own application, and no redistribution (https://developer.nytimes.com/terms).",
    http=HttpDefaults(
        prefix="NYT",
        base_url="https://api.nytimes.com/svc/books/v3",
        key_variable=KEY_VARIABLE,
        # 5 a minute and 500 a day (https://developer.nytimes.com/faq, autumn 2026).
        requests_per_second=5 / 60,
        daily_limit=500,
    ),
)
