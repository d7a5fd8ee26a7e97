"""Wikipedia's error table: the meaning of a status and an error body."""

from __future__ import annotations

from typing import Any, Final

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.common.errors import unexpected_shape, unexpected_status
from alexandria_pipeline.providers.common.text_fields import text
from alexandria_pipeline.providers.transport.types import Json
from alexandria_pipeline.providers.wikipedia.declaration import DECLARATION

UNREADABLE: Final = unexpected_shape(DECLARATION.title)
MAX_CODE_LENGTH: Final = 100
# Errors that pass: too many requests, servers that lag behind, and maintenance. The service recommends 5 seconds
# (https://www.mediawiki.org/wiki/Manual:Maxlag_parameter).
_PAUSES: Final = frozenset({"ratelimited", "maxlag", "readonly"})
PAUSE_SECONDS: Final = 5.0


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """The meaning of an error. The action API reports errors with status 200, in a member `error` or a list `errors`."""
    if status == 403:
        return Unavailable(
            "Wikipedia rejects this client (HTTP 403): check that ALEXANDRIA_CONTACT names a contact", temporary=True
        )
    if status not in {200, 404}:
        return unexpected_status(DECLARATION.title, status)
    if status == 404 or body is None:
        return None  # if the body is not JSON, the transport reports why
    if not isinstance(body, dict):
        return UNREADABLE
    errors = body.get("errors", body.get("error"))
    if errors is None:
        return None
    code = _code(errors)
    pause = PAUSE_SECONDS if code in _PAUSES else None
    return Failed(f"Wikipedia reports an error: {code}", pause_seconds=pause)


def _code(errors: Any) -> str:
    first = errors[0] if isinstance(errors, list) and errors else errors
    code = text(first.get("code")) if isinstance(first, dict) else text(first)
    return (code or "without a code")[:MAX_CODE_LENGTH]
