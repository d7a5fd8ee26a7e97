"""A stand-in for the wire: a `ServiceHttp` that answers from a script and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import strategies as st

from alexandria_pipeline.domain.service_answers import Failed, Unavailable
from alexandria_pipeline.providers.transport.types import JsonResponse

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from alexandria_pipeline.domain.service_answers import Answer
    from alexandria_pipeline.providers.transport.types import Params, Parse

PAYLOADS = Path(__file__).parents[1] / "payloads"
T = TypeVar("T")
Scripted = JsonResponse | Unavailable | Failed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def shaped(*names: str) -> st.SearchStrategy[Any]:
    """JSON whose objects carry the field names a parser looks for, with anything in them."""
    keys = st.sampled_from(names)
    return st.recursive(
        JSON | st.sampled_from(["9780441172719", "Dune", "en", "OL1W", 0, -1, 10**30]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
        max_leaves=15,
    )


def payload(service: str, name: str) -> Any:
    return json.loads((PAYLOADS / service / f"{name}.json").read_text(encoding="utf-8"))


def reply(data: Any, status: int = 200) -> JsonResponse:
    return JsonResponse(status, data, "")


def parsed(scripted: Scripted, parse: Parse[T]) -> Answer[T]:
    """What the transport makes of a scripted response."""
    return parse(scripted) if isinstance(scripted, JsonResponse) else scripted


def answer(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


class Service:
    """Answers each path with what is scripted for it, any other path with `otherwise`."""

    name = "scripted"

    def __init__(
        self,
        otherwise: Scripted,
        script: Mapping[str, Scripted] | None = None,
    ) -> None:
        self.otherwise = otherwise
        self.script = dict(script or {})
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.closed: Unavailable | None = None

    def unavailable(self) -> Unavailable | None:
        return self.closed

    async def get(self, path: str, parse: Parse[T], params: Params | None = None) -> Answer[T]:
        self.asked.append((path, dict(params or {})))
        return self._answer(path, parse)

    async def post(self, path: str, body: Mapping[str, Any], parse: Parse[T]) -> Answer[T]:
        self.asked.append((path, dict(body)))
        return self._answer(path, parse)

    def _answer(self, path: str, parse: Parse[T]) -> Answer[T]:
        return parsed(self.script.get(path, self.otherwise), parse)
