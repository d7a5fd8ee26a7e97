"""Rate limits, quotas, counters, faults and the control paths of the stand-in, and the stand-in as a program."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from alexandria_pipeline_tests.upstream.behaviour import Behaviour, RequestMeter
from alexandria_pipeline_tests.upstream.environment import environment, variable_prefix
from alexandria_pipeline_tests.upstream.faults import KINDS
from alexandria_pipeline_tests.upstream.model import RESOLVERS, Service
from alexandria_pipeline_tests.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from alexandria_pipeline_tests.upstream.client import StandInClient
    from alexandria_pipeline_tests.upstream.server import StandIn

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)


def test_rate_limit_in_any_second() -> None:
    meter = RequestMeter(Behaviour(rate=3))
    assert [meter.admit("q", "", now=100 + at) for at in (0.0, 0.3, 0.6, 0.9, 1.0, 1.25, 1.7)] == [
        None,
        None,
        None,
        "rate",
        None,
        "rate",
        None,
    ]
    stats = meter.stats()
    assert (stats["requests"], stats["breaches"], stats["peak_in_a_second"], stats["refused"]["rate"]) == (7, 4, 5, 2)
    assert (stats["distinct_requests"], stats["repeats"]) == (1, 6)


def test_daily_quota() -> None:
    meter = RequestMeter(Behaviour(rate=100, daily=2))
    assert [meter.admit("q", "", now=float(at)) for at in range(4)] == [None, None, "quota", "quota"]
    assert meter.admit("/key", "", metered=False, now=9.0) is None
    assert meter.spent == 4


def test_rate_limit_and_counters_over_http(stand_in_client: StandInClient) -> None:
    for rate, expected in ((1000, [200] * 3), (0.5, [429] * 2)):
        stand_in_client.control("settings", {"isbndb": {"rate": rate, "enforced": True}})
        assert [stand_in_client.get(Service.ISBNDB, "/key").status_code for _ in expected] == expected
    stats = stand_in_client.control("stats")["isbndb"]
    assert (stats["breaches"], stats["statuses"], stats["repeats"]) == (2, {"200": 3, "429": 2}, 4)
    assert stand_in_client.control("requests", service="isbndb") == {"GET /isbndb/key": 5}
    stand_in_client.control("reset", {})
    assert stand_in_client.control("stats")["isbndb"]["requests"] == 0


def test_daily_quota_over_http(stand_in_client: StandInClient) -> None:
    stand_in_client.control("settings", {"isbndb": {"daily": 3, "spent": 2}})
    assert stand_in_client.get(Service.ISBNDB, "/key").json()["plan_limit"] == {"total": 3, "spent": 2, "left": 1}
    assert stand_in_client.get(Service.ISBNDB, "/books/the").status_code in {200, 404}
    refused = stand_in_client.get(Service.ISBNDB, "/books/the")
    assert (refused.status_code, refused.json()) == (429, {"errorMessage": "Daily quota exceeded"})
    assert stand_in_client.get(Service.ISBNDB, "/key").json()["plan_limit"]["left"] == 0


def test_time_scale_multiplies_all_rates(upstream: StandIn) -> None:
    variables = environment(upstream.base, upstream.options.time_scale)
    for service, meter in upstream.meters.items():
        assert float(variables[f"ALEXANDRIA_{variable_prefix(service)}_REQUESTS_PER_SECOND"]) == meter.behaviour.rate
        assert variables[f"ALEXANDRIA_{variable_prefix(service)}_BASE_URL"].startswith(upstream.base)


BODIES: dict[str, tuple[int, Callable[[httpx.Response], object]]] = {
    "503-html": (503, lambda reply: "<html>" in reply.text),
    "200-html": (200, lambda reply: reply.headers["content-type"].startswith("text/html")),
    "cut-json": (200, lambda reply: reply.content.startswith(b'{"') and not reply.content.endswith(b"}")),
    "spaces-10mib": (200, lambda reply: len(reply.content) == 10 * 1024 * 1024 and not reply.content.strip()),
    "utf16": (200, lambda reply: reply.content.startswith((b"\xff\xfe", b"\xfe\xff"))),
    "redirect": (302, lambda reply: reply.headers["location"] == "/control/lost"),
    "wrong-content-type": (200, lambda reply: reply.headers["content-type"] == "image/png" and reply.json()),
    "429": (429, lambda reply: "retry-after" not in reply.headers),
    "429-retry-after": (429, lambda reply: reply.headers["retry-after"] == "1"),
    "500": (500, lambda reply: reply.content),
}


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_faults_of_the_response(stand_in_client: StandInClient, kind: str) -> None:
    stand_in_client.control("faults", {"service": "isbndb", "kind": kind, "count": 1})
    status, matches = BODIES[kind]
    reply = stand_in_client.get(Service.ISBNDB, "/key")
    assert reply.status_code == status
    assert matches(reply)
    assert stand_in_client.get(Service.ISBNDB, "/key").json()["plan_limit"]
    assert stand_in_client.control("stats")["isbndb"]["faults"] == {kind: 1}


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("drop-before", httpx.RemoteProtocolError),
        ("drop-within", httpx.RemoteProtocolError),
        ("gzip-damage", httpx.DecodingError),
        ("slow-2bytes", httpx.ReadTimeout),
    ],
)
def test_faults_of_the_connection(stand_in_client: StandInClient, kind: str, error: type[Exception]) -> None:
    stand_in_client.control("faults", [{"service": "*", "kind": kind, "count": 1, "path": "/key"}])
    expected = (error, httpx.ReadError) if kind == "drop-before" else error
    timeout = httpx.Timeout(PATIENCE, read=0.4 if kind == "slow-2bytes" else PATIENCE)
    address, headers = stand_in_client.address(Service.ISBNDB, "/key"), {"Authorization": "k"}
    with pytest.raises(expected):
        stand_in_client.http.get(address, headers=headers, timeout=timeout)
    assert stand_in_client.get(Service.ISBNDB, "/key").status_code == 200


def test_random_faults_and_unknown_kinds(stand_in_client: StandInClient) -> None:
    assert set(KINDS) == {*BODIES, "drop-before", "drop-within", "gzip-damage", "slow-2bytes"}
    stand_in_client.control("faults", {"service": "isbndb", "kind": "500", "probability": 0.5})
    statuses = [stand_in_client.get(Service.ISBNDB, "/key").status_code for _ in range(40)]
    assert 5 < statuses.count(500) < 35
    assert (
        stand_in_client.http.post(
            f"{stand_in_client.stand_in.base}/control/faults", json={"service": "isbndb", "kind": "nonsense"}
        ).status_code
        == 400
    )
    assert stand_in_client.http.delete(f"{stand_in_client.stand_in.base}/control/faults").json() == []


def test_control_returns_the_truth(stand_in_client: StandInClient) -> None:
    month = stand_in_client.stand_in.lists.months[0]
    assert stand_in_client.control("truth", month=month) == stand_in_client.stand_in.lists.truth(month)
    assert {row["month"] for row in stand_in_client.control("truth")} == set(stand_in_client.stand_in.lists.months)
    assert stand_in_client.control("catalogue")["records"].keys() == {service.value for service in RESOLVERS}


def test_the_program_runs() -> None:
    command = [
        sys.executable,
        "-m",
        "alexandria_pipeline_tests.upstream",
        "--works",
        "40",
        "--json",
        "--time-scale",
        "10",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).resolve().parents[2]
    ) as process:
        try:
            assert process.stdout is not None
            output = json.loads(process.stdout.readline())
            assert output["environment"]["ALEXANDRIA_ISBNDB_REQUESTS_PER_SECOND"] == "30"
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", output["base"])
            assert httpx.get(f"{output['control']}/catalogue", timeout=PATIENCE).json()["works"] >= 40
        finally:
            process.terminate()
        assert process.wait(PATIENCE) == 0
