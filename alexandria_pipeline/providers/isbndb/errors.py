"""ISBNdb's error table: the meaning of a status and an error body, and which responses are a definite no."""

from __future__ import annotations

import re
from typing import Final

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.common.errors import unexpected_shape, unexpected_status
from alexandria_pipeline.providers.common.wire_models import read_model
from alexandria_pipeline.providers.isbndb.declaration import DECLARATION, KEY_VARIABLE
from alexandria_pipeline.providers.isbndb.models import Account
from alexandria_pipeline.providers.transport.types import Json, JsonResponse

UNREADABLE: Final = unexpected_shape(DECLARATION.title)

HOST_SETTING: Final = "ALEXANDRIA_ISBNDB_BASE_URL"
RATE_LIMIT: Final = Failed("ISBNdb requests fewer calls (HTTP 429)")

_MESSAGE_FIELDS: Final = ("errorMessage", "error_message", "message", "error")
_DAILY: Final = re.compile(r"\bdaily\b|\bper day\b|\bquota\b", re.IGNORECASE)
_ENDED: Final = re.compile(
    r"\b(?:subscription|plan|trial)\b.{0,40}\b(?:expired|ended|cancell?ed|inactive)", re.IGNORECASE
)
_NOT_FOUND: Final = re.compile(r"not\s*found|no (?:books?|results?|matches)", re.IGNORECASE)


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """The meaning of an error. A 429 means the day only if its message names the day; "Per minute…" ends in a minute."""
    if status in {200, 404}:
        return None
    if status == 401:
        return Failed(f"ISBNdb rejects the key: check {KEY_VARIABLE}", transient=False)
    if status == 429:
        if _DAILY.search(error_text(body)):
            return Unavailable("ISBNdb's daily quota is used up", temporary=True)
        return RATE_LIMIT
    if status == 402:
        return Failed(
            f"ISBNdb rejects this key: its plan has ended or is not paid (HTTP 402, {KEY_VARIABLE})", transient=False
        )
    if status == 403 and _ENDED.search(error_text(body)):
        return Failed(f"ISBNdb rejects this key: its plan has ended (HTTP 403, {KEY_VARIABLE})", transient=False)
    if status == 403:
        return Failed(
            "ISBNdb rejects this key, address or host (HTTP 403); the quota is not the reason. A key of the Premium or Pro plan "
            f"needs its own host: set {HOST_SETTING} to https://api.premium.isbndb.com or https://api.pro.isbndb.com",
            transient=False,
        )
    return unexpected_status(DECLARATION.title, status)


def explain_account(status: int, body: Json) -> Unavailable | Failed | None:
    """As `explain`, for `GET /key`: if no calls are left, the service is unavailable until its quota day ends."""
    limits = read_model(Account, body).plan_limit.limiting if status == 200 else None
    if limits is not None and limits.left == 0:
        whose = "key" if read_model(Account, body).plan_limit.limited_by == "key" else "account"
        return Unavailable(f"the daily quota of the ISBNdb {whose} is used up", temporary=True)
    return explain(status, body)


def error_text(body: Json) -> str:
    """The messages of an error body, or ""."""
    messages = [body.get(name) for name in _MESSAGE_FIELDS] if isinstance(body, dict) else [body]
    return " ".join(each for each in messages if isinstance(each, str))


def is_empty(response: JsonResponse) -> bool:
    """Whether the response is a definite no: the service's own 404, or a search without hits."""
    if response.status == 404:
        return _NOT_FOUND.search(error_text(response.data)) is not None
    return isinstance(response.data, dict) and listed(response.data) == [] and not response.data.get("total")


def listed(data: dict[str, Json]) -> list[Json] | None:
    """The list of books, or None. `GET /books` has `books` and `POST /books` has `data`; the specification has `data`."""
    lists = [data[name] for name in ("books", "data") if isinstance(data.get(name), list)]
    return next((each for each in lists if each), lists[0] if lists else None)
