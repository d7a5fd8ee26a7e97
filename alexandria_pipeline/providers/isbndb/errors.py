"""ISBNdb's error table: what a status and an error body mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.isbndb.declaration import KEY_VARIABLE
from alexandria_pipeline.providers.transport.types import Json

if TYPE_CHECKING:
    pass


_MESSAGE_FIELDS: Final = ("errorMessage", "error_message", "message", "error")
_DAILY: Final = re.compile(r"\bdaily\b|\bper day\b|\bquota\b", re.IGNORECASE)
NOT_FOUND: Final = re.compile(r"not\s*found|no (?:books?|results?|matches)", re.IGNORECASE)


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """ISBNdb's errors. Only a message that speaks of the day closes the service: "Per minute…" passes in a minute."""
    if status in {200, 404}:
        return None
    if status == 401:
        return Failed(f"ISBNdb does not accept the key: check {KEY_VARIABLE}", transient=False)
    if status == 429:
        if _DAILY.search(error_text(body)):
            return Unavailable("ISBNdb's daily quota is used up", temporary=True)
        return Failed("ISBNdb asks to slow down (429)")
    if status == 403:
        return Failed("ISBNdb refuses this key or address (403), which is not a matter of quota", transient=False)
    return Failed(f"ISBNdb answered {status}", transient=status in {408, 425} or status >= 500)


def error_text(body: Json) -> str:
    told = [body.get(name) for name in _MESSAGE_FIELDS] if isinstance(body, dict) else [body]
    return " ".join(each for each in told if isinstance(each, str))


def unreadable() -> Failed:
    return Failed("ISBNdb's answer has an unexpected shape")
