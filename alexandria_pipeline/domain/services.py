"""What a resolver is called in the cascade, and what its service is called in the ledger and in the settings."""

from __future__ import annotations

from typing import Final

_OTHERWISE: Final = {"internet-archive": "archive_org"}


def service_of(provider: str) -> str:
    """ "archive_org" for "internet-archive", "google_books" for "google-books"."""
    return _OTHERWISE.get(provider, provider.replace("-", "_"))


def provider_of(name: str) -> str:
    """ "internet-archive" for itself and for "archive_org": who sets services may know either name."""
    service = name.lower().replace("-", "_")
    return next((provider for provider, its in _OTHERWISE.items() if its == service), service.replace("_", "-"))
