"""Open Library's error table, and which responses are a definite no."""

from __future__ import annotations

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.transport.types import Json, JsonResponse


def explain(status: int, body: Json) -> Unavailable | Failed | None:  # noqa: ARG001 - the body says nothing more
    """Open Library's errors: 429 comes as JSON, 503 as HTML; a 404 of a record is an answer."""
    if status in {200, 404}:
        return None
    if status == 429:
        return Failed("Open Library asks to slow down (429)")
    if status == 403:
        return Failed("Open Library refuses this address (403)")
    return Failed(f"Open Library answered {status}", transient=status in {408, 425} or status >= 500)


def is_empty(reply: JsonResponse) -> bool:
    """A definite no: a record that does not exist, or a list of nothing that counts nothing."""
    data = reply.data
    if not isinstance(data, dict):
        return False
    if reply.status == 404:
        return str(data.get("error")).replace(" ", "").lower() == "notfound"
    counts = [data[name] for name in ("numFound", "num_found", "work_count") if name in data]
    lists = [data[name] for name in ("docs", "works") if isinstance(data.get(name), list)]
    return not data.get("error") and len(lists) == 1 and lists[0] == [] and not any(counts)


def unreadable() -> Failed:
    return Failed("Open Library's answer has an unexpected shape")
