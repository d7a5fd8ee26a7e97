"""The routes of the pages. A search for an ISBN, a key or words leads to works."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any, Protocol

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.monitoring.pages.rendering import path_of, policy, render
from alexandria_pipeline.monitoring.responses import Refusal
from alexandria_pipeline.storage.library import WorkFilter

if TYPE_CHECKING:
    from starlette.requests import Request

    from alexandria_pipeline.storage.library import Item, Library
    from alexandria_pipeline.storage.threads import Threads

SHOWN = 50  # works of a search
MAX_QUERY = 200  # characters
TRANSPARENT = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")  # one pixel


class Picture(Protocol):
    """A picture: its bytes and its media type."""

    @property
    def content(self) -> bytes: ...

    @property
    def type(self) -> str: ...


class Covers(Protocol):
    """What the pages need of `operations.covers.Covers`."""

    async def picture(self, isbn13: Isbn13) -> Picture | None: ...

    async def close(self) -> None: ...


def routes(library: Library, threads: Threads, covers: Covers | None) -> list[Route]:
    """Returns the routes of all pages. Without `covers` they show none."""
    pages = _Pages(library, threads, covers)
    return [
        *([Route("/covers/{isbn}", pages.cover)] if covers else ()),
        Route("/library", pages.search),
        Route("/months/{month}", pages.month),
        Route("/works/{key:path}", pages.work),
        Route("/authors/{key:path}", pages.author),
    ]


class _Pages:
    """One method per path."""

    def __init__(self, library: Library, threads: Threads, covers: Covers | None) -> None:
        self._library, self._threads, self._covers = library, threads, covers

    async def cover(self, request: Request) -> Response:
        """The cover of an ISBN. Without one, 404 with a transparent picture, which browsers show instead of a broken one."""
        try:
            isbn13 = Isbn13.parse(str(request.path_params["isbn"]))
        except InvalidValue as error:
            raise Refusal(404, str(error)) from None
        picture = await self._covers.picture(isbn13) if self._covers else None
        if picture is None:
            return Response(TRANSPARENT, 404, media_type="image/gif")
        return Response(picture.content, media_type=picture.type, headers={"cache-control": "private, max-age=86400"})

    async def search(self, request: Request) -> Response:
        query = _printable(request.query_params.get("q", "")[:MAX_QUERY])
        work = await self._threads.run(self._named, query) if query else None
        works = [work] if work else await self._threads.run(self._found, query)
        template = "results.html" if "part" in request.query_params else "library.html"
        return self._page(template, query=query, works=[work.facts for work in works[:SHOWN]], more=len(works) > SHOWN)

    async def month(self, request: Request) -> Response:
        try:
            month = Month.parse(str(request.path_params["month"]))
        except InvalidValue as error:
            raise Refusal(404, str(error)) from None
        row = await self._threads.run(self._library.month, month)
        if row is None:
            raise Refusal(404, f"{month} is not in the queue")
        return self._page("month.html", month=month, row=row)

    async def work(self, request: Request) -> Response:
        key = _key(request)
        item = await self._threads.run(self._library.work, key)
        if item is None:
            raise Refusal(404, "there is no work of this key")
        if item.key != key:
            return RedirectResponse(path_of("works", item.key), 308)
        history = await self._threads.run(self._library.history, item.place)
        return self._page("work.html", work=item.facts, **history)

    async def author(self, request: Request) -> Response:
        key = _key(request)
        item = await self._threads.run(self._library.author, key)
        if item is None:
            raise Refusal(404, "there is no author of this key")
        if item.key != key:
            return RedirectResponse(path_of("authors", item.key), 308)
        works = await self._threads.run(self._library.works, WorkFilter(author=key), 0, SHOWN + 1)
        return self._page(
            "author.html",
            author=item.facts,
            works=[work.facts for work in works[:SHOWN]],
            more=len(works) > SHOWN,
        )

    def _page(self, template: str, **content: Any) -> Response:
        text = render(template, covers=self._covers is not None, **content)
        return HTMLResponse(text, headers={"Content-Security-Policy": policy()})

    def _named(self, query: str) -> Item | None:
        """The work of an ISBN or a key."""
        try:
            found = self._library.works(WorkFilter(isbn13=Isbn13.parse(query)), 0, 1)
        except InvalidValue:
            return self._library.work(query)
        return found[0] if found else None

    def _found(self, query: str) -> list[Item]:
        return self._library.works(WorkFilter(words=query or None), 0, SHOWN + 1)


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _key(request: Request) -> str:
    key = str(request.path_params["key"])
    if "\0" in key or len(key) > 500:
        raise Refusal(404, "there is nothing here")
    return key
