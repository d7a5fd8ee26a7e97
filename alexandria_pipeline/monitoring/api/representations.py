"""Representations of a resource: JSON or JSON-LD by the Accept header, with an ETag and the link of the next page."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    Linked = Callable[[], dict[str, Any]]

JSON_LD: Final = "application/ld+json"
_KINDS: Final = {"application/json": "application/json", "application/*": "application/json", "*/*": "application/json"}


def represent(request: Request, content: str, linked: Linked | None = None, following: str | None = None) -> Response:
    """Returns `content`, which is JSON, or what `linked` makes as JSON-LD if the caller prefers it; 304 if the caller has it already.

    `following`: the cursor of the next page, for the header Link.
    """
    headers = {"cache-control": "no-cache", "vary": "Accept"}
    if following:
        query = urlencode({**request.query_params, "cursor": following})
        headers["link"] = f'<{request.url.path}?{query}>; rel="next"'
    if linked is not None and _prefers_linked(request.headers.get("accept", "")):
        body, kind = json.dumps(linked(), ensure_ascii=False).encode(), JSON_LD
    else:
        body, kind = content.encode(), "application/json"
    headers["etag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if _has(request.headers.get("if-none-match", ""), headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def _has(given: str, etag: str) -> bool:
    """Whether If-None-Match names the ETag (RFC 9110, 13.1.2: weak comparison)."""
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return "*" in tags or etag in tags


def _prefers_linked(accept: str) -> bool:
    """Whether JSON-LD has a higher weight than JSON in an Accept header (RFC 9110, 12.5.1)."""
    weights: dict[str, float] = {}
    for part in accept.split(","):
        kind, *parameters = (each.strip().lower() for each in part.split(";"))
        weights[_KINDS.get(kind, kind)] = max(_weight(parameters), weights.get(_KINDS.get(kind, kind), 0.0))
    linked = weights.get(JSON_LD, 0.0)
    return linked > 0 and linked >= weights.get("application/json", 0.0)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
