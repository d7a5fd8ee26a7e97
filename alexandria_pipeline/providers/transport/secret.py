"""The key of a service, and its removal from everything that is shown or stored."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from html.entities import html5
from typing import TypeVar

from alexandria_pipeline.domain.service_answers import Failed, Unavailable

MIN_SECRET_LENGTH = 8
WINDOW = 500  # characters before and after a part of the key in which the whole key is looked for
MAX_WINDOWS = 10_000  # a text with more parts of the key is cut

Refusal = TypeVar("Refusal", Unavailable, Failed)


class Secret:
    """A key, and the patterns that find it in a text, in plain or as URLs, JSON, HTML or base64 encode it."""

    def __init__(self, key: str) -> None:
        self.key = key
        encoded = b64encode(key.encode()).decode().rstrip("=")
        pattern = f"{''.join(map(_encodings, key))}|{re.escape(encoded)}=*"
        # A very short key would match in ordinary words.
        self._pattern = re.compile(pattern) if len(key) >= MIN_SECRET_LENGTH else None
        # The pattern is slow. No encoding but base64 changes letters and digits, so these texts are checked first.
        self._markers = (max(re.findall(r"[A-Za-z0-9]+", key), key=len, default=""), encoded)

    def __repr__(self) -> str:
        return "Secret(***)"

    def hide(self, text: str) -> str:
        """The text with *** in place of the key."""
        if self._pattern is None or not any(marker in text for marker in self._markers):
            return text
        parts: list[str] = []
        begin = position = 0
        next_at = dict.fromkeys(self._markers, -1)
        for _ in range(MAX_WINDOWS):
            # A marker that is not there any more is at the end of the text.
            next_at = {
                marker: at if at >= position else (found if (found := text.find(marker, position)) >= 0 else len(text))
                for marker, at in next_at.items()
            }
            at = min(next_at.values())
            if at == len(text):
                return "".join((*parts, text[begin:]))
            # One search in the whole text would stop all threads for as long as it lasts.
            match = self._pattern.search(text, max(begin, at - WINDOW), at + WINDOW)
            if match is None:
                position = at + 1
            else:
                parts += (text[begin : match.start()], "***")
                begin = position = match.end()
        return "".join((*parts, "***"))

    def hide_in_body(self, body: bytes) -> bytes:
        """The body with *** in place of the key; bytes that are not UTF-8 stay as they are."""
        if self._pattern is None or not any(marker.encode() in body for marker in self._markers):
            return body
        return self.hide(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def hide_in_reason(self, refusal: Refusal) -> Refusal:
        """The same answer; its reason may quote the service, and the service may quote the key."""
        return replace(refusal, reason=self.hide(refusal.reason))


def _encodings(character: str) -> str:
    """A pattern for one character in plain, URL, JSON and HTML encoding, and in combinations of these."""
    plain = re.escape(character)
    if character.isalnum():
        return plain
    code = ord(character)
    entity = "|".join(name.rstrip(";") for name, value in html5.items() if value == character and name.endswith(";"))
    return (
        rf"(?:\\*{plain}|\\+u(?i:{code:04x})|%(?:25)*(?i:{code:02x})"
        rf"|&(?:amp;)*(?:#0*{code}|#[xX]0*(?i:{code:x}){f'|{entity}' if entity else ''});)"
    )
