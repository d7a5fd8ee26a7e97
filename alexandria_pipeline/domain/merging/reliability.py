"""How good the sources are for a field. It decides only between values that equally many sources give.

The figures are assumptions about where the services take a field from, in percent of right values; they are not measured on the
live services. `benchmarks/merge_truth.py` learns such figures from agreement among sources, without the truth, to compare.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from math import log
from typing import Final

RELIABILITY: Final[Mapping[str, Mapping[str, int]]] = {
    # Wikidata has the date of the work; Google Books often that of a scanned copy or of the e-book.
    "published": {"open-library": 93, "isbndb": 91, "internet-archive": 88, "google-books": 85, "wikidata": 78},
    # Only these two have a property for it; the others have it from titles and notes.
    "series": {"wikidata": 95, "open-library": 90, "isbndb": 75, "google-books": 75, "internet-archive": 75},
}
OTHERS: Final = 80


def odds(field: str, sources: Collection[str]) -> float:
    """The logarithm of the odds that sources that agree are right. 0 for fields without figures."""
    return _odds(field, frozenset(sources)) if field in RELIABILITY else 0.0


@lru_cache(maxsize=1_024)
def _odds(field: str, sources: frozenset[str]) -> float:
    shares = sorted(RELIABILITY[field].get(source, OTHERS) for source in sources)
    return round(sum(log(share / (100 - share)) for share in shares), 6)
