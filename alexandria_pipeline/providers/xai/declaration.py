"""The declaration of xAI. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, HttpDefaults, ProviderKind

NAME: Final = "xai"
KEY_VARIABLE: Final = "XAI_API_KEY"

DECLARATION: Final = Declaration(
    name=NAME,
    title="xAI",
    kind=ProviderKind.AI,
    capabilities=frozenset({Capability.BOOK_GENERATION}),
    module="alexandria_pipeline.providers.xai.client",
    http=HttpDefaults(
        prefix="XAI", base_url="https://api.x.ai/v1", key_variable=KEY_VARIABLE, timeout_seconds=60, model="grok-4.3"
    ),
)
