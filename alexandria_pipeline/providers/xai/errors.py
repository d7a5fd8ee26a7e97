"""xAI's error table: what a status and an error body mean."""

from __future__ import annotations

import re
from typing import Final

from alexandria_pipeline.domain import ai_models
from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.providers.transport.types import Json
from alexandria_pipeline.providers.xai.declaration import KEY_VARIABLE

_BAD_KEY: Final = re.compile(r"api[ -]?key", re.IGNORECASE)
_NO_CREDITS: Final = re.compile(r"credits|spending limit|billing", re.IGNORECASE)
_NO_MODEL: Final = re.compile(
    r"model\b.*(?:not found|not exist|not available|no access)|(?:unknown|no such) model", re.IGNORECASE
)


def parse_error(body: Json) -> str:
    """The words of an error body, whose `error` is a string here and an object elsewhere; "" where there are none."""
    error = body.get("error") if isinstance(body, dict) else None
    error = error.get("message") if isinstance(error, dict) else error
    return error.strip() if isinstance(error, str) else ""


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """xAI's error table (https://docs.x.ai/docs/key-information/debugging), read with what it answers in fact.

    A bad key is 400, and no credits 429 or 403. The words about a key or an account are not repeated: they quote both.
    """
    if status < 400 or status in {408, 425} or status >= 500:
        return None
    said = parse_error(body)
    if status in {402, 403, 429} and (status == 402 or _NO_CREDITS.search(said)):
        return Unavailable(
            f"the xAI account of {KEY_VARIABLE} is out of credits or at its spending limit", temporary=True
        )
    if status == 401 or (status in {400, 403} and _BAD_KEY.search(said)):
        return Unavailable(f"xAI refuses the key in {KEY_VARIABLE} (HTTP {status})")
    if status == 429:
        return Failed("xAI asks to slow down", transient=True)
    if status == 404 or _NO_MODEL.search(said):
        setting = ai_models.XAI_SETTING
        return Failed(f"xAI does not know the model: set {setting} to a current one (HTTP {status})", transient=False)
    return Failed(f"xAI refuses the request (HTTP {status}{': ' if said else ''}{excerpt(said)})", transient=False)
