"""`dagster dev` with the guarded web server (`webserver.py`). Same options as `dagster dev`."""

import argparse
import os
import socket
import sys
import warnings
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import dagster._cli.dev as dagster_dev

from alexandria_pipeline.settings import load_settings

WEBSERVER = ["-m", "dagster_webserver"]
GUARDED = ["-m", "alexandria_pipeline.orchestration.webserver"]

DEFAULT_PORT = 3000

_NAME = "open_ipc_subprocess"
_open_subprocess = vars(dagster_dev)[_NAME]


def _open_guarded(parts: Sequence[str], **options: Any) -> Any:
    """Starts a process of Dagster; the guarded web server in place of Dagster's own."""
    if list(parts[1:3]) == WEBSERVER:
        parts = [parts[0], *GUARDED, *parts[3:]]
    return _open_subprocess(parts, **options)


def with_log_format(arguments: Sequence[str]) -> list[str]:
    """The arguments with the format of ALEXANDRIA_LOG_FORMAT, unless they name one."""
    is_json = load_settings().log_format == "json" and "--log-format" not in arguments
    return [*arguments, *(["--log-format", "json"] if is_json else [])]


def address(arguments: Sequence[str]) -> str | None:
    """The address of the web server that these arguments start; None for the default port."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-p", "--port")
    port = parser.parse_known_args(list(arguments))[0].port
    return f"http://localhost:{port}" if port else None


def taken(url: str) -> str:
    """Why the web server cannot use the port of its address; "" if it can."""
    port = urlsplit(url).port or DEFAULT_PORT
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return f"port {port} cannot be used ({error.strerror}): stop the other program, or choose another port: make dev PORT={port + 1}"
        except OverflowError:
            return f"{port} is not a port: choose one from 1024 to 65535"
    return ""


def main() -> None:
    """Runs the web server and the daemon until SIGINT or SIGTERM. Exit status 1 if its port is taken."""
    here = address(sys.argv[1:])
    if "--help" not in sys.argv and (problem := taken(here or f"http://localhost:{DEFAULT_PORT}")):
        raise SystemExit(f"make dev: {problem}")
    if here and "dagster_url" not in load_settings().model_fields_set:
        os.environ["ALEXANDRIA_DAGSTER_URL"] = here  # links in alerts lead to the server of this port
    vars(dagster_dev)[_NAME] = _open_guarded
    warnings.filterwarnings("ignore", message=".* is superseded ")  # of `dagster dev` by a command that we cannot guard
    dagster_dev.dev_command(args=with_log_format(sys.argv[1:]), prog_name="dagster dev", auto_envvar_prefix="DAGSTER")


if __name__ == "__main__":
    main()
