"""The spool: results of calls that could not be stored because there was no database, as files until there is one.

A response that was paid for must not depend on the database being there at that moment. Each file holds the values of one
`record` statement of `ledger.py`. Only the owner can read the folder and its files: responses may be confidential.
"""

from __future__ import annotations

import base64
import json
import logging
import os
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

FOLDER = "spool"
UNREADABLE = ".unreadable"


class Spool:
    """The files of one state directory."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER

    def add(self, values: Mapping[str, Any]) -> Path:
        """Writes the values to a new file, and to the disk, before it returns. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"call-{uuid4().hex}.json"
        unfinished = path.with_suffix(".part")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(values, file, default=_encoded)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        _sync_folder(self._folder)
        return path

    def entries(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Every file with its values. A file that cannot be read is renamed and logged, and never deleted."""
        for path in sorted(self._folder.glob("call-*.json")):
            try:
                values = dict(json.loads(path.read_bytes(), object_hook=_decoded))
            except FileNotFoundError:  # another process has stored it
                continue
            except (OSError, ValueError, TypeError) as error:
                self.reject(path, str(error))
            else:
                yield path, values

    def reject(self, path: Path, reason: str) -> None:
        """Renames a file that cannot be stored, so that a person can look at it."""
        log.error("the stored response %s cannot be used: %s", path, reason)
        path.rename(path.with_suffix(UNREADABLE))


def _sync_folder(folder: Path) -> None:
    """Makes the new name of a file survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _encoded(value: object) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return str(value)  # a date


def _decoded(value: dict[str, Any]) -> Any:
    if value.keys() == {"base64"}:
        return base64.b64decode(value["base64"])
    if value.keys() == {"decimal"}:
        return Decimal(value["decimal"])
    return value
