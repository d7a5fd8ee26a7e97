"""Files of a dump as blocks of whole lines: gzip or plain, from a file or from standard input.

The same file always gives the same blocks, so that an import can find where it stopped.
"""

from __future__ import annotations

import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from isal import igzip, isal_zlib

from alexandria_pipeline.domain.errors import SourceError

BLOCK_BYTES: Final = 2 * 2**20
MAX_LINE_BYTES: Final = 64 * 2**20
STANDARD_INPUT: Final = "-"
_GZIP: Final = b"\x1f\x8b"
_DEFLATE_ERROR: Final = cast("type[Exception]", isal_zlib.error)  # its stub calls the class an instance


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole lines of a file. `position`: bytes of the file (compressed, if it is) read so far."""

    number: int
    first_line: int
    data: bytes
    lines: int
    position: int

    @property
    def checksum(self) -> int:
        return zlib.crc32(self.data)


@dataclass(frozen=True, slots=True)
class DumpFile:
    """A file of a dump; "-" is standard input. `role` names the option: editions, works, authors."""

    role: str
    path: str

    @property
    def name(self) -> str:
        return "standard input" if self.path == STANDARD_INPUT else Path(self.path).name

    @property
    def size(self) -> int | None:
        """Bytes on disk; None for standard input and pipes."""
        path = Path(self.path)
        return path.stat().st_size if self.path != STANDARD_INPUT and path.is_file() else None

    def blocks(self) -> Iterator[Block]:
        """The blocks of the file. Raises SourceError when it cannot be read, is truncated or damaged."""
        with ExitStack() as stack:
            raw = _opened(self.path, stack)
            # This reader follows several gzip members and checks their sums.
            stream: IO[bytes] = raw
            if raw.peek(2)[:2] == _GZIP:
                stream = io.BufferedReader(igzip.IGzipFile(fileobj=raw), BLOCK_BYTES)  # type: ignore[no-untyped-call]
            line, number = 1, 0
            while data := self._read(stream, line):
                count = data.count(b"\n") + (not data.endswith(b"\n"))
                yield Block(number, line, data, count, _position(raw))
                line, number = line + count, number + 1

    def _read(self, stream: IO[bytes], line: int) -> bytes:
        try:
            data = stream.read(BLOCK_BYTES)
            rest = stream.readline(MAX_LINE_BYTES) if data and not data.endswith(b"\n") else b""
        except EOFError as error:
            raise SourceError(
                f"{self.name} is truncated somewhere after line {line:,}: download it again; the same command then resumes"
            ) from error
        except (OSError, _DEFLATE_ERROR) as error:
            raise SourceError(f"{self.name} is damaged somewhere after line {line:,}: {error}") from error
        if len(rest) == MAX_LINE_BYTES:
            raise SourceError(f"{self.name} has a line of more than 64 MiB after line {line:,}: it is no dump")
        return data + rest


def _opened(path: str, stack: ExitStack) -> io.BufferedReader:
    try:
        if path == STANDARD_INPUT:
            return io.BufferedReader(io.FileIO(sys.stdin.fileno(), closefd=False), 2**20)
        return stack.enter_context(io.BufferedReader(io.FileIO(path), 2**20))
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error


def _position(raw: io.BufferedReader) -> int:
    return raw.tell() if raw.seekable() else 0
