"""A local PostgreSQL server for machines that have none: made, started and stopped on demand.

One server per home, shared by every process that asks (daemon, web server, run workers, commands, tests), started by
whichever comes first and stopped only by `stop()`. Here: who may do what when. Not here: where the cluster lives (`place.py`),
its files and the steps of a start (`cluster.py`), PostgreSQL's programs (`binaries.py`), whose a PID is (`processes.py`), tables
and statements.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import psycopg
from psycopg import sql

from alexandria_pipeline.domain.errors import EmbeddedServerError
from alexandria_pipeline.storage.embedded.binaries import account_for_this_process, find_programs
from alexandria_pipeline.storage.embedded.cluster import DATABASE, ROLE, Cluster
from alexandria_pipeline.storage.embedded.place import find_place, keep_pointer, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

AUTHENTICATION = "scram-sha-256"  # the server shows that it knows the password as well; a foreign listener cannot
PATIENCE = 60.0  # seconds until a server that runs must let us in; twice that for another process to give up the lock


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """State of the local server, read without connecting to it; `url` has no password."""

    home: Path
    running: bool
    pid: int | None
    port: int | None
    url: str | None


class EmbeddedServer:
    """The local server of one home. Every method may be called by many processes at once.

    It lives in `<home>/postgres`, or elsewhere when we are root and `home` is closed to the server's account (`place.py`); the
    attribute `home` is the folder in use. `durable=False` gives up safety against power loss for speed (tests). `binaries` names
    a folder with PostgreSQL's programs. `account` runs the server when we are root (default: DEFAULT_ACCOUNT).
    """

    def __init__(
        self, home: Path, *, durable: bool = True, binaries: Path | None = None, account: str | None = None
    ) -> None:
        self._account = account_for_this_process(account)
        self._binaries = binaries
        self._durable = durable
        self._given = Path(home).expanduser().resolve()
        self._use(find_place(self._given, self._account) or self._given / "postgres")

    def ensure(self) -> str:
        """Make sure that the server runs and answers; gives its URL. Raises EmbeddedServerError with the way out."""
        self._settle()
        self._refuse_foreign_files()
        if not self._answers():
            self._make_home()
            self._refuse_unfit_home()
            with self._lock():
                if not self._answers():
                    self._bring_up()
        return self.url()

    def revive(self) -> bool:
        """Start the server again if it has died; one that was stopped stays so. Whether it was for us to do so.

        For processes that keep their address for days, such as Dagster's daemon. Raises EmbeddedServerError.
        """
        self._refuse_foreign_files()
        died = self._cluster.died()
        if died:
            self.ensure()
        return died

    def stop(self) -> bool:
        """Stops the server for all clients; False if it was not running."""
        self._refuse_foreign_files()
        if not self._cluster.exists():
            return False
        self._refuse_unfit_home()
        with self._lock():
            return self._cluster.stop()

    def status(self) -> ServerStatus:
        """Whether the server runs, and where; starts and changes nothing. Raises EmbeddedServerError for foreign files."""
        self._refuse_foreign_files()
        server = self._cluster.running()
        if server is None:
            return ServerStatus(self.home, running=False, pid=None, port=None, url=None)
        url = f"postgresql://{ROLE}@127.0.0.1:{server.port}/{DATABASE}" if server.port else None
        return ServerStatus(self.home, running=True, pid=server.pid, port=server.port, url=url)

    def programs(self) -> Path:
        """The folder of PostgreSQL's client programs for the present user (pg_dump, pg_restore …). Raises EmbeddedServerError."""
        self._refuse_foreign_files()
        major = self._cluster.major() if self._cluster.exists() else None
        return find_programs(self._binaries, None, self.home / "programs", major).folder

    def url(self, database: str | None = None) -> str:
        """The URL of a database on the running server, with the password. Only SCRAM is accepted: the server proves itself, too."""
        server, password = self._cluster.running(), self._cluster.password()
        if server is None or server.port is None:
            raise EmbeddedServerError(
                "The local PostgreSQL server is not running: start it with `alexandria db start`."
            )
        if password is None:
            raise EmbeddedServerError(
                f"{self.home / 'password'} is missing or damaged while the server runs: type `alexandria db stop`;"
                " the next start makes a new password and keeps the data."
            )
        address = f"{ROLE}:{password}@127.0.0.1:{server.port}/{database or DATABASE}"
        return f"postgresql://{address}?require_auth={AUTHENTICATION}"

    # The home and its lock.

    def _use(self, folder: Path) -> None:
        self.home = folder
        self._cluster = Cluster(folder, self._account, durable=self._durable)

    def _settle(self) -> None:
        """Decides where the cluster lives. Servers that an earlier cluster of this home has left running are stopped."""
        if folder := find_place(self._given, self._account):
            if folder != self.home:
                self._use(folder)
            keep_pointer(self._given, folder)
            return
        folder, left = settle(self._given)
        self._use(folder)
        for each in left:
            Cluster(each, self._account, durable=self._durable).stop()
            log.warning("%s was removed; its earlier database is kept in %s", self._given, each)

    def _make_home(self) -> None:
        """Make our folder and the missing ones above it, such that the server's account may walk there."""
        mode = 0o755 if self._account else 0o700
        try:
            for folder in reversed((self.home, *self.home.parents)):
                if not folder.exists() and not folder.is_symlink():
                    with contextlib.suppress(FileExistsError):
                        folder.mkdir()
                        folder.chmod(mode)  # whatever the umask is
        except OSError as error:
            raise EmbeddedServerError(
                f"The folder {self.home} for the local database cannot be made: {error.strerror}."
                " Set ALEXANDRIA_HOME to a folder that this user may write to."
            ) from error

    def _refuse_foreign_files(self) -> None:
        """Refuses a home, data or password of another user or behind a link, before anything in them is read."""
        ours = {os.geteuid()}
        with_server = ours | ({self._account.uid} if self._account else set())
        files = ((self.home, ours), (self.home / "data", with_server), (self.home / "password", with_server))
        for path, owners in files:
            with contextlib.suppress(FileNotFoundError):
                found = path.lstat()
                if found.st_uid not in owners:
                    raise EmbeddedServerError(
                        f"{path} belongs to another user (uid {found.st_uid}): work as that user,"
                        " or set ALEXANDRIA_HOME to a folder of your own."
                    )
                if stat.S_ISLNK(found.st_mode):
                    raise EmbeddedServerError(
                        f"{path} is a symbolic link: move what it points to there, or set ALEXANDRIA_HOME to that folder."
                    )

    def _refuse_unfit_home(self) -> None:
        """Refuses a folder of another user, or one that was closed later."""
        self._refuse_foreign_files()
        if self._account and not self._account.reaches(self.home):
            raise EmbeddedServerError(
                f"{self.home} is closed to the account {self._account.name!r} that PostgreSQL runs as:"
                " open it and its parents (chmod o+x)."
            )

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        lock = self.home / "lock"
        try:
            with contextlib.suppress(FileNotFoundError):
                lock.chmod(0o600)  # of an earlier version; a file that others can open, they can lock
            with filelock.FileLock(lock, timeout=PATIENCE * 2, mode=0o600):
                yield
        except filelock.Timeout as error:
            raise EmbeddedServerError(
                f"Another process has held {lock} for {PATIENCE * 2:.0f} s to start or stop the local server:"
                " find out what it waits for, end it, and try again."
            ) from error
        except OSError as error:
            raise EmbeddedServerError(f"The local PostgreSQL server in {self.home} is unmanageable: {error}") from error

    # Bringing the server up, under the lock.

    def _answers(self) -> bool:
        if self._cluster.running() is None or self._cluster.password() is None:
            return False
        with (
            contextlib.suppress(psycopg.Error, EmbeddedServerError),  # the latter: it stopped this very moment
            psycopg.connect(self.url(), connect_timeout=3),
        ):
            return True
        return False

    def _bring_up(self) -> None:
        cluster = self._cluster
        if not cluster.running():
            cluster.end_servers_of_removed_folder()
            programs = find_programs(self._binaries, self._account, self.home / "programs", cluster.major())
            if not cluster.exists():
                cluster.create(programs)
            elif cluster.major() is None:
                raise EmbeddedServerError(
                    f"{cluster.data} is not a whole PostgreSQL database (it has no PG_VERSION):"
                    " restore it from a backup, or move it away to begin with an empty one."
                )
            cluster.clear_wreckage()
            if cluster.password() is None:
                cluster.renew_password(programs)
            cluster.start(programs)
        self._await_answer()

    def _await_answer(self) -> None:
        """Wait until the server lets us in, and make our database if it is not there yet."""
        deadline = time.monotonic() + PATIENCE
        while self._cluster.running():
            try:
                with psycopg.connect(self.url("postgres"), connect_timeout=3, autocommit=True) as connection:
                    return _make_database(connection)
            except psycopg.Error as error:
                if time.monotonic() > deadline:
                    raise self._cluster.failure(f"The local PostgreSQL server does not let us in: {error}") from error
            time.sleep(0.05)
        raise self._cluster.failure("The local PostgreSQL server stopped again right after its start")


def _make_database(connection: psycopg.Connection) -> None:
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
