"""Checks of requests: the shared secret, and the body against its model."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from starlette.datastructures import Headers

from alexandria_pipeline.monitoring.responses import Refusal, problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

Body = TypeVar("Body", bound=BaseModel)

CALLER_HEADER = "X-Cron-Secret"
MAX_BODY_BYTES = 16 * 1024  # of a body; valid bodies have about 150 bytes


class CronSecret:
    """Accepts requests with the secret; rejects all while no secret is set."""

    def __init__(self, app: ASGIApp, secret: SecretStr | None) -> None:
        self._app = app
        self._secret = secret.get_secret_value().encode() if secret else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, reason, headers = refusal
        await problem("/api", status, reason, headers=headers)(scope, receive, send)

    def _refusal(self, headers: Headers) -> tuple[int, str, dict[str, str]] | None:
        if not self._secret:
            return 403, "closed: no secret is set; set ALEXANDRIA_CRON_SECRET and start again", {}
        given = headers.getlist(CALLER_HEADER)
        # Header bytes arrive as Latin-1; a missing header is compared like a wrong one.
        right = hmac.compare_digest((given[0] if given else "").encode("latin-1"), self._secret)
        if right and len(given) == 1:
            return None
        return 401, f"the header {CALLER_HEADER} is missing or wrong", {"WWW-Authenticate": CALLER_HEADER}


async def body(request: Request, model: type[Body]) -> Body:
    """Parses the body as `model`. Raises Refusal: 415, 413, 400 (not JSON), or 422 with every fault."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "the body must be application/json")
    text = await read_body(request)
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)
    problems = [f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in wrong]
    if any(each["type"] == "json_invalid" for each in wrong):
        raise Refusal(400, "the body is not JSON", problems)
    raise Refusal(422, "the body is not what is asked for here; see /openapi.json", problems)


async def read_body(request: Request) -> bytes:
    """The body of a request. Raises Refusal: 413 for more than MAX_BODY_BYTES."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > MAX_BODY_BYTES:
            raise Refusal(413, f"the body is larger than {MAX_BODY_BYTES:,} bytes", headers={"Connection": "close"})
    return bytes(read)
