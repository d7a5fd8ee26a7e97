"""What a client has fetched for several questions at once, until these are asked. Bounded; nothing is shared by processes."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

MAX_ENTRIES = 2_000


class Fetched(Generic[K, V]):
    """The last `limit` values by key; the oldest is dropped first."""

    def __init__(self, limit: int = MAX_ENTRIES) -> None:
        self._values: OrderedDict[K, V] = OrderedDict()
        self._limit = limit

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def get(self, key: K) -> V | None:
        """The value of a key; None if there is none."""
        return self._values.get(key)

    def add(self, key: K, value: V) -> None:
        """Adds or replaces a value."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._limit:
            self._values.popitem(last=False)
