"""The paths of the services in the stand-in, and the environment variables that make the pipeline use it."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline_tests.upstream.behaviour import ISBNDB_DAILY, RATES
from alexandria_pipeline_tests.upstream.model import Service

PREFIXES: Final = {
    Service.ISBNDB: "/isbndb",
    Service.GOOGLE_BOOKS: "/google/books/v1",
    Service.OPEN_LIBRARY: "/openlibrary",
    Service.INTERNET_ARCHIVE: "/archive",
    Service.WIKIDATA: "/wikidata",
    Service.WIKIPEDIA: "/wikipedia",
    Service.GEMINI: "/gemini/v1beta",
    Service.XAI: "/xai/v1",
}
# The stand-in accepts any key that does not start with "wrong".
KEYS: Final = {
    "ISBNDB_API_KEY": "stand-in-isbndb",
    "GOOGLE_BOOKS_API_KEY": "stand-in-google",
    "GEMINI_API_KEY": "stand-in-gemini",
    "XAI_API_KEY": "stand-in-xai",
}


def variable_prefix(service: Service) -> str:
    """The prefix of the service's settings in environment variables."""
    return "ARCHIVE_ORG" if service is Service.INTERNET_ARCHIVE else service.upper().replace("-", "_")


def environment(base: str, time_scale: float = 1.0, daily: int = ISBNDB_DAILY) -> dict[str, str]:
    """Base URLs, keys and rate limits for a stand-in at `base`, whose rates are multiplied by `time_scale`."""
    found = {
        f"ALEXANDRIA_{variable_prefix(service)}_BASE_URL": f"{base}{prefix}" for service, prefix in PREFIXES.items()
    }
    found |= {
        f"ALEXANDRIA_{variable_prefix(service)}_REQUESTS_PER_SECOND": f"{rate * time_scale:g}"
        for service, rate in RATES.items()
    }
    return found | KEYS | {"ALEXANDRIA_ISBNDB_DAILY_LIMIT": str(daily), "ALEXANDRIA_CONTACT": "tests@example.org"}
