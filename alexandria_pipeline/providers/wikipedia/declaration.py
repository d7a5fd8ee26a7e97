"""The declaration of Wikipedia. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, HttpDefaults, ProviderKind
from alexandria_pipeline.providers.common.wikimedia import WIKIMEDIA

NAME: Final = "wikipedia"

DECLARATION: Final = Declaration(
    name=NAME,
    title="Wikipedia",
    kind=ProviderKind.FREE,
    capabilities=frozenset({Capability.AUTHOR_BIOGRAPHY}),
    module="alexandria_pipeline.providers.wikipedia.client",
    http=HttpDefaults(
        prefix="WIKIPEDIA",
        base_url="https://en.wikipedia.org",
        requests_per_second=WIKIMEDIA.requests_per_second,
        requests_per_second_with_contact=WIKIMEDIA.with_contact,
        shared=WIKIMEDIA,
    ),
)
