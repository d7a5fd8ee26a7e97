"""Gemini's error table, and the wait that an error requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain import ai_models
from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.common.fields import wire
from alexandria_pipeline.providers.gemini.declaration import KEY_VARIABLE
from alexandria_pipeline.providers.gemini.models import Error
from alexandria_pipeline.providers.transport.types import Json

if TYPE_CHECKING:
    pass


_SPENT: Final = re.compile(
    r"credits? (?:are|is|have been) (?:depleted|used)|spending (?:cap|limit)|per day", re.IGNORECASE
)
_SECONDS: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s", re.ASCII)


def parse_error(body: Json) -> Error:
    """The error of a body; some of Google's front-ends put it in a list of one."""
    body = body[0] if isinstance(body, list) and body else body
    return wire(Error, body.get("error") if isinstance(body, dict) else None)


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """Google's error table (https://ai.google.dev/gemini-api/docs/troubleshooting). 400, 403 and 404 do not heal."""
    if status < 400 or status in {408, 425} or status >= 500:
        return None
    error = parse_error(body)
    told = f"HTTP {status} {error.said}".strip()
    if status == 429:
        return _too_many(error, told)
    if status in {401, 403} or error.blames_key:
        return Unavailable(f"Gemini refuses the key in {KEY_VARIABLE} ({told})")
    if status == 404:
        setting = ai_models.GEMINI_SETTING
        return Failed(f"Gemini does not know the model: set {setting} to a current one ({told})", transient=False)
    return Failed(f"Gemini refuses the request ({told})", transient=False)


def _too_many(error: Error, told: str) -> Unavailable | Failed:
    """429 comes with quota violations, a delay, both, or neither; a delay beside a daily quota promises nothing."""
    quotas = [violation.quota_id or "" for detail in error.details for violation in detail.violations]
    if any("perday" in quota.lower() for quota in quotas) or _SPENT.search(error.message or ""):
        return Unavailable(f"Gemini's quota of the day is used up; closed until midnight ({told})", temporary=True)
    delay = next((detail.retry_delay for detail in error.details if detail.retry_delay), None)
    wish = f"asks to wait {delay}" if delay else "asks to slow down"
    return Failed(f"Gemini {wish} ({told})", transient=True)


def retry_after(body: Json) -> float | None:
    """The seconds of a RetryInfo: Google tells them in the body ("34.4s"), not in a header."""
    told = (_SECONDS.fullmatch(detail.retry_delay or "") for detail in parse_error(body).details)
    return next((float(match[1]) for match in told if match), None)
