"""Google Books' error table: the meaning of a status and an error body, and which responses are a definite no."""

from __future__ import annotations

import re
from typing import Any, Final

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.common.errors import unexpected_shape, unexpected_status
from alexandria_pipeline.providers.google_books.declaration import DECLARATION, KEY_VARIABLE
from alexandria_pipeline.providers.google_books.models import objects
from alexandria_pipeline.providers.transport.types import Json, JsonResponse

UNREADABLE: Final = unexpected_shape(DECLARATION.title)

UNKNOWN_LOCATION: Final = Failed(
    "Google Books cannot tell the country of this machine: set ALEXANDRIA_GOOGLE_BOOKS_COUNTRY to two letters, such as US",
    transient=False,
    refusal=True,
)

_UNKNOWN_LOCATION: Final = re.compile(r"unknownLocation|cannot determine user location", re.IGNORECASE)
_BAD_KEY: Final = re.compile(
    r"keyinvalid|api_key_|keyexpired|api key (?:not valid|expired|not found)|accessnotconfigured|service_disabled"
    r"|iprefererblocked|unregistered callers|consumer_invalid",
    re.IGNORECASE,
)
PAUSE_SECONDS: Final = 1.0  # before the next attempt after a server error in a 200
_DAILY: Final = re.compile(r"dailylimit|per ?day|1/d/|quotaexceeded", re.IGNORECASE)
_RATE: Final = re.compile(r"ratelimit|rate_limit|resource_exhausted|quota", re.IGNORECASE)


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """The meaning of an error, by its reasons. The status is not enough: quota errors have 429, 403 or 400."""
    if status == 200 and not (isinstance(body, dict) and "error" in body):
        return None
    details = _details(body)
    if status == 200 and (code := _code(body)) >= 500:
        return Failed(f"Google Books returned HTTP 200 with the error {code}", pause_seconds=PAUSE_SECONDS)
    if status in {400, 403} and _UNKNOWN_LOCATION.search(details):
        return UNKNOWN_LOCATION
    if status == 404 and isinstance(body, dict):
        return None  # a volume that does not exist; the parsers check the status
    if status == 401 or _BAD_KEY.search(details):
        return Failed(
            f"Google Books rejects the key, or the key has no access to the Books API: check {KEY_VARIABLE}",
            transient=False,
        )
    if status in {200, 400, 403, 429} and _DAILY.search(details):
        return Unavailable("Google Books' daily quota is used up", temporary=True)
    if status == 429 or (status in {200, 400, 403} and _RATE.search(details)):
        return Failed(f"Google Books requests fewer calls (HTTP {status})")
    return unexpected_status(DECLARATION.title, status)


def _code(body: Json) -> int:
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 0


def _details(body: Json) -> str:
    """The text of an error: message, status, and the reasons and quota limits of its details."""
    error = body.get("error") if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return error if isinstance(error, str) else ""
    parts: list[Any] = [error.get("message"), error.get("status")]
    for each in (*objects(error.get("errors")), *objects(error.get("details"))):
        parts.append(each.get("reason"))
        for limits in objects([each.get("metadata")]):
            parts += [limits.get("quota_limit"), limits.get("quota_unit")]
    return " ".join(each for each in parts if isinstance(each, str))


def is_empty(response: JsonResponse) -> bool:
    """Whether the response is a definite no: `totalItems` is 0, and there are no `items`."""
    if not isinstance(response.data, dict) or response.data.get("items"):
        return False
    total = response.data.get("totalItems")
    return total == 0 and isinstance(total, int) and not isinstance(total, bool)
