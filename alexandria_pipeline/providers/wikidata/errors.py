"""The error table of Wikidata's query service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.transport.types import Json
from alexandria_pipeline.providers.wikidata.models import bindings

if TYPE_CHECKING:
    pass


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """The query service's errors; most of its error bodies are plain text. A 403 is a ban for not slowing down."""
    if status in {401, 403}:
        return Unavailable(f"Wikidata refuses this client for now (HTTP {status})", temporary=True)
    if status != 200:
        transient = status >= 500 or status in {408, 425, 429}
        return Failed(f"Wikidata's query service answered HTTP {status}", transient=transient)
    if body is None or bindings(body) is not None:
        return None  # without JSON, the transport knows better why
    return Failed("Wikidata's query service answered without a list of results")
