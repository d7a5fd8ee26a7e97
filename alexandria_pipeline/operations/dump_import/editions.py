"""Edition records of a dump: one row per ISBN, in the order of the columns of `catalog_import_edition`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from alexandria_pipeline.domain.catalog_keys import author_hash, title_keys
from alexandria_pipeline.domain.records import ContributorRole
from alexandria_pipeline.operations.dump_import import fields
from alexandria_pipeline.operations.dump_import.fields import ITEM, PART
from alexandria_pipeline.operations.dump_import.options import ImportOptions
from alexandria_pipeline.operations.dump_import.records import EditionRecord, author_ids
from alexandria_pipeline.providers.common.contributors import contributor, role_of

WITHOUT_ISBN: Final = "editions without an ISBN"
OTHER_LANGUAGE: Final = "editions in another language"
NO_LANGUAGE: Final = "editions without a language"
TOO_OLD: Final = "editions before the first year"
NO_YEAR: Final = "editions without a year"
_MAX_LISTED: Final = 4
_BY: Final = re.compile(r"^(?:written )?by\s+", re.IGNORECASE)

Clean = Callable[[str], str]
"""Puts a text into single spaces, at most 500 characters."""


def edition_rows(
    number: int, revision: str, record: EditionRecord, options: ImportOptions, *, plain: bool = False
) -> list[str] | str | None:
    """The rows of an edition, one per ISBN; the reason (a key of the counts) why it is left out; None without a title.

    `plain`: the record is ASCII without backslashes and double spaces, so its texts need neither cleaning nor escaping.
    """
    clean = fields.plain_text if plain else fields.text
    title = clean(record.title)
    if not title:
        return None
    isbns = fields.isbns(record.isbn_13, record.isbn_10)
    if not isbns:
        return WITHOUT_ISBN
    language = fields.language_code(record.languages[0].key) if record.languages else ""
    if not language and len(record.languages) > 1:
        language = next(filter(None, (fields.language_code(each.key) for each in record.languages)), "")
    published = fields.date_number(record.publish_date) if record.publish_date else ""
    if (left_out := _left_out(language, published, options)) is not None:
        return left_out
    if record.title_prefix and (prefix := clean(record.title_prefix)):
        title = f"{prefix} {title}"
    keys = title_keys(title)
    authors = author_ids(record.authors) if record.authors else ""
    stated = "" if authors or not record.by_statement else _stated_author(clean(record.by_statement))
    rest = (
        f"{fields.record_digits(record.works[0].key) if record.works else ''}\t{authors}\t{stated}\t"
        f"{author_hash(stated) if stated else ''}\t{keys.title}\t{keys.head}\t{keys.tail}\t{published}\t"
        f"{record.number_of_pages if 0 < record.number_of_pages < 32_768 else ''}\t"
        f"{fields.format_code(record.physical_format) if record.physical_format else ''}\t{language}\t{title}\t"
        f"{clean(record.subtitle) if record.subtitle else ''}\t"
        f"{_contributors(record, clean) if record.contributors else ''}\t"
        f"{clean(record.publishers[0]) if record.publishers else ''}\t"
        f"{fields.joined(record.series, _MAX_LISTED, clean) if record.series else ''}\t"
        f"{fields.joined(record.subjects, fields.MAX_SUBJECTS, clean) if record.subjects else ''}\t"
        f"{_covers(record.covers) if record.covers else ''}\t{_identifiers(record, clean)}"
    )
    rest = fields.with_separators(rest) if plain else fields.escaped(rest)
    return [f"{number}\t{revision}\t{isbn}\t{rest}" for isbn in isbns]


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


def _contributors(record: EditionRecord, clean: Clean) -> str:
    """The people besides the authors, with their roles."""
    found = []
    for each in record.contributors[:_MAX_LISTED]:
        if name := clean(each.name):
            role = role_of(clean(each.role)) or ContributorRole.OTHER
            found.append(f"{name}{PART}{'' if role is ContributorRole.AUTHOR else role.value}")
    return ITEM.join(found)


def _covers(covers: list[int]) -> str:
    if len(covers) == 1:
        return str(covers[0]) if covers[0] > 0 else ""
    return ITEM.join([str(each) for each in covers if each > 0][:_MAX_LISTED])


def _identifiers(record: EditionRecord, clean: Clean) -> str:
    """OCLC, LCCN and the identifiers of other catalogues; one value a scheme."""
    listed = [
        ("oclc", record.oclc_numbers),
        ("lccn", record.lccn),
        ("internet_archive", record.ocaid and [record.ocaid]),
    ]
    if (others := record.identifiers) is not None:
        listed += (
            ("goodreads", others.goodreads),
            ("librarything", others.librarything),
            ("google", others.google),
            ("amazon", others.amazon),
            ("wikidata", others.wikidata),
        )
    return ITEM.join([f"{scheme}{PART}{value}" for scheme, values in listed if values and (value := clean(values[0]))])
