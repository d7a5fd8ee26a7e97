"""The log of Dagster's processes outside of runs, and the port of `make dev`: in processes of their own."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from alexandria_pipeline.orchestration.dev import address

WARN = """
import logging
from alexandria_pipeline.orchestration.process_log import configure
from alexandria_pipeline.settings import load_settings

configure(load_settings())
configure(load_settings())
logger = logging.getLogger("alexandria_pipeline.operations.alerting")
logger.warning("an alert")
logging.getLogger("alexandria_pipeline").addHandler(logging.NullHandler())  # as Dagster does in a run
logger.warning("a message of a run")
"""


def _python(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ALEXANDRIA_HOME": str(folder / "home"), **variables}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow("a process that imports Dagster")
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_message_outside_of_a_run_has_time_and_level_and_is_written_once(tmp_path: Path, log_format: str) -> None:
    done = _python(tmp_path, "-c", WARN, ALEXANDRIA_LOG_FORMAT=log_format)
    (line,) = done.stderr.splitlines()
    if log_format == "json":
        assert {name: json.loads(line)[name] for name in ("level", "message")} == {
            "level": "WARNING",
            "message": "an alert",
        }
    else:
        assert line.endswith(" WARNING an alert")
        assert line.startswith("20")


@pytest.mark.slow("a process that imports Dagster")
def test_a_taken_port_is_named_with_another_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = _python(tmp_path, "-m", "alexandria_pipeline.orchestration.dev", "-p", str(port))
    assert done.returncode == 1
    assert f"make dev: port {port} cannot be used" in done.stderr
    assert f"make dev PORT={port + 1}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], None), (["-p", "3045"], "http://localhost:3045"), (["--port=3045", "--live-data-poll-rate", "2"], "http://localhost:3045")],
)  # fmt: skip
def test_links_lead_to_the_port_of_the_web_server(arguments: list[str], expected: str | None) -> None:
    assert address(arguments) == expected
