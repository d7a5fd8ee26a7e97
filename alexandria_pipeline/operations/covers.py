"""Covers of editions, from a folder of limited size or else from the host of the picture.

A picture is kept in a file named by its ISBN. That there is none is kept, too, as an empty file. The oldest files are removed when the
folder grows over its limit. Losing the folder loses nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.providers.covers import ALLOWED_SOURCES, CoverFetcher, Missing, Picture
from alexandria_pipeline.storage.threads import Threads

if TYPE_CHECKING:
    from alexandria_pipeline.domain.isbn import Isbn13

    CoverOf = Callable[[Isbn13], Mapping[str, Any] | None]

log = logging.getLogger(__name__)

PICTURE_DAYS: Final = 30.0
MISSING_DAYS: Final = 7.0
FOR_NOW_SECONDS: Final = 300.0
DAY: Final = 86_400.0


class Covers:
    """Covers by ISBN. `cover_of`: the stored fact (`url`, `source`) of an edition; `max_bytes`: of the folder."""

    def __init__(self, folder: Path, max_bytes: int, fetcher: CoverFetcher, cover_of: CoverOf) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._fetcher, self._cover_of, self._threads = fetcher, cover_of, Threads(2)
        self._flights: dict[str, asyncio.Task[Picture | None]] = {}
        self._later: dict[str, float] = {}  # until when a picture that cannot be had for now is not asked for
        self._kept_bytes = max_bytes  # since the folder was looked at; it is with the first picture

    async def close(self) -> None:
        """Ends the requests and closes the connections."""
        for task in list(self._flights.values()):
            task.cancel()
        await self._fetcher.close()
        self._threads.close()

    async def picture(self, isbn13: Isbn13) -> Picture | None:
        """The cover of an edition, or None. Raises StorageError. Requests for one ISBN at the same time share the answer."""
        task = self._flights.get(isbn13)
        if task is None:
            task = self._flights[isbn13] = asyncio.create_task(self._find(isbn13))
            task.add_done_callback(lambda _: self._flights.pop(isbn13, None))
        return await asyncio.shield(task)

    async def _find(self, isbn13: Isbn13) -> Picture | None:
        kept = await self._threads.run(self._kept, isbn13)
        if kept is not None:
            return Picture.of(kept)
        if self._later.get(isbn13, 0.0) > time.monotonic():
            return None
        found = await self._fetched(isbn13)
        if isinstance(found, Missing):
            log.info("there is no cover of %s: %s", isbn13, found.reason)
        if isinstance(found, Missing) and found.for_now:
            if len(self._later) >= 10_000:
                self._later.clear()
            self._later[isbn13] = time.monotonic() + FOR_NOW_SECONDS
            return None
        await self._threads.run(self._keep, isbn13, found.content if isinstance(found, Picture) else b"")
        return found if isinstance(found, Picture) else None

    async def _fetched(self, isbn13: Isbn13) -> Picture | Missing:
        """The stored cover if its source allows to show it, else the one that Open Library has for the ISBN."""
        cover = await self._threads.run(self._cover_of, isbn13) or {}
        stored: Picture | Missing = Missing("no cover is stored")
        if cover.get("url") and cover.get("source") in ALLOWED_SOURCES:
            stored = await self._fetcher.fetch(cover["url"])
        if isinstance(stored, Picture):
            return stored
        found = await self._fetcher.by_isbn(isbn13)
        return stored if isinstance(found, Missing) and stored.for_now else found

    def _kept(self, isbn13: str) -> bytes | None:
        """The content of the file, or None if there is none or it is too old."""
        path = self._folder / isbn13
        try:
            status = path.stat()
            days = PICTURE_DAYS if status.st_size else MISSING_DAYS
            return path.read_bytes() if time.time() - status.st_mtime < days * DAY else None
        except OSError:
            return None

    def _keep(self, isbn13: str, content: bytes) -> None:
        """Writes the file. A full disk, or a folder that cannot be written, only means that the picture is fetched again."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = self._folder / f".{isbn13}.{os.getpid()}"
            try:
                part.write_bytes(content)
                part.replace(self._folder / isbn13)
            finally:
                part.unlink(missing_ok=True)
            self._kept_bytes += len(content)
            if self._kept_bytes > self._max_bytes // 20:
                self._kept_bytes = 0
                self._prune()

    def _prune(self) -> None:
        """Removes the oldest files until the folder is below its limit."""
        files = sorted((entry.stat().st_mtime, entry.stat().st_size, entry.path) for entry in os.scandir(self._folder))
        excess = sum(size for _, size, _ in files) - self._max_bytes
        for _, size, path in files:
            if excess <= 0:
                break
            Path(path).unlink(missing_ok=True)
            excess -= size
