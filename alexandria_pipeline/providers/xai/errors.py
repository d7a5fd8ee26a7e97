"""xAI's error table: the meaning of a status and an error body."""

from __future__ import annotations

import re
from typing import Final

from alexandria_pipeline.domain import ai_models
from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.domain.tsv import excerpt
from alexandria_pipeline.providers.transport.types import Json
from alexandria_pipeline.providers.xai.declaration import KEY_VARIABLE

_BAD_KEY: Final = re.compile(r"api[ -]?key", re.IGNORECASE)
_REFUSED_PROMPT: Final = re.compile(r"usage guidelines?|failed check|content violates", re.IGNORECASE)
_FAILED_CHECK: Final = re.compile(r"failed check: ?[\w ]{1,60}", re.IGNORECASE)
_NO_CREDITS: Final = re.compile(r"credits|spending limit|billing", re.IGNORECASE)
_NO_MODEL: Final = re.compile(
    r"model\b.{0,200}?(?:not found|not exist|not available|no access)|(?:unknown|no such) model"
    r"|(?:not|no)\b.{0,40}\baccess to (?:the |this )?model",
    re.IGNORECASE,
)


def error_message(body: Json) -> str:
    """The message of an error body, or "". xAI's `error` is a string; other OpenAI-compatible services use an object."""
    error = body.get("error") if isinstance(body, dict) else None
    error = error.get("message") if isinstance(error, dict) else error
    return error.strip() if isinstance(error, str) else ""


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """The meaning of an error (https://docs.x.ai/docs/key-information/debugging, and responses seen in practice).

    A bad key is 400, and missing credits are 429 or 403. A 403 that names a failed check refuses this prompt, although its
    text may contain "API key ID". Messages about a key or an account are not repeated, because they quote both.
    """
    if status < 400 or status in {408, 425} or status >= 500:
        return None
    message = error_message(body)
    if status in {400, 403} and _REFUSED_PROMPT.search(message):
        return Failed(f"xAI refuses this prompt (HTTP {status}: {_check(message)})", transient=False, refusal=True)
    if status in {402, 403, 429} and (status == 402 or _NO_CREDITS.search(message)):
        return Unavailable(
            f"the prepaid credits of the xAI account of {KEY_VARIABLE} are used up, or its spending limit is reached: "
            "add credits, then run `alexandria services reopen xai`",
            temporary=True,
        )
    if status == 401 or (status in {400, 403} and _BAD_KEY.search(message) and not _NO_MODEL.search(message)):
        return Unavailable(f"xAI rejects the key in {KEY_VARIABLE} (HTTP {status})")
    if status == 429:
        return Failed("xAI requests fewer calls (HTTP 429)", transient=True)
    if status == 404 or _NO_MODEL.search(message):
        setting = ai_models.XAI_SETTING
        reason = f"xAI does not know the model: set {setting} to a current one (HTTP {status})"
        return Failed(reason, transient=False, concerns_model=True)
    details = f": {excerpt(message)}" if message else ""
    return Failed(f"xAI rejects the request (HTTP {status}{details})", transient=False)


def _check(message: str) -> str:
    """The check that failed. The rest of the message quotes the account and the key."""
    match = _FAILED_CHECK.search(message)
    return match[0] if match else "it violates the usage guidelines"
