"""Open Library's error table: the meaning of a status, and which responses are a definite no."""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.common.errors import unexpected_shape, unexpected_status
from alexandria_pipeline.providers.open_library.declaration import DECLARATION
from alexandria_pipeline.providers.transport.types import Json, JsonResponse

UNREADABLE: Final = unexpected_shape(DECLARATION.title)


def explain(status: int, body: Json) -> Unavailable | Failed | None:  # noqa: ARG001 - the bodies add nothing
    """The meaning of an error. A 429 has a JSON body and a 503 an HTML body; a 404 for a record is a normal response."""
    if status in {200, 404}:
        return None
    if status == 429:
        return Failed("Open Library requests fewer calls (HTTP 429)")
    if status == 403:
        return Unavailable(
            "Open Library rejects this client (HTTP 403): check that ALEXANDRIA_CONTACT names a real contact",
            temporary=True,
        )
    return unexpected_status(DECLARATION.title, status)


def is_empty(response: JsonResponse) -> bool:
    """Whether the response is a definite no: a record that does not exist, or an empty list with a count of 0.

    While its search is down, the service returns an empty list with an `error` member; that is not a no.
    """
    data = response.data
    if not isinstance(data, dict):
        return False
    if response.status == 404:
        return str(data.get("error")).replace(" ", "").lower() == "notfound"
    counts = [data[name] for name in ("numFound", "num_found", "work_count") if name in data]
    lists = [data[name] for name in ("docs", "works") if isinstance(data.get(name), list)]
    return not data.get("error") and len(lists) == 1 and lists[0] == [] and not any(counts)
