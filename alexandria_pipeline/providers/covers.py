"""Fetches pictures of covers, for the pages: from hosts that allow to show them, with limits for size and time.

The address is a fact of a source and so from outside: only https addresses of known hosts are called, redirects included, and only
what begins like a picture is returned. No quota is concerned: pictures are not part of any API.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import httpx

from alexandria_pipeline.providers.registry import DECLARATIONS

if TYPE_CHECKING:
    from collections.abc import Collection

ALLOWED_SOURCES: Final = frozenset(each.name for each in DECLARATIONS if not each.terms)
"""The sources whose covers may be shown: their terms do not forbid to pass facts on."""

HOSTS: Final = ("covers.openlibrary.org", "archive.org", "commons.wikimedia.org", "upload.wikimedia.org")
"""The hosts of pictures, with those below them. Open Library's covers lead to archive.org."""

BY_ISBN: Final = "https://covers.openlibrary.org/b/isbn/{}-M.jpg?default=false"
"""A cover by ISBN; 404 if there is none (https://openlibrary.org/dev/docs/api/covers)."""

# 100 requests by ISBN in five minutes from one address, and no limit for those by number
# (https://openlibrary.org/dev/docs/api/covers; internetarchive/openlibrary issue 10627, March 2025).
BY_ISBN_REQUESTS, BY_ISBN_SECONDS = 90, 300.0

MAX_BYTES: Final = 2 * 1024 * 1024
SECONDS: Final = 8.0  # for one picture, redirects included
MAX_REDIRECTS: Final = 4
MAX_AT_ONCE: Final = 4
SMALLEST: Final = 20  # pixels; Open Library has pictures of one pixel in place of missing ones (issue 3362)


class PictureType(StrEnum):
    """The formats that are shown, by their media type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    GIF = "image/gif"
    WEBP = "image/webp"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and its format, as its first bytes state it."""

    content: bytes
    type: PictureType

    @classmethod
    def of(cls, content: bytes) -> Picture | None:
        """The picture, or None for other content and for pictures of a few pixels."""
        if content.startswith(b"\xff\xd8\xff"):
            return cls(content, PictureType.JPEG)
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
            return cls(content, PictureType.PNG) if min(width, height) >= SMALLEST else None
        if content.startswith((b"GIF87a", b"GIF89a")):
            width, height = (int.from_bytes(content[at : at + 2], "little") for at in (6, 8))
            return cls(content, PictureType.GIF) if min(width, height) >= SMALLEST else None
        if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
            return cls(content, PictureType.WEBP)
        return None


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no picture. `for_now`: ask again soon, because the host did not answer or its limit is reached."""

    reason: str
    for_now: bool = False


class CoverFetcher:
    """Fetches pictures. `hosts`: allowed beside `HOSTS`, as host or host:port; those may be called with http. For one event loop."""

    def __init__(
        self, user_agent: str, hosts: Collection[str] = (), by_isbn: str = BY_ISBN, seconds: float = SECONDS
    ) -> None:
        self._user_agent, self._by_isbn, self._seconds = user_agent, by_isbn, seconds
        self._own_hosts = frozenset(host.lower() for host in hosts)
        self._at_once = asyncio.Semaphore(MAX_AT_ONCE)
        self._asked: deque[float] = deque(maxlen=BY_ISBN_REQUESTS)
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def by_isbn(self, isbn13: str) -> Picture | Missing:
        """The cover of an ISBN at Open Library."""
        now = asyncio.get_running_loop().time()
        if len(self._asked) == BY_ISBN_REQUESTS and now - self._asked[0] < BY_ISBN_SECONDS:
            return Missing("Open Library's limit for covers by ISBN is reached", for_now=True)
        self._asked.append(now)
        return await self.fetch(self._by_isbn.format(isbn13))

    async def fetch(self, url: str) -> Picture | Missing:
        """The picture of an address."""
        try:
            async with asyncio.timeout(self._seconds), self._at_once:
                return await self._follow(url)
        except TimeoutError:
            return Missing(f"no picture within {self._seconds:.0f} s", for_now=True)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            return Missing(f"the host did not answer ({type(error).__name__})", for_now=True)

    async def _follow(self, url: str) -> Picture | Missing:
        if self._client is None:
            self._client = httpx.AsyncClient(
                headers={"User-Agent": self._user_agent, "Accept": "image/*", "Accept-Encoding": "identity"},
                timeout=SECONDS,
                trust_env=False,
            )
        address = httpx.URL(url)
        for _ in range(MAX_REDIRECTS + 1):
            if not self._allowed(address):
                return Missing(f"the host {address.host} is not one of those for covers")
            async with self._client.stream("GET", address) as answer:
                if answer.has_redirect_location:
                    address = address.join(answer.headers["location"])
                    continue
                return await _read(answer)
        return Missing("too many redirects")

    def _allowed(self, address: httpx.URL) -> bool:
        host = address.host.lower()
        if not self._own_hosts.isdisjoint({host, f"{host}:{address.port}"}):
            return address.scheme in {"http", "https"}
        known = any(host == each or host.endswith(f".{each}") for each in HOSTS)
        return known and address.scheme == "https" and address.port is None and not address.userinfo


async def _read(answer: httpx.Response) -> Picture | Missing:
    if answer.status_code != 200:
        return Missing(
            f"status {answer.status_code}", for_now=answer.status_code in {403, 429} or answer.is_server_error
        )
    # httpx expands a compressed part as a whole, whatever its size (docs/decisions/0012-http-client.md).
    if answer.headers.get("content-encoding", "identity").strip().lower() != "identity":
        return Missing("the picture has an encoding that was not requested")
    content = bytearray()
    async for part in answer.aiter_raw():
        content += part
        if len(content) > MAX_BYTES:
            return Missing(f"larger than {MAX_BYTES:,} bytes")
    return Picture.of(bytes(content)) or Missing("no picture of a cover")
