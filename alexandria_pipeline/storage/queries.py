"""Named queries: reads SQL text from files.

All SQL lives in `sql/queries/<family>.sql`. Each query begins with its name and its purpose:

    -- name: claim_month
    -- Take the month for this run if no run owns it; no row if one does.
    UPDATE backfill_log SET … WHERE year = %(year)s AND month = %(month)s RETURNING …;

Values are always parameters (`%(year)s`; a literal percent sign is `%%`). A storage module holds its family and
executes by name; nothing is read before the first use:

    SQL = Queries("backfill_log")
    row = connection.execute(SQL["claim_month"], {"year": 2020, "month": 6}).fetchone()
"""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import TYPE_CHECKING, Final

from psycopg import sql

from alexandria_pipeline.domain.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

_OPENING = re.compile(r"^--\s*name:\s*(\S+)\s*$", re.MULTILINE)


class Query(sql.SQL):
    """One named statement, which psycopg executes unchanged."""

    def __init__(self, name: str, description: str, text: str) -> None:
        super().__init__(text)  # from a file of this package, never from a value
        self.name: Final = name
        self.description: Final = description


class Queries:
    """The queries of one family, by name. Raises StorageError for a name that is not there."""

    def __init__(self, family: str) -> None:
        self.family = family

    def __getitem__(self, name: str) -> Query:
        known = load(self.family)
        if name not in known:
            raise StorageError(
                f"There is no query {name!r} in sql/queries/{self.family}.sql; it has: {', '.join(known)}."
            )
        return known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(load(self.family))


@functools.cache
def load(family: str) -> Mapping[str, Query]:
    """All queries of a family, read once per process."""
    return read(_folder() / f"{family}.sql")


def families() -> list[str]:
    """Returns the names of all families, for tests of every query."""
    return sorted(file.name.removesuffix(".sql") for file in _folder().iterdir() if file.name.endswith(".sql"))


def read(file: Traversable) -> dict[str, Query]:
    """The queries of a file. Raises StorageError when one has no description, no statement, or another's name."""
    try:
        preamble, *parts = _OPENING.split(file.read_text("utf-8"))
    except OSError as error:
        raise StorageError(f"There are no queries in {file}: {error}") from error
    if any(line.strip() and not line.startswith("--") for line in preamble.splitlines()):
        raise StorageError(f"{file}: the first statement has no `-- name:` line.")
    queries: dict[str, Query] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in queries:
            raise StorageError(f"{file}: two queries are named {name!r}.")
        queries[name] = _query(name, body, file)
    return queries


def _query(name: str, body: str, file: Traversable) -> Query:
    lines = body.strip().splitlines()
    first = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    description = " ".join(line.removeprefix("--").strip() for line in lines[:first])
    text = "\n".join(lines[first:]).strip()
    if not description or not text:
        raise StorageError(f"{file}: the query {name!r} needs a comment with its purpose, and a statement.")
    return Query(name, description, text)


def _folder() -> Traversable:
    return resources.files("alexandria_pipeline.storage") / "sql" / "queries"
