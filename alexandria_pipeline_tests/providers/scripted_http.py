"""An HTTP transport in memory: returns scripted responses, applies the error table and the parser, and records requests."""

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
    from alexandria_pipeline.providers.transport.types import Params, Parse, ServiceSpec

PAYLOADS = Path(__file__).parents[1] / "payloads"
T = TypeVar("T")
Scripted = JsonResponse | Unavailable | Failed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
"""Any JSON value."""


def json_with(*names: str) -> st.SearchStrategy[Any]:
    """JSON values whose objects have members with these names, and any values in them."""
    keys = st.sampled_from(names)
    return st.recursive(
        JSON | st.sampled_from(["9780441172719", "Dune", "en", "OL1W", 0, -1, 10**30]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6),
        max_leaves=15,
    )


def payload(service: str, name: str) -> Any:
    """The JSON of `payloads/<service>/<name>.json`."""
    return json.loads((PAYLOADS / service / f"{name}.json").read_text(encoding="utf-8"))


def response(data: Any, status: int = 200) -> JsonResponse:
    """A response with this JSON value."""
    return JsonResponse(status, data, json.dumps(data))


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine."""
    return asyncio.run(coroutine)


class ScriptedHttp:
    """A `ServiceHttp` in memory. `script` has the responses of paths, `otherwise` that of every other path.

    `requests` has the path and the parameters or body of every request. `closed` is the result of `unavailable`.
    """

    def __init__(
        self,
        spec: ServiceSpec,
        otherwise: Scripted,
        script: Mapping[str, Scripted] | None = None,
        closed: Unavailable | None = None,
    ) -> None:
        self.name = spec.name
        self.spec = spec
        self.otherwise = otherwise
        self.script = dict(script or {})
        self.closed = closed
        self.requests: list[tuple[str, dict[str, Any]]] = []

    @property
    def paths(self) -> list[str]:
        """The paths of all requests."""
        return [path for path, _ in self.requests]

    def unavailable(self) -> Unavailable | None:
        return self.closed

    async def get(self, path: str, parse: Parse[T], params: Params | None = None) -> Answer[T]:
        self.requests.append((path, dict(params or {})))
        return self._answer(path, parse)

    async def post(self, path: str, body: Mapping[str, Any], parse: Parse[T]) -> Answer[T]:
        self.requests.append((path, dict(body)))
        return self._answer(path, parse)

    def _answer(self, path: str, parse: Parse[T]) -> Answer[T]:
        scripted = self.script.get(path, self.otherwise)
        if not isinstance(scripted, JsonResponse):
            return scripted
        return self.spec.explain(scripted.status, scripted.data) or parse(scripted)
