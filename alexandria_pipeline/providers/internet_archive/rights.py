"""Whether an item of the Internet Archive is free to copy: its record's words, its collections, and its date.

Here are the rule and the words it goes by; the record itself is read in `archive_org_wire`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.metadata import PublicDomain, PublicDomainStatus
from alexandria_pipeline.providers.internet_archive.declaration import NAME

if TYPE_CHECKING:
    from alexandria_pipeline.providers.internet_archive.models import ArchiveItem

# United States: what was published more than 95 years ago is in the public domain (17 U.S.C. § 304).
YEARS_OF_PROTECTION: Final = 95
_FIRST_PRINTED_YEAR: Final = 1450
_LENDING: Final = frozenset({"inlibrary", "lendinglibrary", "browserlending", "printdisabled"})
_FREE_LICENSE: Final = re.compile(
    r"creativecommons\.org/(?:publicdomain/|licenses/(?:publicdomain|zero|cc0))", re.IGNORECASE
)
_OTHER_LICENSE: Final = re.compile(r"creativecommons\.org/licenses/", re.IGNORECASE)
# Refusals are looked for first: "not in the public domain" and "NOT_IN_COPYRIGHT" both hold the other's words.
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
    """What the record says in words, then how it is lent, then the date rule, for dates are often wrong."""
    said = _stated(item)
    if said is not None:
        return PublicDomain(NAME, *said)
    if lending := sorted(_LENDING.intersection(item.collection)):
        return PublicDomain(NAME, PublicDomainStatus.NO, f"lent to one reader at a time (collection {lending[0]})")
    published = item.date or item.year
    limit = current_year - YEARS_OF_PROTECTION
    if published is not None and _FIRST_PRINTED_YEAR <= published.year < limit:
        basis = f"published {published.year}, before {limit} (publication-date rule of the United States)"
        return PublicDomain(NAME, PublicDomainStatus.YES, basis)
    return PublicDomain(NAME, PublicDomainStatus.UNKNOWN, "the record does not say, and its date does not settle it")


def _stated(item: ArchiveItem) -> tuple[PublicDomainStatus, str] | None:
    for address in item.license_url:
        if _FREE_LICENSE.search(address):
            return PublicDomainStatus.YES, f"licence {address}"
        if _OTHER_LICENSE.search(address):
            return PublicDomainStatus.NO, f"under a licence, so in copyright: {address}"
    for words in (*item.copyright_status, *item.rights):
        for form, status in ((_NOT_FREE, PublicDomainStatus.NO), (_FREE, PublicDomainStatus.YES)):
            if form.search(words):
                return status, f"the record says: {words[:200]}"
    return None
