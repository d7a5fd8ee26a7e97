"""pytest fixtures: a stand-in for the session, which is reset for each test."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from alexandria_pipeline_tests.upstream.behaviour import behaviours
from alexandria_pipeline_tests.upstream.catalogue import Catalogue, Spec, build
from alexandria_pipeline_tests.upstream.client import StandInClient
from alexandria_pipeline_tests.upstream.environment import environment
from alexandria_pipeline_tests.upstream.server import Options, StandIn, running
from alexandria_pipeline_tests.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

SCALE = 20.0


@pytest.fixture(scope="session")
def upstream_server() -> Iterator[StandIn]:
    """300 works in 15 months from 2020-01, rates multiplied by 20, no latency; in a thread, on a free port."""
    with running(Options(time_scale=SCALE)) as stand_in:
        yield stand_in


@pytest.fixture
def upstream(upstream_server: StandIn) -> StandIn:
    """The stand-in of the session with empty counters, no faults and default limits.

    Requests over the rate limit are counted, but not rejected: on a busy machine, requests that were sent in time can
    arrive together.
    """
    upstream_server.faults.clear()
    options = upstream_server.options
    for service, behaviour in behaviours(options.time_scale, options.daily).items():
        meter = upstream_server.meters[service]
        meter.behaviour, meter.spent = replace(behaviour, enforced=False), 0
        meter.reset()
    return upstream_server


@pytest.fixture
def upstream_environment(upstream: StandIn, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment variables of the stand-in, set for the test."""
    variables = environment(upstream.base, upstream.options.time_scale, upstream.options.daily)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def stand_in_client(upstream: StandIn) -> Iterator[StandInClient]:
    """An HTTP client of the stand-in."""
    with httpx.Client(timeout=PATIENCE) as http:
        yield StandInClient(http, upstream)


@pytest.fixture(scope="module")
def small_catalogue() -> Catalogue:
    """A catalogue of 120 works in 6 months."""
    return build(Spec(works=120, seed=7, months=6))
