"""Google Books' error table: what a status and an error body mean."""

from __future__ import annotations

import re
from typing import Any, Final

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.google_books.declaration import KEY_VARIABLE
from alexandria_pipeline.providers.google_books.models import objects
from alexandria_pipeline.providers.transport.types import Json

_BAD_KEY: Final = re.compile(
    r"keyinvalid|api_key_|keyexpired|api key (?:not valid|expired|not found)|accessnotconfigured|service_disabled"
    r"|iprefererblocked|unregistered callers|consumer_invalid", re.IGNORECASE
)  # fmt: skip
_DAILY: Final = re.compile(r"dailylimit|per ?day|1/d/|quotaexceeded", re.IGNORECASE)
_RATE: Final = re.compile(r"ratelimit|rate_limit|resource_exhausted|quota", re.IGNORECASE)


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """Google's errors by their reasons: a status says little, for quota comes as 429, 403 or 400."""
    if status == 200 and not (isinstance(body, dict) and "error" in body):
        return None
    said = _said(body)
    if status == 401 or _BAD_KEY.search(said):
        return Failed(
            f"Google Books does not accept the key, or it lacks the Books API: check {KEY_VARIABLE}", transient=False
        )
    if status in {200, 400, 403, 429} and _DAILY.search(said):
        return Unavailable("Google Books' daily quota is used up", temporary=True)
    if status == 429 or (status in {200, 400, 403} and _RATE.search(said)):
        return Failed(f"Google Books asks to slow down ({status})")
    return Failed(f"Google Books answered {status}", transient=status in {200, 408, 425} or status >= 500)


def _said(body: Json) -> str:
    """All that an error body says: message, status, and the reasons and limits of its details."""
    error = body.get("error") if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return error if isinstance(error, str) else ""
    said: list[Any] = [error.get("message"), error.get("status")]
    for each in (*objects(error.get("errors")), *objects(error.get("details"))):
        said.append(each.get("reason"))
        for limits in objects([each.get("metadata")]):
            said += [limits.get("quota_limit"), limits.get("quota_unit")]
    return " ".join(each for each in said if isinstance(each, str))
