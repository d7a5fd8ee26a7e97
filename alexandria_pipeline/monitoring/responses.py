"""Responses: JSON, plain text, errors, and the headers of every response."""

from __future__ import annotations

import hashlib
import logging
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from alexandria_pipeline.monitoring.models import Problem

if TYPE_CHECKING:
    from pydantic import BaseModel
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

BROKEN = "something went wrong here; see the log of this process"
NO_DATABASE = "the database does not answer; see the log of this process"

# Default headers: no framing, no content sniffing, no storing, no scripts.
HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Refusal(HTTPException):
    """A rejected request with its reason; `problems` lists every fault."""

    def __init__(
        self, status: int, reason: str, problems: Sequence[str] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, reason, headers)
        self.problems = list(problems)


class Json(Response):
    """Returns a model as a JSON response."""

    media_type = "application/json"

    def __init__(self, answer: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(answer.model_dump_json(), status, headers)


def problem(
    path: str, status: int, reason: str, problems: Sequence[str] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Returns an error in the format of the path: JSON below /api, plain text elsewhere."""
    if path == "/api" or path.startswith("/api/"):
        return Json(Problem(error=reason, problems=list(problems)), status, headers)
    return PlainTextResponse(f"{reason}\n", status, headers)


async def refused(request: Request, error: Exception) -> Response:
    """Handles errors of Starlette (404, 405) and ours; answers OPTIONS with the allowed methods."""
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code == 405 and "Allow" in headers:
        headers["Allow"] = ", ".join(sorted({*headers["Allow"].split(", "), "OPTIONS"}))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
    reason = (
        error.detail
        if isinstance(error, Refusal)
        else {404: "there is nothing here", 405: "not with this method"}.get(error.status_code, error.detail)
    )
    return problem(request.url.path, error.status_code, reason, getattr(error, "problems", ()), headers)


async def unavailable(request: Request, error: Exception) -> Response:
    """Handles database errors. Their text goes only to the log, because it can name hosts and users."""
    log.warning("%s %r cannot be answered: %s", request.method, request.url.path, error)
    return problem(request.url.path, 503, NO_DATABASE)


def policy_for(style: str, script: str) -> str:
    """Returns the content security policy of a page with this inline style sheet and script, which asks this server only."""
    hashes = (b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    style_hash, script_hash = hashes
    own = f"style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; connect-src 'self'"
    return f"{HEADERS['content-security-policy']}; {own}"


class SecurityHeadersMiddleware:
    """Middleware of every response: adds the missing `HEADERS`, and converts an unexpected error into a 500.

    Starlette's own handler raises the mistake again, and the server then cuts a connection that has been kept alive.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                given = list(message.get("headers", ()))
                names = {name.lower() for name, _ in given}
                # A new list, because requests share a cached response.
                message = {**message, "headers": given + [pair for pair in self._headers if pair[0] not in names]}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            if begun or scope["type"] != "http":
                raise
            log.exception("%s %r failed", scope["method"], scope["path"])
            await problem(scope["path"], 500, BROKEN)(scope, receive, send_with_headers)
