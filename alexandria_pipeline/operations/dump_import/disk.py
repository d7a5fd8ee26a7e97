"""The disk of the database during an import: the import stops before it is full, and gives its space back.

A server whose disk is full stops, and with it all work of the pipeline. The free space is known when the server is on this machine;
otherwise the import learns of a full disk from the server's error.
"""

from __future__ import annotations

import time
from typing import Final

from alexandria_pipeline.domain.errors import DatabaseUnavailable, StorageError
from alexandria_pipeline.storage.catalog_import import CatalogImport

KEPT_FREE: Final = 96 * 2**20
"""Bytes that an import leaves free: for the write-ahead log of other transactions."""

_NO_SPACE: Final = "No space left on device"
_SERVER_BACK: Final = 20.0  # seconds that a server may take to start again after a crash
_FULL: Final = (
    "The disk of the database is full: the import is discarded, its tables are removed, and the catalogue is unchanged. "
    "While it is imported, a dump needs about 1,100 bytes of disk per edition."
)
_CRASHED: Final = (
    "The database server stopped during the import and lost what was stored so far; the catalogue is unchanged. "
    "Its log states why, often a full disk. Then run the same command again."
)


def check_space(staging: CatalogImport, needed: int) -> None:
    """Raises StorageError when less than `needed` bytes and a reserve are free on the disk of the database."""
    free = staging.free_bytes()
    if free is not None and free < needed + KEPT_FREE:
        raise StorageError(
            f"{_NO_SPACE}: {free / 1e6:,.0f} MB are free, {(needed + KEPT_FREE) / 1e6:,.0f} MB are needed"
        )


def after_failure(staging: CatalogImport, error: StorageError) -> StorageError:
    """The error to raise. Removes the staging tables when the disk is full, or when a crash of the server has emptied them."""
    if _NO_SPACE in str(error):
        staging.discard()
        return StorageError(f"{_FULL} {error}" if staging.free_bytes() is not None else _FULL)
    deadline = time.monotonic() + _SERVER_BACK
    while True:
        try:
            if not staging.lost():
                return error
            staging.discard()
            return StorageError(_CRASHED)
        except DatabaseUnavailable:
            if time.monotonic() > deadline:
                return error
            time.sleep(0.5)
