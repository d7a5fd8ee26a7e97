"""Runs the application on a port until a signal ends it."""

from __future__ import annotations

import resource
import socket

import uvicorn
from starlette.applications import Starlette

from alexandria_pipeline.domain.errors import SettingsError
from alexandria_pipeline.monitoring.http_protocol import LimitedProtocol

BACKLOG = 4096  # connections waiting to be accepted; the system may allow fewer
GRACE_SECONDS = 5
MAX_CONNECTIONS = 12_000  # more are answered with 503


def serve(app: Starlette, host: str, port: int) -> None:
    """Serves until SIGINT or SIGTERM. Raises SettingsError when the port is not available; port 0 selects a free one."""
    with listening(host, port) as listener:
        allow_many_connections()
        shown = f"[{host}]" if ":" in host else host
        print(f"Monitoring: http://{shown}:{listener.getsockname()[1]}  (Ctrl-C stops it)", flush=True)  # noqa: T201
        new_server(app).run([listener])


def new_server(app: Starlette) -> uvicorn.Server:
    """Configures the server: no access log, no Server header, HTTP only."""
    config = uvicorn.Config(
        app,
        http=LimitedProtocol,
        limit_concurrency=MAX_CONNECTIONS,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return uvicorn.Server(config)


def listening(host: str, port: int) -> socket.socket:
    """Opens a listening socket."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"port {port} of {host} cannot be used ({error}); choose another with --host and --port"
        ) from None


def allow_many_connections() -> None:
    """Raises the limit of open files to the allowed maximum: each connection is one, and the default is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
