"""The declaration of Wikipedia. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, HttpDefaults, ProviderKind

NAME: Final = "wikipedia"

DECLARATION: Final = Declaration(
    name=NAME,
    title="Wikipedia",
    kind=ProviderKind.FREE,
    capabilities=frozenset({Capability.AUTHOR_BIOGRAPHY}),
    module="alexandria_pipeline.providers.wikipedia.client",
    # The rest of the allowance that Wikimedia's services share; see the declaration of Wikidata.
    http=HttpDefaults(
        prefix="WIKIPEDIA",
        base_url="https://en.wikipedia.org",
        requests_per_second=5 / 60,
        requests_per_second_with_contact=2,
    ),
)
