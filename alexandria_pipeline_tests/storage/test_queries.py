"""Named queries: how files are read, and that every file of the package is well formed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline.domain.errors import StorageError
from alexandria_pipeline.storage.queries import Queries, families, load, read

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """-- The topic of the file.

-- name: one
-- The first
-- of two.
SELECT 1; -- the reason

-- name: two
-- The second.
SELECT
    -- a comment inside
    %(value)s;
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "some.sql"
    path.write_text(text)
    return path


def test_a_file_is_read_into_named_described_queries(tmp_path: Path) -> None:
    queries = read(_file(tmp_path, GOOD))
    assert list(queries) == ["one", "two"]
    assert queries["one"].description == "The first of two."
    assert queries["one"].as_string() == "SELECT 1; -- the reason"
    assert queries["two"].as_string().startswith("SELECT\n    -- a comment inside")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("SELECT 1;\n", "no `-- name:` line"),
        ("-- name: one\nSELECT 1;\n", "needs a comment"),
        ("-- name: one\n-- Described, but empty.\n", "needs a comment .* and a statement"),
        (GOOD + "-- name: one\n-- Again.\nSELECT 1;\n", "two queries are named 'one'"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, text: str, error: str) -> None:
    with pytest.raises(StorageError, match=error):
        read(_file(tmp_path, text))


def test_the_error_of_an_unknown_name_has_the_known_ones() -> None:
    with pytest.raises(StorageError, match=r"no query 'no_such' in sql/queries/migrate.sql; it has: lock, "):
        Queries("migrate")["no_such"]
    with pytest.raises(StorageError, match="no_such_family"):
        Queries("no_such_family")["any"]


@pytest.mark.parametrize("family", families())
def test_every_query_file_of_the_package_is_well_formed(family: str) -> None:
    assert load(family)
