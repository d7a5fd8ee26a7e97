"""Runs the application on a port until it is told to stop."""

from __future__ import annotations

import resource
import socket

import uvicorn
from starlette.applications import Starlette

from alexandria_pipeline.domain.errors import SettingsError

WAITING = 4096  # connections that may wait to be accepted; the system may allow fewer
GRACE_SECONDS = 5


def serve(app: Starlette, host: str, port: int) -> None:
    """Answers until SIGINT or SIGTERM. Raises SettingsError when the port cannot be had; port 0 is any free one."""
    with listening(host, port) as listener:
        allow_many_connections()
        shown = f"[{host}]" if ":" in host else host
        print(f"Monitoring: http://{shown}:{listener.getsockname()[1]}  (Ctrl-C ends it)", flush=True)  # noqa: T201
        new_server(app).run([listener])


def new_server(app: Starlette) -> uvicorn.Server:
    """The server, not yet running: quiet, without its name in the answers, HTTP only."""
    config = uvicorn.Config(
        app,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return uvicorn.Server(config)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=WAITING)
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"port {port} of {host} cannot be used ({error}); choose others with --host and --port"
        ) from None


def allow_many_connections() -> None:
    """As many open files as this process may have: every connection is one, and the usual limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
