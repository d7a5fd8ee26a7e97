"""Wikipedia's error table: what a status and an error body mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.common.fields import text
from alexandria_pipeline.providers.transport.types import Json

if TYPE_CHECKING:
    pass


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """Wikipedia's errors; the action API reports its own with HTTP 200 and an `error` object, or a list of `errors`."""
    if status == 403:
        return Unavailable(
            "Wikipedia refuses this client (HTTP 403): does ALEXANDRIA_CONTACT name one?", temporary=True
        )
    if status not in {200, 404}:
        return Failed(f"Wikipedia answered HTTP {status}", transient=status >= 500 or status in {408, 425, 429})
    if status == 404 or body is None:
        return None  # without JSON, the transport knows better why
    if not isinstance(body, dict):
        return Failed("Wikipedia answered with something that is not a JSON object")
    errors = body.get("errors", body.get("error"))
    return Failed(f"Wikipedia reports an error: {_code(errors)}") if errors is not None else None


def _code(errors: Any) -> str:
    first = errors[0] if isinstance(errors, list) and errors else errors
    code = text(first.get("code")) if isinstance(first, dict) else text(first)
    return (code or "without a code")[:100]
