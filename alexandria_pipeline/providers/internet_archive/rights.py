"""The copyright status of an item: the rule, and the words in a record that decide it.

`models.py` reads the record. docs/services/internet_archive.md has the facts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.metadata import PublicDomain, PublicDomainStatus
from alexandria_pipeline.providers.internet_archive.declaration import NAME

if TYPE_CHECKING:
    from alexandria_pipeline.providers.internet_archive.models import ArchiveItem

# United States: works published more than 95 years ago are in the public domain (17 U.S.C. § 304).
YEARS_OF_PROTECTION: Final = 95
FIRST_YEAR: Final = 1450
"""No earlier year can be the year of a printed book."""

MAX_QUOTE_LENGTH: Final = 200
_LENDING_COLLECTIONS: Final = frozenset({"inlibrary", "lendinglibrary", "browserlending", "printdisabled"})
_FREE_LICENSE: Final = re.compile(
    r"creativecommons\.org/(?:publicdomain/|licenses/(?:publicdomain|zero|cc0))", re.IGNORECASE
)
_OTHER_LICENSE: Final = re.compile(r"creativecommons\.org/licenses/", re.IGNORECASE)
# Searched before `_FREE`: "not in the public domain" contains "public domain", and "NOT_IN_COPYRIGHT" must not match here.
_NOT_FREE: Final = re.compile(
    r"not (?:yet )?(?:in )?(?:the )?public domain|(?<!not )(?<!no longer )\b(?:in[ _]|under )copyright"
    r"|all rights reserved",
    re.IGNORECASE,
)
_FREE: Final = re.compile(
    r"public[ _-]domain|not[ _]in[ _]copyright|no known (?:u\.?s\.? )?copyright|no longer (?:in|under) copyright"
    r"|out of copyright|copyright expired",
    re.IGNORECASE,
)


def public_domain_status(item: ArchiveItem, current_year: int) -> PublicDomain:
    """The status by the record's statements, then by lending, then by the date, because dates are often wrong."""
    stated = _stated(item)
    if stated is not None:
        return PublicDomain(NAME, *stated)
    if lending := sorted(_LENDING_COLLECTIONS.intersection(item.collection)):
        return PublicDomain(NAME, PublicDomainStatus.NO, f"lent to one reader at a time (collection {lending[0]})")
    published = item.date or item.year
    limit = current_year - YEARS_OF_PROTECTION
    if published is not None and FIRST_YEAR <= published.year < limit:
        basis = f"published {published.year}, before {limit} (publication-date rule of the United States)"
        return PublicDomain(NAME, PublicDomainStatus.YES, basis)
    return PublicDomain(NAME, PublicDomainStatus.UNKNOWN, "the record has no statement, and its date does not decide")


def _stated(item: ArchiveItem) -> tuple[PublicDomainStatus, str] | None:
    """The status that the licence or the rights statement gives, with its basis."""
    for address in item.license_url:
        if _FREE_LICENSE.search(address):
            return PublicDomainStatus.YES, f"licence {address}"
        if _OTHER_LICENSE.search(address):
            return PublicDomainStatus.NO, f"under a licence, so in copyright: {address}"
    for words in (*item.copyright_status, *item.rights):
        for form, status in ((_NOT_FREE, PublicDomainStatus.NO), (_FREE, PublicDomainStatus.YES)):
            if form.search(words):
                return status, f"the record states: {words[:MAX_QUOTE_LENGTH]}"
    return None
