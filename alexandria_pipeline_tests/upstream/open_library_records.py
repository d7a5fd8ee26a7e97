"""Open Library's records and search results as the stand-in returns them, in JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline_tests.upstream.model import Kind, Record, Work
from alexandria_pipeline_tests.upstream.names import LANGUAGES
from alexandria_pipeline_tests.upstream.randomness import seeded_random
from alexandria_pipeline_tests.upstream.words import isbn10

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline_tests.upstream.catalogue import Catalogue

STAMP: Final = {"type": "/type/datetime", "value": "2021-10-08T21:20:07.665236"}
_MONTHS: Final = "January February March April May June July August September October November December".split()


class OpenLibraryRecords:
    """Makes the JSON of editions and works. `names` has the authors by their keys."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.names = {f"OL{number}A": author for author, number in catalogue.authors.items()}

    def work_doc(self, key: str, records: Sequence[Record], fields: Sequence[str], language: str) -> dict[str, Any]:
        """A work in a search result. Its `isbn` has all editions, and translations come first."""
        work, authors = self.work_of(records[0]), self.author_keys(records[0])
        foreign_first = sorted(records, key=lambda record: -record.rank_bonus)
        doc: dict[str, Any] = {
            "key": f"/works/{key}",
            "title": work.title if work else records[0].title,
            "subtitle": work.subtitle if work else None,
            "author_name": [self.names[each] for each in authors] or None,
            "author_key": authors or None,
            "first_publish_year": first_year(records),
            "isbn": [number for record in foreign_first for number in (isbn10(record.isbn), record.isbn) if number],
            "language": list(
                dict.fromkeys(LANGUAGES[record.language][0] for record in foreign_first if record.language)
            )
            or None,
            "edition_count": len(records),
            "cover_i": records[0].number + 1,
            "subject": [self._catalogue.works[records[0].edition.work].genre],
            "publisher": list(dict.fromkeys(record.edition.publisher for record in records)),
        }
        if any(name.split(".")[0] == "editions" for name in fields):
            shown = self._shown(records, language)
            doc["editions"] = {"numFound": len(records), "start": 0, "numFoundExact": True, "docs": [shown]}
        return {name: value for name, value in doc.items() if value is not None and (not fields or name in fields)}

    def _shown(self, records: Sequence[Record], language: str) -> dict[str, Any]:
        """The edition that a search result shows for a work, usually one in the requested language."""
        preferred = [record for record in records if record.language == language] or list(records)
        rng = seeded_random("shown", preferred[0].isbn, len(records))
        record = rng.choice(records if rng.random() < 0.15 else preferred)
        shown = {
            "key": f"/books/{edition_key(record)}",
            "title": record.title,
            "subtitle": record.subtitle,
            "isbn": [number for number in (record.isbn, isbn10(record.isbn)) if number],
            "language": [LANGUAGES[record.language][0]] if record.language else None,
            "publish_date": [_written_date(record.published, record.number)] if record.published else None,
            "publisher": [record.edition.publisher],
            "number_of_pages": record.edition.pages,
        }
        return {name: value for name, value in shown.items() if value is not None}

    def edition(self, record: Record) -> dict[str, Any]:
        """The edition record. Most members are lists, and dates are in forms that people write."""
        edition, rng, short = record.edition, seeded_random("open library", record.number), isbn10(record.isbn)
        series = self._catalogue.works[edition.work].series if edition.kind is Kind.EDITION else None
        members: dict[str, Any] = {
            "key": f"/books/{edition_key(record)}",
            "type": {"key": "/type/edition"},
            "title": record.title,
            "subtitle": record.subtitle,
            "works": [{"key": f"/works/{work_key(record)}"}],
            "authors": [{"key": f"/authors/{key}"} for key in self.author_keys(record)] or None,
            "isbn_13": [record.isbn] if not short or rng.random() < 0.85 else None,
            "isbn_10": [short] if short and rng.random() < 0.6 else None,
            "languages": [{"key": f"/languages/{LANGUAGES[record.language][0]}"}] if record.language else None,
            "publish_date": _written_date(record.published, record.number) if record.published else None,
            "publishers": [edition.publisher],
            "physical_format": edition.form.value,
            "number_of_pages": edition.pages,
            "covers": [record.number + 1],
            "contributors": [{"role": "Translator", "name": edition.translator}] if edition.translator else None,
            "series": [f"{series[0]} -- {series[1]}"] if series else None,
            "identifiers": {"goodreads": [str(1000 + record.number)]},
            "latest_revision": 7,
            "revision": 7,
            "last_modified": STAMP,
        }
        if members["isbn_13"] is None and members["isbn_10"] is None:
            members["isbn_10"] = [short]
        return {name: value for name, value in members.items() if value is not None}

    def work_of(self, record: Record) -> Work | None:
        """The work of a record; None for a derivative and for a record with a truncated title."""
        return (
            self._catalogue.works[record.edition.work]
            if record.edition.kind is Kind.EDITION and record.title == record.edition.title
            else None
        )

    def author_keys(self, record: Record) -> list[str]:
        people = (
            self._catalogue.works[record.edition.work].authors
            if record.edition.kind is Kind.EDITION
            else record.edition.authors
        )
        return [f"OL{self._catalogue.authors[name]}A" for name in people if name in self._catalogue.authors]


def work_key(record: Record) -> str:
    return f"OL{record.edition.work + 1}W" if record.edition.kind is Kind.EDITION else f"OL{9_000_000 + record.number}W"


def edition_key(record: Record) -> str:
    return f"OL{record.number + 1}M"


def first_year(records: Sequence[Record]) -> int | None:
    years = [int(record.published[:4]) for record in records if record.published and record.published[:4] > "1700"]
    return min(years, default=None)


def _written_date(published: str, number: int) -> str:
    """The date in one of several written forms."""
    year, month, day = (*published.split("-"), "", "")[:3]
    if not month or number % 3 == 0:
        return year
    name = _MONTHS[int(month) - 1]
    return f"{name} {int(day)}, {year}" if day else f"{name} {year}" if number % 2 else f"{year}-{month}"
