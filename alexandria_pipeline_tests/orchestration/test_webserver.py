"""The Dagster UI behind its guard, as a real process: another site cannot use it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from alexandria_pipeline.domain.web_requests import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow("starts the web server of Dagster")

PATIENCE = 120.0
MUTATION = {"query": "mutation { reloadWorkspace { __typename } }"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home: Path = tmp_path_factory.mktemp("dagster")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "alexandria_pipeline.orchestration.webserver",
        "--empty-workspace",
        "-p",
        str(port),
    ]
    environment = os.environ | {"DAGSTER_HOME": str(home), "ALEXANDRIA_DAGSTER_URL": "https://dagster.example.org"}
    process = subprocess.Popen(command, env=environment, cwd=home)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            httpx.get(f"{url}/server_info")
        except httpx.TransportError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:3000"},
    ],
)
def test_a_mutation_of_another_site_is_refused(address: str, headers: dict[str, str]) -> None:
    assert httpx.post(f"{address}/graphql", json=MUTATION, headers=headers).status_code == 403
    assert httpx.get(f"{address}/graphql", params=MUTATION, headers=headers).status_code == 403


def test_the_page_itself_works(address: str) -> None:
    own = {"Origin": address, "Sec-Fetch-Site": "same-origin"}
    query = {"query": "{ version }"}
    assert httpx.post(f"{address}/graphql", json=query, headers=own).status_code == 200
    assert httpx.post(f"{address}/graphql", json=query).status_code == 200
    assert httpx.get(address, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200  # a link in a chat
    assert httpx.get(f"{address}/server_info", headers={"Host": "dagster.example.org"}).status_code == 200


def test_a_foreign_host_gets_no_page(address: str) -> None:
    assert httpx.get(address, headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost:3000", True), ("127.0.0.1", True), ("[::1]:3000", True), ("webserver:3000", True), ("a.example", True),
        ("A.example.:80", True), ("b.example", False), ("", False), ("[::1", False), ("127.0.0.1.nip.io", False),
    ],
)  # fmt: skip
def test_allowed_hosts(host: str, allowed: bool) -> None:
    assert (refusal({"host": host}, {"a.example"}, changes=False) is None) is allowed
