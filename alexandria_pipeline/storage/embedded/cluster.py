"""The files of a local PostgreSQL cluster, and the steps that make, start and stop it.

    <home>/data/                the cluster; renamed into place only when complete
    <home>/password             of the role `alexandria`: random, mode 0600, written once
    <home>/server.log           log of the server

Every step here assumes that its caller holds the lock of the home. Which step is due, and who waits for whom, is
decided in `embedded.py`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import re
import secrets
import shutil
import socket
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.errors import EmbeddedServerError
from alexandria_pipeline.storage.embedded.processes import (
    Holder,
    Postmaster,
    end_orphans,
    end_postmaster,
    end_servers_of_removed_folder,
    holder_of,
    read_postmaster,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from alexandria_pipeline.storage.embedded.binaries import Programs, ServerAccount

log = logging.getLogger(__name__)

ROLE = DATABASE = "alexandria"
START_TIME = 60  # seconds that pg_ctl waits; a longer crash recovery goes on, and we wait for its end
PORTS = range(20_000, 32_000)  # below the ranges from which systems take the ports of outgoing connections
DISK_FULL = os.strerror(errno.ENOSPC)
NAMELESS = "could not look up effective user ID"
LOG_LIMIT = 10_000_000  # bytes; a larger log is moved to server.old.log at the next start
PASSWORD = re.compile(r"[\w-]{32}")  # the shape of secrets.token_urlsafe(24)

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_parallel_workers_per_gather": "0",  # small tables, and containers have little /dev/shm
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A machine that vanished is noticed after 10 + 3·5 s, and its locks are free again.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
VOLATILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Cluster:
    """One cluster on disk. `account` owns its files and runs its server when we are root."""

    def __init__(self, home: Path, account: ServerAccount | None, *, durable: bool) -> None:
        self.home = home
        self.data = home / "data"
        self._log = home / "server.log"
        self._account = account
        self._durable = durable

    def exists(self) -> bool:
        return self.data.exists()

    def major(self) -> int | None:
        """The PostgreSQL version that made the cluster; None when there is none (or it does not say)."""
        with contextlib.suppress(OSError, ValueError):
            return int((self.data / "PG_VERSION").read_text())
        return None

    def running(self) -> Postmaster | None:
        """The server process of this cluster; never another program that has its PID now."""
        server = read_postmaster(self.data)
        return server if server and holder_of(server.pid, self.data) is Holder.OURS else None

    def died(self) -> bool:
        """Whether the last server of this cluster ended without being stopped: a stop removes `postmaster.pid`."""
        return self.running() is None and (self.data / "postmaster.pid").exists()

    def password(self) -> str | None:
        """The role's password; None when the file is missing, empty or cut."""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = (self.home / "password").read_text("ascii").strip()
            return text if PASSWORD.fullmatch(text) else None
        return None

    def create(self, programs: Programs) -> None:
        """Make the cluster beside its place and move it there when complete: a cut-off initdb leaves no half one."""
        for leftover in self.home.glob("unfinished.*"):
            shutil.rmtree(leftover, ignore_errors=True)
        # A name of its own: the initdb of a starter that was killed may still be writing.
        unfinished = self.home / f"unfinished.{secrets.token_hex(4)}"
        password = self._write_password(secrets.token_urlsafe(24))
        common = ["-D", str(unfinished), "-U", ROLE, "--pwfile", str(password), "--auth=scram-sha-256"]
        common += ["--encoding=UTF8", "--no-instructions", *([] if self._durable else ["--no-sync"])]
        # The secret is random: stretching it buys nothing and costs 5 ms a connection.
        common += ["-c", "scram_iterations=1"] if programs.major >= 16 else []
        for locale in _locales(programs.major):
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o700)
            self._give(unfinished)
            answer = programs.run("initdb", *common, *locale)
            if not answer.returncode:
                unfinished.rename(self.data)
                return
        shutil.rmtree(unfinished, ignore_errors=True)
        raise self.failure("The local database could not be made", answer.stdout)

    def end_servers_of_removed_folder(self) -> None:
        """Ends servers that still run on a data directory that was removed or replaced at this path."""
        if count := end_servers_of_removed_folder(self.data):
            processes = "1 process" if count == 1 else f"{count} processes"
            log.warning("ended %s of a server whose data directory %s was removed", processes, self.data)

    def clear_wreckage(self) -> None:
        """Remove what a crash left and PostgreSQL cannot judge itself; a merely dead PID it clears without us."""
        end_orphans(self.data)
        server = read_postmaster(self.data)
        if server is None or holder_of(server.pid, self.data) is Holder.OTHER:  # None: missing, empty or cut
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def renew_password(self, programs: Programs) -> None:
        """Gives the role a new password while no client is connected. The old password cannot be read back."""
        password = secrets.token_urlsafe(24)
        statement = f"ALTER ROLE {ROLE} PASSWORD '{password}'\n"
        answer = programs.run("postgres", "--single", "-D", str(self.data), "postgres", stdin=statement)
        if answer.returncode:
            raise self.failure("The password of the local database was lost and could not be renewed", answer.stdout)
        self._write_password(password)

    def start(self, programs: Programs) -> None:
        """Start the server on the home's own port, or on the next one that is free."""
        output = f"no free port from {PORTS[0]} to {PORTS[-1]}"
        for port in _free_ports(self.home):
            settings = SETTINGS | {"port": str(port)} | ({} if self._durable else VOLATILE)
            options = " ".join(f"-c {name}={value}" for name, value in settings.items())
            self._prepare_log()
            common = ["-D", str(self.data), "-w", "-t", str(START_TIME), "-l", str(self._log)]
            answer = programs.run("pg_ctl", "start", *common, "-o", options, timeout=START_TIME * 2)
            # Running all the same: a long crash recovery. Port taken since we looked: try the next one.
            if not answer.returncode or self.running():
                return
            output = answer.stdout
            if _is_free(port):
                break
        raise self.failure("The local PostgreSQL server did not start", output)

    def stop(self) -> bool:
        """End the server and whatever is left of an earlier one; False when there was nothing to end."""
        server = self.running()
        if server is None:
            return end_orphans(self.data) > 0
        if not end_postmaster(server.pid, self.data):
            raise self.failure(f"The local PostgreSQL server (PID {server.pid}) did not stop")
        return True

    def failure(self, what: str, output: str = "") -> EmbeddedServerError:
        """An error with the last words of the server and of the program that was run."""
        log = ""
        with contextlib.suppress(OSError):
            log = self._log.read_text(errors="replace")
        words = [*log.strip().splitlines()[-8:], *output.strip().splitlines()[-8:]]
        if DISK_FULL in "\n".join(words):
            return EmbeddedServerError(
                f"{what}: the disk of {self.home} is full. Make room there, or set ALEXANDRIA_HOME to a folder on another disk."
            )
        if NAMELESS in "\n".join(words):
            return EmbeddedServerError(
                f"{what}: PostgreSQL needs a user with a name, and uid {os.geteuid()} has none in /etc/passwd."
                " Add one, run as another user, or set ALEXANDRIA_DATABASE_URL to a server of your own."
            )
        return EmbeddedServerError(f"{what} (log: {self._log}). Its last log lines:\n" + "\n".join(words))

    def _write_password(self, password: str) -> Path:
        path, fresh = self.home / "password", self.home / "password.new"
        fresh.unlink(missing_ok=True)
        fresh.touch(0o600)
        with fresh.open("w") as file:
            file.write(password + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._give(fresh)  # initdb reads it
        return fresh.replace(path)

    def _prepare_log(self) -> None:
        if self._log.exists() and self._log.stat().st_size > LOG_LIMIT:
            self._log.replace(self.home / "server.old.log")
        self._log.touch(0o600)
        self._give(self._log)

    def _give(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)


def _locales(major: int) -> list[list[str]]:
    """Ways to ask initdb for UTF-8, best first. With LC_CTYPE=C, pg_trgm silently drops every non-ASCII letter."""
    plain = [f"--lc-{part}=C" for part in ("collate", "messages", "monetary", "numeric", "time")]
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", *plain]
    first = [[*builtin, f"--lc-ctype={ctype}"] for ctype in ("C.UTF-8", "en_US.UTF-8")]
    return [*(first if major >= 17 else []), ["--locale=C.UTF-8"]]


def _free_ports(home: Path, most: int = 5) -> Iterator[int]:
    """Free ports, the home's own first: it stays the same over restarts, so that clients find the server again."""
    offset = int(hashlib.sha256(str(home).encode()).hexdigest(), 16)
    for step in range(len(PORTS)):
        port = PORTS[(offset + step) % len(PORTS)]
        if most and _is_free(port):
            most -= 1
            yield port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a closed connection's port is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
