"""The allowance that all services of Wikimedia share."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.providers.base import SharedAllowance

# 10 requests a minute without a contact, 200 with one, for all services together
# (https://www.mediawiki.org/wiki/Wikimedia_APIs/Rate_limits, autumn 2026).
WIKIMEDIA: Final = SharedAllowance("wikimedia", requests_per_second=10 / 60, with_contact=200 / 60)
