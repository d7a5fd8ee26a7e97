"""`alexandria serve` as a process: it answers, it ends on a signal, and it states why it cannot start."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from alexandria_pipeline.domain.errors import SettingsError
from alexandria_pipeline.monitoring.http_protocol import MAX_BODY_PARTS, MAX_HEADER_BYTES, MAX_PIPELINED
from alexandria_pipeline.monitoring.server import listening

pytestmark = pytest.mark.slow("each test starts a server process")

ALEXANDRIA = str(Path(sys.executable).parent / "alexandria")


def _environment(folder: Path, **settings: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ALEXANDRIA_", "PG"))}
    return (
        clean
        | {"ALEXANDRIA_HOME": str(folder)}
        | {f"ALEXANDRIA_{name.upper()}": value for name, value in settings.items()}
    )


@contextmanager
def _served(folder: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    command = [ALEXANDRIA, "serve", "--port", "0"]
    with subprocess.Popen(
        command,
        env=_environment(folder, **settings),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert address is not None
            with httpx.Client(base_url=address[0], timeout=30, trust_env=False) as client:
                yield process, client
        finally:
            process.kill()


SECRET = "open-sesame-of-the-test"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_until_it_gets_a_signal(database_url: str, tmp_path: Path, how: signal.Signals) -> None:
    with _served(tmp_path, database_url=database_url, cron_secret=SECRET) as (process, client):
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get("/api/internal/backfill-stats").status_code == 401
        inside = client.get("/api/internal/backfill-stats", headers={"X-Cron-Secret": SECRET})
        assert inside.json()["total_months"] == 0
        client.close()
        process.send_signal(how)
        _, error_output = process.communicate(timeout=120)
    assert "Traceback" not in error_output
    assert SECRET not in error_output


@pytest.mark.parametrize(
    "half", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"]
)
def test_half_requests_are_ended_and_do_not_disturb_others(database_url: str, tmp_path: Path, half: bytes) -> None:
    with _served(tmp_path, database_url=database_url) as (_, client), contextlib.ExitStack() as stack:
        address = (client.base_url.host, client.base_url.port)
        sockets = [stack.enter_context(socket.create_connection(address, timeout=120)) for _ in range(300)]
        for each in sockets:
            each.sendall(half)
        assert client.get("/healthz").status_code == 200
        for each in sockets:
            while each.recv(65536):
                pass


def test_a_header_that_is_too_long_is_refused(database_url: str, tmp_path: Path) -> None:
    with _served(tmp_path, database_url=database_url) as (_, client):
        # One byte over the limit: the server has read all when it refuses. It would reset the connection if more were on the way.
        begin = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: "
        with socket.create_connection((client.base_url.host, client.base_url.port), timeout=120) as connection:
            connection.sendall(begin + b"x" * (MAX_HEADER_BYTES + 1 - len(begin)))
            assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "parts",
    [
        [b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ", *[b"x" * 1_000] * 17],
        [b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"X-Many: 1\r\n" * 2_000],
        [b"GET /" + b"x" * MAX_HEADER_BYTES + b" HTTP/1.1\r\n"],
        [b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: ", *[b"x" * 1_000] * 17],
        [b"GET /api/v1/works HTTP/1.1\r\nHost: x\r\n\r\n" * (MAX_PIPELINED + 2)],
        [b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * (MAX_BODY_PARTS + 1)],
    ],
    ids=["in parts", "many fields", "address", "trailer", "many requests at once", "many chunks"],
)
def test_long_headers_and_many_requests_at_once_are_refused(client: httpx.Client, parts: list[bytes]) -> None:
    address = (client.base_url.host, client.base_url.port)
    received, reset = b"", False
    try:
        with socket.create_connection(address, timeout=120) as connection:
            for part in parts:
                connection.sendall(part)
            while part := connection.recv(65536):
                received += part
    except ConnectionError:  # the server refuses and closes before it has read all
        reset = True
    assert reset or b"HTTP/1.1 400 " in received
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(("spaces", "status"), [(16_000, 200), (30_000, 413)])
def test_a_long_body_is_no_long_header(trusted: httpx.Client, spaces: int, status: int) -> None:
    text = b'{"year_start": 2020, "year_end": 2020' + b" " * spaces + b"}"
    kind = {"Content-Type": "application/json"}
    assert trusted.post("/api/internal/seed-backfill-queue", content=text, headers=kind).status_code == status


def test_without_a_secret_the_inside_is_closed(database_url: str, tmp_path: Path) -> None:
    with _served(tmp_path, database_url=database_url, cron_secret="  ") as (_, client):
        assert client.get("/api/internal/backfill-stats", headers={"X-Cron-Secret": ""}).status_code == 403


def test_a_port_that_is_taken_is_named(database_url: str, tmp_path: Path) -> None:
    with listening("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [ALEXANDRIA, "serve", "--port", port], env=_environment(tmp_path, database_url=database_url), cwd=tmp_path,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"port {port} of 127.0.0.1 cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_host_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match=r"port 8080 of 192\.0\.2\.1 cannot be used"):
        listening("192.0.2.1", 8080)
