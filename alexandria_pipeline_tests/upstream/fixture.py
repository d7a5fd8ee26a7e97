"""pytest fixtures: a stand-in for the session, and the same one with nothing counted and no faults for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline_tests.upstream.behaviour import behaviours
from alexandria_pipeline_tests.upstream.environment import environment
from alexandria_pipeline_tests.upstream.server import Options, StandIn, running

if TYPE_CHECKING:
    from collections.abc import Iterator

SCALE = 20.0


@pytest.fixture(scope="session")
def upstream_server() -> Iterator[StandIn]:
    """300 works over 15 months from 2020-01, rates twenty times the usual ones, no latency; in a thread, on a free port."""
    with running(Options(time_scale=SCALE)) as stand_in:
        yield stand_in


@pytest.fixture
def upstream(upstream_server: StandIn) -> StandIn:
    """The session's stand-in as if nobody had asked it anything, with its first settings."""
    upstream_server.faults.clear()
    options = upstream_server.options
    for service, behaviour in behaviours(options.time_scale, options.daily).items():
        meter = upstream_server.meters[service]
        meter.behaviour, meter.spent = behaviour, 0
        meter.reset()
    return upstream_server


@pytest.fixture
def upstream_environment(upstream: StandIn, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment that leads to the stand-in, set for the test."""
    variables = environment(upstream.base, upstream.options.time_scale, upstream.options.daily)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables
