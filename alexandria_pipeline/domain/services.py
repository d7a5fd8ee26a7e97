"""What a resolver is called in the cascade, and what its service is called in the ledger and in the settings."""

from __future__ import annotations

from typing import Final

_OTHERWISE: Final = {"internet-archive": "archive_org"}


def service_of(provider: str) -> str:
    """ "archive_org" for "internet-archive", "google_books" for "google-books"."""
    return _OTHERWISE.get(provider, provider.replace("-", "_"))
