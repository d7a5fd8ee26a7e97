"""The routes of the read API. Each parses its parameters, reads the library in a thread, and returns a representation."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import quote

from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from alexandria_pipeline.domain import schema_org
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.monitoring.api import models, openapi
from alexandria_pipeline.monitoring.api.parameters import Parameters, cursor
from alexandria_pipeline.monitoring.api.representations import represent
from alexandria_pipeline.monitoring.figures import percent
from alexandria_pipeline.monitoring.responses import Refusal
from alexandria_pipeline.storage.library import ChangePlace, WorkFilter

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from alexandria_pipeline.storage.database import Row
    from alexandria_pipeline.storage.library import Item, Library
    from alexandria_pipeline.storage.threads import Threads

P = ParamSpec("P")
T = TypeVar("T")

PAGE = ("limit", "cursor")
GONE = "the changes after this cursor are not kept any more; read /api/v1/works again, and follow from a new cursor (from=now)"
FILTERS = ("q", "author", "month", "isbn", "external_id")


def routes(library: Library, threads: Threads) -> list[Route]:
    """Returns the routes, relative to /api/v1."""
    api = _Api(library, threads)
    document = JSONResponse(openapi.document(metadata.version("alexandria-pipeline")))

    async def described(_request: Request) -> Response:
        return document

    return [
        Route("/openapi.json", described),
        Route("/works", api.works),
        Route("/works/{key:path}", api.work),
        Route("/editions", api.editions),
        Route("/editions/{isbn}", api.edition),
        Route("/authors", api.authors),
        Route("/authors/{key:path}", api.author),
        Route("/months", api.months),
        Route("/months/{month}", api.month),
        Route("/changes", api.changes),
    ]


class _Api:
    """One method per path."""

    def __init__(self, library: Library, threads: Threads) -> None:
        self._library, self._threads = library, threads

    async def works(self, request: Request) -> Response:
        asked = Parameters.of(request, (*FILTERS, *PAGE))
        return await self._items(request, asked, "w", partial(self._library.works, _filter(asked)), _linked_work)

    async def work(self, request: Request) -> Response:
        Parameters.of(request, ())
        key = _name(request, "key")
        item = _found(await self._read(self._library.work, key))
        if item.key != key:
            return _moved("works", item.key)
        return represent(request, item.json, lambda: schema_org.document(_linked_work(item.facts)))

    async def editions(self, request: Request) -> Response:
        asked = Parameters.of(request, ("external_id", *PAGE))
        identifier = asked.identifier() if asked.one_of("external_id") else None
        return await self._items(request, asked, "e", partial(self._library.editions, identifier), schema_org.edition)

    async def edition(self, request: Request) -> Response:
        Parameters.of(request, ())
        try:
            isbn = Isbn13.parse(_name(request, "isbn"))
        except InvalidValue as error:
            raise Refusal(404, str(error)) from None
        item = _found(await self._read(self._library.edition, isbn))
        return represent(request, item.json, lambda: schema_org.document(schema_org.edition(item.facts)))

    async def authors(self, request: Request) -> Response:
        asked = Parameters.of(request, ("q", *PAGE))
        return await self._items(request, asked, "a", partial(self._library.authors, asked.given.get("q")))

    async def author(self, request: Request) -> Response:
        Parameters.of(request, ())
        key = _name(request, "key")
        item = _found(await self._read(self._library.author, key))
        return represent(request, item.json) if item.key == key else _moved("authors", item.key)

    async def months(self, request: Request) -> Response:
        asked = Parameters.of(request, PAGE)
        rows = await self._read(_of_months, self._library, asked.after_number("m"), asked.limit + 1)
        shown = rows[: asked.limit]
        following = cursor("m", shown[-1]["place"]) if len(rows) > asked.limit else None
        page = models.MonthPage(items=[models.MonthOfBooks(**row) for row in shown], next=following)
        return represent(request, page.model_dump_json(), following=following)

    async def month(self, request: Request) -> Response:
        Parameters.of(request, ())
        try:
            month = Month.parse(_name(request, "month"))
        except InvalidValue as error:
            raise Refusal(404, str(error)) from None
        row = _found(await self._read(self._library.month, month))
        return represent(request, models.MonthDetails(**_of_month(row)).model_dump_json())

    async def changes(self, request: Request) -> Response:
        asked = Parameters.of(request, ("from", *PAGE))
        after, limit = asked.after_change(), asked.limit
        if asked.one_of("from", "cursor") == "from":
            after = await self._read(self._library.changes_end) if asked.from_now() else None
        found = await self._read(self._library.changes, after, limit + 1)
        if found is None:
            raise Refusal(410, GONE)
        rows, end = found
        shown = rows[:limit]
        if len(rows) > limit:
            end = ChangePlace(end.epoch, shown[-1]["xid"], shown[-1]["change_id"])
        page = models.ChangePage(
            items=[models.Change(**row) for row in shown],
            next=cursor("c", f"{end.epoch}:{end.xid}:{end.change_id}"),
            more=len(rows) > limit,
        )
        return represent(request, page.model_dump_json(), following=page.next)

    async def _items(
        self,
        request: Request,
        asked: Parameters,
        kind: str,
        read: Callable[[Any, int], list[Item]],
        linked: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> Response:
        """Answers with a page of items. `kind`: of the cursor; `linked`: makes the node of JSON-LD."""
        after = asked.after_number(kind) if kind == "w" else asked.after(kind)
        items = await self._read(read, after, asked.limit + 1)
        shown = items[: asked.limit]
        following = cursor(kind, shown[-1].place) if len(items) > asked.limit else None
        page = f'{{"items":[{",".join(item.json for item in shown)}],"next":{json.dumps(following)}}}'
        graph = (lambda: schema_org.graph(linked(item.facts) for item in shown)) if linked else None
        return represent(request, page, graph, following)

    async def _read(self, query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._threads.run(query, *args, **kwargs)


def _filter(asked: Parameters) -> WorkFilter:
    match asked.one_of(*FILTERS):
        case "q":
            return WorkFilter(words=asked.given["q"])
        case "author":
            return WorkFilter(author=asked.given["author"])
        case "month":
            return WorkFilter(month=asked.month())
        case "isbn":
            return WorkFilter(isbn13=asked.isbn())
        case "external_id":
            return WorkFilter(identifier=asked.identifier())
        case _:
            return WorkFilter()


def _linked_work(facts: dict[str, Any]) -> dict[str, Any]:
    return schema_org.work(facts, facts["editions"])


def _of_months(library: Library, after: int, limit: int) -> list[Row]:
    return [_of_month(row) for row in library.months(after, limit)]


def _of_month(row: Row) -> Row:
    month = Month(row["year"], row["month"])
    rate = percent(row["resolved"], row["books"])
    return row | {"month": str(month), "place": month.lock_key, "resolution_rate": rate}


def _name(request: Request, parameter: str) -> str:
    """The name in the path. Raises Refusal 404 for one that no row can have."""
    name = str(request.path_params[parameter])
    if "\0" in name or len(name) > 500:
        raise Refusal(404, "there is nothing here")
    return name


def _moved(kind: str, key: str) -> Response:
    return RedirectResponse(f"/api/v1/{kind}/{quote(key, safe=':')}", 308)


def _found(item: T | None) -> T:
    if item is None:
        raise Refusal(404, "there is nothing of this name here")
    return item
