"""Connections to PostgreSQL: pool, transactions, and conversion of driver errors.

Every storage module gets a `Database` and runs its named queries (`queries.py`) on a connection of `transaction()`, or
by the one-statement shorthands. Here: connections and errors. Not here: any statement of the domain, and starting a
server (`embedded.py`) or choosing one (`server.py`).
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from alexandria_pipeline.domain.errors import DatabaseUnavailable, SettingsError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from alexandria_pipeline.storage.queries import Query

Connection: TypeAlias = psycopg.Connection[DictRow]
Row: TypeAlias = DictRow

STATEMENT_TIMEOUT = 60.0  # seconds; far above the duration of any statement of ours
POOL_TIMEOUT = 30.0  # seconds to wait for a connection of the pool
POOL_PROBE = 2.0  # seconds after which a waiting thread checks whether the server answers

# SQLSTATEs after which the same call may succeed later, on another connection: connection exceptions, too many
# connections, and a server that is shutting down, crashed or starting. (https://www.postgresql.org/docs/18/errcodes-appendix.html)
UNAVAILABLE = ("08", "53300", "57P01", "57P02", "57P03", "57P05")

# A dead server or network is detected after about 20 s, also while sent data are unacknowledged.
KEEPALIVE: dict[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "connect_timeout": 10,
}


set_json_loads(orjson.loads)  # a third of the time of the standard library

ENCRYPTED = ("require", "verify-ca", "verify-full")


class Database:
    """Connections to one database, opened on first use. Close it, or use it as a context manager.

    Threads may share it; a forked process must make its own. Raises SettingsError, which names `setting`, when `url` is no
    PostgreSQL address.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        application: str = "alexandria",
        setting: str = "ALEXANDRIA_DATABASE_URL",
    ) -> None:
        self._conninfo = _conninfo(url, application, setting)
        self._readers: list[Database] = []
        self._pool_size = pool_size
        self._pool: ConnectionPool[Connection] | None = None
        self._opening = threading.Lock()

    def __repr__(self) -> str:
        return f"Database({self.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes all pooled connections. A later use opens a new pool."""
        with self._opening:
            pool, self._pool = self._pool, None
        for reader in self._readers:
            reader.close()
        if pool is not None:
            pool.close()

    @property
    def address(self) -> str:
        """Returns user@host:port/name without the password, for messages and logs."""
        part = conninfo_to_dict(self._conninfo)
        host, port = part.get("host") or part.get("hostaddr") or "localhost", part.get("port", 5432)
        return f"{part.get('user', '')}@{host}:{port}/{part.get('dbname', '')}"

    @property
    def conninfo(self) -> str:
        """The connection string with the password: for a `Database` in another process of ours, and for nothing that is shown."""
        return self._conninfo

    def reader(self, timeout: float) -> Database:
        """The same database for statements that only read, each of at most `timeout` seconds. It is closed with this one."""
        options = f"{conninfo_to_dict(self._conninfo)['options']} -c statement_timeout={timeout * 1000:.0f} -c default_transaction_read_only=on"
        reader = Database(make_conninfo(self._conninfo, options=options), pool_size=self._pool_size)
        with self._opening:
            self._readers.append(reader)
        return reader

    @contextmanager
    def transaction(self, *, timeout: float | None = None) -> Iterator[Connection]:
        """Yields a pooled connection in a transaction, committed at the end of the block, rolled back on an error.

        `timeout`: seconds for each statement in it instead of 60; 0 is no limit. Rows are dicts. Driver errors leave
        the block as DatabaseUnavailable or StorageError.
        """
        with self.translated(), ExitStack() as stack:
            connection = self._begin(stack)
            if timeout is not None:
                limit = str(round(timeout * 1000))
                connection.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
            yield connection

    def read(
        self, query: Query, parameters: Mapping[str, object] | None = None, *, prepare: bool | None = None
    ) -> list[Row]:
        """Returns all rows of one statement that changes nothing, in one round trip: there is no transaction around it.

        `prepare`: whether the server keeps its plan; None: from the sixth time on. A connection that died while it was idle is
        replaced, and the statement repeated.
        """
        with self.translated():
            for attempt in range(self._pool_size + 1):
                with ExitStack() as taken:
                    connection = self._take(taken)
                    try:
                        return connection.execute(query, parameters, prepare=prepare).fetchall()
                    except psycopg.OperationalError:
                        if not connection.broken or attempt == self._pool_size:
                            raise
            raise AssertionError  # the last attempt returns or raises

    def fetch_all(self, query: Query, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Returns all rows of one statement, in its own transaction."""
        with self.transaction() as connection:
            return connection.execute(query, parameters).fetchall()

    def fetch_one(self, query: Query, parameters: Mapping[str, object] | None = None) -> Row | None:
        """Returns the first row of one statement or None, in its own transaction."""
        with self.transaction() as connection:
            return connection.execute(query, parameters).fetchone()

    def execute(self, query: Query, parameters: Mapping[str, object] | None = None) -> int:
        """Runs one statement in its own transaction; returns the number of affected rows."""
        with self.transaction() as connection:
            return connection.execute(query, parameters).rowcount

    def refuse_read_only(self) -> None:
        """Raises StorageError, with the way out, if nothing can be written: before work that another program does here."""
        with self.transaction() as connection:
            row = connection.execute(b"select current_setting('transaction_read_only')::bool as is_so").fetchone()
        if row and row["is_so"]:
            raise self._read_only()

    def session(self) -> Connection:
        """Opens a separate connection in autocommit mode, for long locks; the caller closes it.

        The server drops its locks when this process or machine dies (keep-alives on both sides). Wrap the use of it in
        `translated()`.
        """
        with self.translated():
            return psycopg.connect(self._conninfo, autocommit=True, row_factory=dict_row)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Converts driver errors in the block into StorageError and its subclasses, with the cause."""
        try:
            yield
        except PoolTimeout as error:
            raise DatabaseUnavailable(
                f"All {self._pool_size} connections to {self.address} were in use for {POOL_TIMEOUT:.0f} s."
            ) from error
        except psycopg.Error as error:
            raise self._ours(error) from error

    def _ours(self, error: psycopg.Error) -> StorageError:
        reason = error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__
        if error.sqlstate is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return DatabaseUnavailable(f"The database {self.address} cannot be reached: {reason}")
        if error.sqlstate and error.sqlstate.startswith(UNAVAILABLE):
            return DatabaseUnavailable(f"The database {self.address} is not available now: {reason}")
        if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            return self._read_only()
        detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
        return StorageError(f"The database refused the statement: {reason}{detail}")

    def _read_only(self) -> StorageError:
        return StorageError(
            f"The database {self.address} is read-only. After `alexandria db move`, ALEXANDRIA_DATABASE_URL must name the new one."
        )

    def _begin(self, stack: ExitStack) -> Connection:
        """Begins a transaction on a connection that answers. BEGIN shows whether it does: nothing has been done by then.

        The check of the pool itself costs a round trip, pauses after each dead connection, and hides the cause.
        """
        while True:
            with ExitStack() as taken:
                connection = self._take(taken)
                try:
                    taken.enter_context(connection.transaction())
                except psycopg.Error:  # died while idle; the pool replaces it
                    continue
                stack.enter_context(taken.pop_all())
                return connection

    def _take(self, stack: ExitStack) -> Connection:
        """Takes a connection from the pool until the end of `stack`. Whether it still answers is not known."""
        pool = self._opened()
        deadline = time.monotonic() + POOL_TIMEOUT
        while True:
            try:
                connection = pool.getconn(timeout=POOL_PROBE)
            except PoolTimeout:
                self._probe()  # raises the error of the server; returns when all connections are in use
                if time.monotonic() > deadline:
                    raise
                continue
            stack.callback(pool.putconn, connection)
            return connection

    def _opened(self) -> ConnectionPool[Connection]:
        with self._opening:
            if self._pool is None:
                self._probe()  # the pool alone would try for 30 s before it fails
                self._pool = self._new_pool()
            return self._pool

    def _probe(self) -> None:
        psycopg.connect(self._conninfo).close()

    def _new_pool(self) -> ConnectionPool[Connection]:
        return ConnectionPool(
            self._conninfo,
            connection_class=psycopg.Connection[DictRow],
            kwargs={"row_factory": dict_row, "autocommit": True},
            min_size=0,
            max_size=self._pool_size,
            reconnect_timeout=0,  # no growing pauses: the next caller tries again
            open=True,
        )


def _conninfo(url: str, application: str, setting: str) -> str:
    """Returns the connection string with our time-outs and the UTC time zone."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        # Without the cause: its text repeats the address, and so the password.
        raise SettingsError(
            f"The database address cannot be read: {setting} should look like"
            " postgresql://user:password@host:5432/name (percent-encode special characters in the password)."
        ) from None
    options = f"-c statement_timeout={STATEMENT_TIMEOUT * 1000:.0f} -c timezone=UTC {given.get('options', '')}".strip()
    defaults = KEEPALIVE | {"application_name": application}
    if given.get("sslmode") not in ENCRYPTED:
        # Whoever listens on the port may ask for the password in clear. It is never sent over an unencrypted connection.
        defaults["require_auth"] = "!password"
    return make_conninfo(url, **{key: value for key, value in defaults.items() if key not in given}, options=options)
