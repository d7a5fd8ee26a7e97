"""Rows of the imported dump as records: packed dates, letters of formats, lists of one item a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import (
    Candidate,
    CatalogEntry,
    CatalogWork,
    Contributor,
    ContributorRole,
    EditionFormat,
    PartialDate,
)

SOURCE: Final = "openlibrary_edition"
WORK: Final = "openlibrary_work"
CATALOG: Final = "local-catalog"
"""The provider in whose name editions of the catalogue are offered (providers.local_catalog)."""

_FORMATS: Final = {
    "h": EditionFormat.HARDCOVER,
    "p": EditionFormat.PAPERBACK,
    "e": EditionFormat.EBOOK,
    "a": EditionFormat.AUDIO,
    "o": EditionFormat.OTHER,
}


def dump_entry(row: Mapping[str, Any]) -> CatalogEntry:
    """An edition. Its subjects are its own, or else those of its work."""
    people = contributors(row["contributors"])
    authors = (one.name for one in people if one.role is ContributorRole.AUTHOR)
    return CatalogEntry(
        isbn13=Isbn13(row["isbn13"]),
        title=row["title"],
        author=next(authors, ""),
        published=packed_date(row["published"]),
        language=row["language"],
        publisher=row["publisher"],
        source=SOURCE,
        source_id=f"OL{row['edition_id']}M",
        subtitle=row["subtitle"],
        contributors=people,
        format=_FORMATS.get(row["format"], EditionFormat.UNKNOWN),
        pages=row["pages"],
        series=lines(row["series"]),
        subjects=lines(row["subjects"] or row["work_subjects"]),
        covers=tuple(map(int, lines(row["covers"]))),
        identifiers=tuple(
            (scheme, value) for scheme, _, value in (each.partition("\t") for each in lines(row["identifiers"]))
        ),
        work=f"OL{row['work_id']}W" if row["work_id"] else "",
        first_year=row["first_year"],
    )


def dump_candidate(row: Sequence[Any], rank: int) -> Candidate:
    """An edition as the matcher judges it, of a row of `lookup_same` or `lookup_similar`."""
    (
        _,
        isbn13,
        edition_id,
        work_id,
        title,
        subtitle,
        people,
        published,
        first_year,
        language,
        publisher,
        form,
        pages,
        series,
        subjects,
    ) = row
    edition = (SOURCE, f"OL{edition_id}M")
    return Candidate(
        CATALOG,
        Isbn13(isbn13),
        title,
        contributors(people),
        subtitle,
        packed_date(published),
        first_year,
        language,
        publisher,
        _FORMATS.get(form, EditionFormat.UNKNOWN),
        pages,
        series.partition("\n")[0] if series else None,
        None,
        lines(subjects),
        (edition, (WORK, f"OL{work_id}W")) if work_id else (edition,),
        rank,
    )


def file_candidate(row: Sequence[Any], rank: int) -> Candidate:
    """An edition of a loaded file as the matcher judges it, of a row of `lookup_files`."""
    (
        _,
        isbn13,
        source,
        source_id,
        work,
        title,
        subtitle,
        author,
        published,
        first_year,
        language,
        publisher,
        form,
        pages,
        series,
        subjects,
    ) = row
    return Candidate(
        CATALOG,
        Isbn13(isbn13),
        title,
        (Contributor(author, ContributorRole.AUTHOR),) if author else (),
        subtitle,
        iso_date(published),
        first_year,
        language,
        publisher,
        EditionFormat(form or EditionFormat.UNKNOWN),
        pages,
        series.partition("\n")[0] if series else None,
        None,
        lines(subjects),
        (*(((source, source_id),) if source_id else ()), *(((WORK, work),) if work else ())),
        rank,
    )


def iso_date(text: str | None) -> PartialDate | None:
    """The date of YYYY, YYYY-MM or YYYY-MM-DD."""
    return PartialDate(*map(int, text.split("-"))) if text else None


def dump_work(row: Mapping[str, Any]) -> CatalogWork:
    """A work."""
    people = contributors(row["contributors"])
    authors = tuple(one for one in people if one.role is ContributorRole.AUTHOR)
    return CatalogWork(f"OL{row['work_id']}W", row["title"] or "", authors, row["first_year"], lines(row["subjects"]))


def record_number(key: str) -> int:
    """7 for "OL7W" and "/works/OL7W". Raises InvalidValue for another form."""
    digits = key.rsplit("/", 1)[-1][2:-1]
    if not digits.isdecimal() or len(digits) > 9:
        raise InvalidValue(f"{key!r} is no key of Open Library, such as OL7W")
    return int(digits)


def contributors(text: str | None) -> tuple[Contributor, ...]:
    """The people of a column `contributors`."""
    return tuple(_contributor(*line.split("\t")) for line in lines(text))


def _contributor(name: str, role: str = "", _: str = "") -> Contributor:
    return Contributor(name, ContributorRole(role) if role else ContributorRole.AUTHOR)


def packed_date(number: int | None) -> PartialDate | None:
    """The date of yyyymmdd, with 00 for an unknown month or day."""
    if not number:
        return None
    year, rest = divmod(number, 10_000)
    month, day = divmod(rest, 100)
    return PartialDate(year, month or None, day or None)


def lines(text: str | None) -> tuple[str, ...]:
    """The items of a list with one item a line."""
    return tuple(text.split("\n")) if text else ()
