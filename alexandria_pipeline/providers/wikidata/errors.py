"""The error table of Wikidata's query service: the meaning of a status and an error body."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.common.errors import unexpected_shape, unexpected_status
from alexandria_pipeline.providers.transport.types import Json
from alexandria_pipeline.providers.wikidata.declaration import DECLARATION
from alexandria_pipeline.providers.wikidata.models import bindings

UNREADABLE: Final = unexpected_shape(DECLARATION.title)


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """The meaning of an error. Most error bodies are plain text. A 403 is a ban for ignoring rate limits.

    The transport obeys a ban whose end is in the body ("banned until …").
    """
    if status in {401, 403}:
        return Unavailable(f"Wikidata rejects this client for now (HTTP {status})", temporary=True)
    if status != 200:
        return unexpected_status(DECLARATION.title, status)
    if body is None or bindings(body) is not None:
        return None  # if the body is not JSON, the transport reports why
    return UNREADABLE
