"""The error table of the New York Times: the meaning of a status and an error body."""

from __future__ import annotations

import re
from typing import Final

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.common.errors import unexpected_shape, unexpected_status
from alexandria_pipeline.providers.nyt.declaration import DECLARATION, KEY_VARIABLE
from alexandria_pipeline.providers.transport.types import Json

UNREADABLE: Final = unexpected_shape(DECLARATION.title)
# The limit is 5 requests a minute, and a 429 has no Retry-After.
PAUSE_SECONDS: Final = 60.0
_DAILY: Final = re.compile(r"per ?day|daily", re.IGNORECASE)


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """The meaning of an error. Errors have a member `fault` with a `faultstring`."""
    if status == 200:
        return None
    if status in {401, 403}:
        return Unavailable(
            f"the New York Times rejects the key in {KEY_VARIABLE}, or the key has no access to the Books API (HTTP {status})"
        )
    if status == 429:
        if _DAILY.search(_fault(body)):
            return Unavailable("the daily quota of the New York Times is used up", temporary=True)
        return Failed("the New York Times requests fewer calls (HTTP 429)", pause_seconds=PAUSE_SECONDS)
    return unexpected_status(DECLARATION.title, status)


def _fault(body: Json) -> str:
    fault = body.get("fault") if isinstance(body, dict) else None
    text = fault.get("faultstring") if isinstance(fault, dict) else None
    return text if isinstance(text, str) else ""
