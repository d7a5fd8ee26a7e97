"""The query parameters of the read API: parsing, checks, and cursors.

A cursor is opaque to callers. It holds the kind of list and the place of the last item, so that a page that follows stays right
while rows are added.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.monitoring.responses import Refusal
from alexandria_pipeline.storage.library import LARGEST_ID, ChangePlace, Identifier

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.requests import Request

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200
MAX_LENGTH: Final = 200  # characters of a search or an identifier
_NO_CURSOR: Final = "cursor: is not a cursor of this list; take `next` of the page before"
MAX_CURSOR: Final = 1_000  # characters
_PLACE = re.compile(r"(\d{1,20}\.\d{1,10}):(\d{1,19}):(\d{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The checked query parameters of one request, by name. Each method raises Refusal 422 for a value that is wrong."""

    given: dict[str, str]

    @classmethod
    def of(cls, request: Request, allowed: Collection[str]) -> Parameters:
        """Raises Refusal 422 for an unknown, repeated, empty or too long parameter."""
        pairs = request.query_params.multi_items()
        names = [name for name, _ in pairs]
        problems = [
            f"{name}: is not a parameter here; these are: {', '.join(allowed)}" for name in names if name not in allowed
        ]
        problems += [f"{name}: may be given once" for name in set(names) if names.count(name) > 1]
        problems += [f"{name}: {why}" for name, value in pairs if (why := _wrong_text(name, value))]
        if problems:
            raise _wrong(*problems)
        return cls(dict(pairs))

    @property
    def limit(self) -> int:
        """The number of items of a page."""
        text = self.given.get("limit", str(DEFAULT_LIMIT))
        if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MAX_LIMIT):
            raise _wrong(f"limit: must be a number from 1 to {MAX_LIMIT}")
        return int(text)

    def after(self, kind: str) -> str:
        """The place in the list after which the page begins; empty for the first page."""
        text = self.given.get("cursor")
        if text is None:
            return ""
        try:
            found, _, place = base64.b64decode(text.encode(), altchars=b"-_", validate=True).decode().partition(":")
        except (ValueError, binascii.Error):
            found, place = "", ""
        if found != kind or not place or _unprintable(place):
            raise _wrong(_NO_CURSOR)
        return place

    def after_number(self, kind: str) -> int:
        """The same for a list that is ordered by a number; 0 for the first page."""
        text = self.after(kind) or "0"
        if not (text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= LARGEST_ID):
            raise _wrong(_NO_CURSOR)
        return int(text)

    def after_change(self) -> ChangePlace | None:
        """The place in the feed of changes; None for the oldest change."""
        text = self.after("c")
        if not text:
            return None
        match = _PLACE.fullmatch(text)
        if match is None or max(int(match[2]), int(match[3])) > LARGEST_ID:
            raise _wrong(_NO_CURSOR)
        return ChangePlace(match[1], match[2], int(match[3]))

    def one_of(self, *names: str) -> str | None:
        """The one of these parameters that is given, or None."""
        given = [name for name in names if name in self.given]
        if len(given) > 1:
            raise _wrong(f"{given[1]}: cannot be combined with {given[0]}")
        return given[0] if given else None

    def from_now(self) -> bool:
        """Whether `from` is "now" and not "start"."""
        if self.given["from"] not in {"now", "start"}:
            raise _wrong("from: must be now or start")
        return self.given["from"] == "now"

    def month(self) -> Month:
        try:
            return Month.parse(self.given["month"])
        except InvalidValue as error:
            raise _wrong(f"month: {error}") from None

    def isbn(self) -> Isbn13:
        try:
            return Isbn13.parse(self.given["isbn"])
        except InvalidValue as error:
            raise _wrong(f"isbn: {error}") from None

    def identifier(self) -> Identifier:
        scheme, colon, value = self.given["external_id"].partition(":")
        if not (scheme and colon and value):
            raise _wrong("external_id: write it as scheme:value, such as openlibrary:OL7M")
        return Identifier(scheme, value)


def cursor(kind: str, place: object) -> str:
    """Returns the cursor of the page after the item at this place."""
    return base64.urlsafe_b64encode(f"{kind}:{place}".encode()).decode()


def _wrong_text(name: str, value: str) -> str | None:
    most = MAX_CURSOR if name == "cursor" else MAX_LENGTH
    if not value.strip() or len(value) > most:
        return f"must have 1 to {most} characters"
    return "has a control character" if _unprintable(value) else None


def _unprintable(value: str) -> bool:
    """Whether the text has a character that PostgreSQL refuses or that no name has."""
    return any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in value)


def _wrong(*problems: str) -> Refusal:
    return Refusal(422, "the parameters are not what is asked for here; see /api/v1/openapi.json", problems)
