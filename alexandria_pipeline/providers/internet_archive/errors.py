"""The Internet Archive's error table: what a status and an error body mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.common.fields import (
    texts,
)
from alexandria_pipeline.providers.transport.types import Json

if TYPE_CHECKING:
    pass


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """archive.org's errors: a status, or HTTP 200 with an `error` member, or a body that is no object."""
    if status in {401, 403}:
        return Unavailable(f"archive.org refuses this client (HTTP {status})", temporary=True)
    if status != 200:
        return Failed(f"archive.org answered HTTP {status}", transient=status >= 500 or status in {408, 425, 429})
    if body is None:
        return None  # the transport knows better why there is no JSON
    if not isinstance(body, dict):
        return Failed("archive.org answered with something that is not a JSON object")
    if "error" in body:
        return Failed(f"archive.org reports an error: {' '.join(texts(body['error']))[:200]}")
    return None
