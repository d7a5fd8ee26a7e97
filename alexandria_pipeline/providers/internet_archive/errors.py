"""The Internet Archive's error table: the meaning of a status and an error body."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.common.errors import unexpected_shape, unexpected_status
from alexandria_pipeline.providers.common.text_fields import texts
from alexandria_pipeline.providers.internet_archive.declaration import DECLARATION
from alexandria_pipeline.providers.transport.types import Json

UNREADABLE: Final = unexpected_shape(DECLARATION.title)
MAX_MESSAGE_LENGTH: Final = 200


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """The meaning of an error: a status, status 200 with an `error` member, or a body that is not an object."""
    if status in {401, 403}:
        return Unavailable(f"the Internet Archive rejects this client (HTTP {status})", temporary=True)
    if status != 200:
        return unexpected_status(DECLARATION.title, status)
    if body is None:
        return None  # the body is not JSON, and the transport reports why
    if not isinstance(body, dict):
        return UNREADABLE
    if "error" in body:
        return Failed(f"the Internet Archive reports an error: {' '.join(texts(body['error']))[:MAX_MESSAGE_LENGTH]}")
    return None
