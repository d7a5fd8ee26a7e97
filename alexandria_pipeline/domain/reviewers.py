"""The persons who may decide on near misses in the browser: their names, and the hashes of their passwords."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = re.compile(r"[\w.@+-]{1,60}")
_HASH: Final = re.compile(
    r"\$argon2id\$v=\d{1,3}\$m=\d{1,9},t=\d{1,4},p=\d{1,3}\$[A-Za-z0-9+/]{1,200}\$[A-Za-z0-9+/]{1,200}"
)


def parse_reviewers(text: str) -> Mapping[str, str]:
    """The hash of each name: entries `name:hash`, separated by white space or semicolons.

    Raises InvalidValue for an entry of another form, and for a name that occurs twice. Its message repeats no hash.
    """
    found: dict[str, str] = {}
    for number, entry in enumerate(text.replace(";", " ").split(), start=1):
        name, _, hashed = entry.partition(":")
        if not NAME.fullmatch(name) or not _HASH.fullmatch(hashed):
            raise InvalidValue(f"entry {number} is not name:hash; `alexandria reviewers add NAME` prints one")
        if name in found:
            raise InvalidValue(f"names {name} twice")
        found[name] = hashed
    return found


def written(reviewers: Mapping[str, str]) -> str:
    """The text that `parse_reviewers` reads."""
    return ";".join(f"{name}:{hashed}" for name, hashed in reviewers.items())
