"""Gemini's error table: the meaning of a status and an error body, and the delay that an error requests."""

from __future__ import annotations

import re
from typing import Final

from alexandria_pipeline.domain import ai_models
from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.common.wire_models import read_model
from alexandria_pipeline.providers.gemini.declaration import KEY_VARIABLE
from alexandria_pipeline.providers.gemini.models import Error
from alexandria_pipeline.providers.transport.types import Json

_NO_CREDITS: Final = re.compile(r"credits?\b.{0,60}\b(?:depleted|used|exhausted)|spending (?:cap|limit)", re.IGNORECASE)
_DAILY: Final = re.compile(r"per ?day", re.IGNORECASE)
# "limit: 0" in the message, or the value 0 of a quota: the free tier does not include the model.
_NO_FREE_QUOTA: Final = re.compile(r"\blimit: 0(?![\d.])")
_SECONDS: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s", re.ASCII)


def parse_error(body: Json) -> Error:
    """The error of a body. Some of Google's front ends wrap it in a list of one."""
    body = body[0] if isinstance(body, list) and body else body
    return read_model(Error, body.get("error") if isinstance(body, dict) else None)


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """The meaning of an error (https://ai.google.dev/gemini-api/docs/troubleshooting). 400, 403 and 404 are permanent."""
    if status < 400 or status in {408, 425} or status >= 500:
        return None
    error = parse_error(body)
    details = f"HTTP {status} {error.summary}".strip()
    if status == 429:
        return _limit_reached(error, details)
    if status in {401, 403} or error.concerns_key:
        return Unavailable(f"Gemini rejects the key in {KEY_VARIABLE} ({details})")
    if status == 404:
        setting = ai_models.GEMINI_SETTING
        reason = f"Gemini does not know the model: set {setting} to a current one ({details})"
        return Failed(reason, transient=False, concerns_model=True)
    return Failed(f"Gemini rejects the request ({details})", transient=False)


def _limit_reached(error: Error, details: str) -> Unavailable | Failed:
    """A 429 has quota violations, a delay, both, or neither. A delay next to a daily quota is meaningless."""
    quotas = [violation for detail in error.details for violation in detail.violations]
    message = error.message or ""
    if _NO_FREE_QUOTA.search(message) or any(quota.value == 0 for quota in quotas):
        return Failed(
            f"this Gemini model has no free quota: enable billing for the key in {KEY_VARIABLE}, or set "
            f"{ai_models.GEMINI_SETTING} to a model with a free tier ({details})",
            transient=False,
            refusal=True,
            concerns_model=True,
        )
    if _NO_CREDITS.search(message):
        return Unavailable(
            f"the prepaid credits of the Gemini account of {KEY_VARIABLE} are used up, or its spending limit is reached: "
            f"add credits, then run `alexandria services reopen gemini` ({details})",
            temporary=True,
        )
    if any(_DAILY.search(quota.quota_id or "") for quota in quotas) or _DAILY.search(message):
        return Unavailable(
            f"Gemini's daily quota is used up; unavailable until midnight in Los Angeles ({details})", temporary=True
        )
    delay = next((detail.retry_delay for detail in error.details if detail.retry_delay), None)
    request = f"requests a delay of {delay}" if delay else "requests fewer calls"
    return Failed(f"Gemini {request} ({details})", transient=True)


def retry_after(body: Json) -> float | None:
    """The seconds of a `RetryInfo` detail ("34.4s"). Gemini does not use the Retry-After header."""
    delays = (_SECONDS.fullmatch(detail.retry_delay or "") for detail in parse_error(body).details)
    return next((float(match[1]) for match in delays if match), None)
