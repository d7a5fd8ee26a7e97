"""An HTTP client for the tests of the stand-in, and the comparison of its responses with published ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alexandria_pipeline_tests.upstream.environment import PREFIXES
from alexandria_pipeline_tests.upstream.model import Kind, Origin, Record, Service, Work

if TYPE_CHECKING:
    import httpx

    from alexandria_pipeline_tests.upstream.server import StandIn

PAYLOADS = Path(__file__).resolve().parents[1] / "payloads"


class StandInClient:
    """Makes requests to a stand-in, with the key of each service."""

    def __init__(self, http: httpx.Client, stand_in: StandIn) -> None:
        self.http = http
        self.stand_in = stand_in

    def get(self, service: Service, path: str, **params: str | int) -> httpx.Response:
        if service is Service.GOOGLE_BOOKS:
            params = {"key": "k", **params}
        return self.http.get(self.address(service, path), params=params, headers={"Authorization": "k"})

    def post(self, service: Service, path: str, body: object) -> httpx.Response:
        headers = {"Authorization": "Bearer k" if service is Service.XAI else "k", "x-goog-api-key": "k"}
        return self.http.post(self.address(service, path), json=body, headers=headers)

    def control(self, path: str, body: object = None, **params: str) -> Any:
        """The JSON of a control path: GET without a body, POST with one."""
        address = f"{self.stand_in.base}/control/{path}"
        reply = self.http.get(address, params=params) if body is None else self.http.post(address, json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def address(self, service: Service, path: str) -> str:
        return f"{self.stand_in.base}{PREFIXES[service]}{path}"

    def record(self, service: Service, **wanted: object) -> Record:
        """An undamaged record of a real work in the service, whose edition has these values."""
        for record in self.stand_in.indexes[service].records:
            work = self.work(record)
            usable = record.damage is None and record.edition.kind is Kind.EDITION and work.origin is Origin.REAL
            if usable and all(getattr(record.edition, name) == value for name, value in wanted.items()):
                return record
        raise AssertionError(f"{service} has no undamaged record with {wanted}")

    def work(self, record: Record) -> Work:
        return self.stand_in.catalogue.works[record.edition.work]


def restated(name: str, *path: str | int) -> Any:
    """The restated response `service/name`, or the part of it at a path of members and positions."""
    service, _, file = name.partition("/")
    found: Any = json.loads((PAYLOADS / service / file).read_text(encoding="utf-8"))
    for step in path:
        found = found[step]
    return found


def assert_same_shape(published: Any, ours: Any, *, members: set[str]) -> None:
    """Our response has these members, with the same types as in the published response."""
    assert members <= set(ours)
    for name in members:
        assert type(published[name]) is type(ours[name]), name
