"""The names of authors by number, for the processes of an import: a file in memory that all of them share.

The importer writes it when the file of authors is stored: an entry per author (the hash of the surname, the length of the name, the
name), the places of the entries by number, and the number of places. The file has no name, so nothing is
left of it when a process is killed. Authors who are not in it get their names in the database, when all files are stored.
"""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Iterable, Sequence
from struct import Struct
from typing import IO, Final

from alexandria_pipeline.operations.dump_import.fields import ITEM, PART

_ENTRY: Final = Struct("<iH")
_ENTRY_BYTES: Final = _ENTRY.size
_END: Final = Struct("<Q")
_MOST_NUMBERS: Final = 40_000_000  # 160 MB of places; Open Library has 15 million authors
_MOST_BYTES: Final = 2**32 - 2**16

People = tuple[int, str]
"""The hash of the first one's surname, and the people as a list of `fields`: name, no role, number."""


class AuthorNames:
    """The authors that an import knows so far; without a file, none."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._data: bytes | mmap.mmap = b""
        self._places: Sequence[int] = ()
        self._count = 0
        if descriptor is not None:
            self._data = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
            (self._count,) = _END.unpack_from(self._data, len(self._data) - _END.size)
            start = len(self._data) - _END.size - 4 * self._count
            self._places = memoryview(self._data)[start : -_END.size].cast("I")

    def of(self, numbers: Sequence[str]) -> People | None:
        """The authors with these numbers; None when one of them is not known."""
        surname, names = 0, ""
        for number in numbers:
            place = int(number)
            start = self._places[place] if place < self._count else 0
            if not start:
                return None
            hashed, length = _ENTRY.unpack_from(self._data, start)
            start += _ENTRY_BYTES
            name = f"{self._data[start : start + length].decode()}{PART}{PART}{number}"
            if names:
                names = f"{names}{ITEM}{name}"
            else:
                surname, names = hashed, name
        return surname, names


def write_names(file: IO[bytes], rows: Iterable[bytes]) -> None:
    """Writes the authors of the lines `number TAB hash TAB name` of COPY. Raises OSError when there is no space for them."""
    places = array("I")
    end = file.write(bytes(_ENTRY_BYTES))  # so that no entry has the place 0, which means none
    for row in rows:
        digits, hashed, name = row.rstrip(b"\n").split(b"\t", 2)
        number = int(digits)
        if number >= _MOST_NUMBERS or end > _MOST_BYTES:
            continue
        if number >= len(places):
            places.frombytes(bytes(4 * (number + 1 - len(places))))
        if b"\\" in name:
            name = name.replace(b"\\b", b"\b").replace(b"\\\\", b"\\")
        places[number] = end
        end += file.write(_ENTRY.pack(int(hashed), len(name)) + name)
    file.write(bytes(-end % 4) + places.tobytes() + _END.pack(len(places)))
    file.flush()
