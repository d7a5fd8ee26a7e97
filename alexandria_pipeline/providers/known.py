"""Every provider there is, as classes: what settings may name, known before anything is set up.

The objects are made in the composition, one line for each of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alexandria_pipeline.providers.curated_list import CuratedList
from alexandria_pipeline.providers.gemini.client import Gemini
from alexandria_pipeline.providers.google_books.client import GoogleBooks
from alexandria_pipeline.providers.internet_archive.client import InternetArchive
from alexandria_pipeline.providers.isbndb.client import IsbnDb
from alexandria_pipeline.providers.local_catalog import LocalCatalog
from alexandria_pipeline.providers.open_library.client import OpenLibrary
from alexandria_pipeline.providers.wikidata.client import Wikidata
from alexandria_pipeline.providers.wikipedia.client import Wikipedia
from alexandria_pipeline.providers.xai.client import XAI

if TYPE_CHECKING:
    from alexandria_pipeline.providers.base import Capability, ProviderInfo

INFOS: Final[tuple[ProviderInfo, ...]] = tuple(
    provider.info
    for provider in (
        CuratedList, LocalCatalog, OpenLibrary, InternetArchive, Wikidata, Wikipedia, GoogleBooks, IsbnDb, Gemini, XAI
    )
)  # fmt: skip


def able(capability: Capability) -> tuple[str, ...]:
    """The names of those that have a capability."""
    return tuple(info.name for info in INFOS if capability in info.capabilities)
