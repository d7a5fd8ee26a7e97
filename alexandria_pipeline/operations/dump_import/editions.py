"""Edition records of a dump as rows: of the new catalogue where the names of all authors are known, else of the staging table.

Both have one row per ISBN; `storage.catalog_import` names their columns.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from alexandria_pipeline.domain.catalog_keys import author_hash, title_keys
from alexandria_pipeline.domain.records import ContributorRole
from alexandria_pipeline.operations.dump_import.author_names import AuthorNames
from alexandria_pipeline.operations.dump_import.fields import (
    ITEM,
    MAX_SUBJECTS,
    PART,
    array,
    date_number,
    format_code,
    isbns,
    joined,
    language_code,
    record_digits,
    text,
)
from alexandria_pipeline.operations.dump_import.options import ImportOptions
from alexandria_pipeline.operations.dump_import.records import EditionRecord, author_digits
from alexandria_pipeline.providers.common.contributors import contributor, role_of

WITHOUT_ISBN: Final = "editions without an ISBN"
OTHER_LANGUAGE: Final = "editions in another language"
NO_LANGUAGE: Final = "editions without a language"
TOO_OLD: Final = "editions before the first year"
NO_YEAR: Final = "editions without a year"
_MAX_LISTED: Final = 4
_BY: Final = re.compile(r"^(?:written )?by\s+", re.IGNORECASE)


class EditionRows(NamedTuple):
    """Rows of the table "new" (whole) or "edition" (their authors' names are to be added)."""

    table: str
    rows: list[str]


def edition_rows(
    number: str, revision: str, record: EditionRecord, options: ImportOptions, names: AuthorNames
) -> EditionRows | str | None:
    """The rows of an edition; the reason (a key of the counts) why it is left out; None without a title."""
    title = text(record.title)
    if not title:
        return None
    found = isbns(record.isbn_13, record.isbn_10)
    if not found:
        return WITHOUT_ISBN
    language = language_code(record.languages[0].key) if record.languages else ""
    if not language and len(record.languages) > 1:
        language = next(filter(None, (language_code(each.key) for each in record.languages)), "")
    published = date_number(record.publish_date) if record.publish_date else ""
    if options.is_choice and (left_out := _left_out(language, published, options)) is not None:
        return left_out
    if record.title_prefix and (prefix := text(record.title_prefix)):
        title = f"{prefix} {title}"
    keys = title_keys(title)
    pages, subjects = record.number_of_pages, record.subjects
    contributors = _contributors(record) if record.contributors else ""
    work = record_digits(record.works[0].key) if record.works else ""
    rest = (
        f"{published}\t{pages if 0 < pages < 32_768 else ''}\t"
        f"{format_code(record.physical_format) if record.physical_format else ''}\t{language}\t{title}\t"
        f"{text(record.subtitle) if record.subtitle else ''}\t{text(record.publishers[0]) if record.publishers else ''}\t"
        f"{joined(record.series, _MAX_LISTED) if record.series else ''}\t"
        f"{joined(subjects, MAX_SUBJECTS) if subjects else ''}\t{_covers(record.covers) if record.covers else ''}\t"
        f"{_identifiers(record)}"
    )
    authors = author_digits(record.authors) if record.authors else ()
    stated = "" if authors or not record.by_statement else _stated_author(text(record.by_statement))
    people = names.of(authors) if authors or not work else None  # without authors, an edition has those of its work
    if people is None:
        table = "edition"
        middle = (
            f"{number}\t{revision}\t{work}\t{keys.title}\t{keys.head}\t{keys.tail}\t{array(authors)}\t{stated}\t"
            f"{author_hash(stated) if stated else ''}\t{rest}\t{contributors}"
        )
    else:
        table = "new"
        surname, listed = (author_hash(stated), stated) if stated else people
        if contributors:
            listed = f"{listed}{ITEM}{contributors}" if listed else contributors
        middle = (
            f"{number}\t{revision}\t{work}\t{keys.title}\t{surname}\t{surname ^ keys.head}\t{surname ^ keys.tail}\t"
            f"{rest}\t{listed}"
        )
    return EditionRows(table, [f"{isbn}\t{middle}" for isbn in found])


def _left_out(language: str, published: str, options: ImportOptions) -> str | None:
    if options.languages and (language or "und") not in options.languages:
        return OTHER_LANGUAGE if language else NO_LANGUAGE
    if options.since is not None and int(published or 0) < options.since * 10_000:
        return TOO_OLD if published else NO_YEAR
    return None


def _stated_author(statement: str) -> str:
    """The author in "by Frank Herbert ; edited by …", for editions that refer to no author record."""
    first = statement.split(";", maxsplit=1)[0]
    person = contributor(_BY.sub("", first).strip(" ."), ContributorRole.AUTHOR) if first else None
    return person.name if person and person.role is ContributorRole.AUTHOR else ""


def _contributors(record: EditionRecord) -> str:
    """The people besides the authors, with their roles."""
    found = []
    for each in record.contributors[:_MAX_LISTED]:
        if name := text(each.name):
            role = role_of(text(each.role)) or ContributorRole.OTHER
            found.append(f"{name}{PART}{'' if role is ContributorRole.AUTHOR else role.value}")
    return ITEM.join(found)


def _covers(covers: list[int]) -> str:
    if len(covers) == 1:
        return str(covers[0]) if covers[0] > 0 else ""
    return ITEM.join([str(each) for each in covers if each > 0][:_MAX_LISTED])


def _identifiers(record: EditionRecord) -> str:
    """OCLC, LCCN and the identifiers of other catalogues; one value a scheme."""
    found = []
    if record.oclc_numbers and (value := text(record.oclc_numbers[0])):
        found.append(f"oclc{PART}{value}")
    if record.lccn and (value := text(record.lccn[0])):
        found.append(f"lccn{PART}{value}")
    if record.ocaid and (value := text(record.ocaid)):
        found.append(f"internet_archive{PART}{value}")
    if (others := record.identifiers) is not None:
        if others.goodreads and (value := text(others.goodreads[0])):
            found.append(f"goodreads{PART}{value}")
        if others.librarything and (value := text(others.librarything[0])):
            found.append(f"librarything{PART}{value}")
        if others.google and (value := text(others.google[0])):
            found.append(f"google{PART}{value}")
        if others.amazon and (value := text(others.amazon[0])):
            found.append(f"amazon{PART}{value}")
        if others.wikidata and (value := text(others.wikidata[0])):
            found.append(f"wikidata{PART}{value}")
    return ITEM.join(found)
