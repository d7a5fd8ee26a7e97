"""The declaration of Gemini. It imports no client, so that reading it is cheap."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import Capability, Declaration, HttpDefaults, ProviderKind

NAME: Final = "gemini"
KEY_VARIABLE: Final = "GEMINI_API_KEY"

DECLARATION: Final = Declaration(
    name=NAME,
    title="Gemini",
    kind=ProviderKind.AI,
    capabilities=frozenset({Capability.BOOK_GENERATION}),
    module="alexandria_pipeline.providers.gemini.client",
    http=HttpDefaults(
        prefix="GEMINI",
        base_url="https://generativelanguage.googleapis.com/v1beta",
        key_variable=KEY_VARIABLE,
        timeout_seconds=60,
        model="gemini-3.5-flash-lite",
        quota_zone="America/Los_Angeles",
    ),
)
