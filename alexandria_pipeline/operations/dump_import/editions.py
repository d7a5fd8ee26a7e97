"""Edition records of a dump: one row per ISBN, in the order of the columns of `catalog_import_edition`."""

from __future__ import annotations

import re
from typing import Any, Final

from alexandria_pipeline.domain.catalog_keys import author_hash, title_keys
from alexandria_pipeline.domain.records import ContributorRole
from alexandria_pipeline.operations.dump_import import fields
from alexandria_pipeline.operations.dump_import.fields import ITEM, PART
from alexandria_pipeline.operations.dump_import.options import ImportOptions
from alexandria_pipeline.providers.common.contributors import contributor, role_of

WITHOUT_ISBN: Final = "editions without an ISBN"
OTHER_LANGUAGE: Final = "editions in another language"
NO_LANGUAGE: Final = "editions without a language"
TOO_OLD: Final = "editions before the first year"
NO_YEAR: Final = "editions without a year"
_MAX_LISTED: Final = 4
_BY: Final = re.compile(r"^(?:written )?by\s+", re.IGNORECASE)
_OWN_FIELDS: Final = (("oclc", "oclc_numbers"), ("lccn", "lccn"), ("internet_archive", "ocaid"))
_IDENTIFIERS: Final = ("goodreads", "librarything", "google", "amazon", "wikidata")


def edition_rows(number: int, revision: str, record: dict[str, Any], options: ImportOptions) -> list[str] | str | None:
    """The rows of an edition, one per ISBN; the reason (a key of the counts) why it is left out; None without a title."""
    title = fields.text(record.get("title"))
    if not title:
        return None
    isbns = fields.isbns(record)
    if not isbns:
        return WITHOUT_ISBN
    language = fields.language_code(record.get("languages"))
    published = fields.date_number(record.get("publish_date"))
    if (left_out := _left_out(language, published, options)) is not None:
        return left_out
    if prefix := fields.text(record.get("title_prefix")):
        title = f"{prefix} {title}"
    keys = title_keys(title)
    authors = fields.references(record.get("authors"), "author")
    stated = "" if authors else _stated_author(record)
    works = fields.references(record.get("works"))
    rest = fields.copy_row((
        str(works[0]) if works else "", fields.array(authors), stated, str(author_hash(stated)) if stated else "",
        str(keys.title), str(keys.head), str(keys.tail), str(published or ""), _pages(record.get("number_of_pages")),
        fields.format_code(fields.first(record.get("physical_format"))), language, title, fields.text(record.get("subtitle")),
        _contributors(record), fields.first(record.get("publishers")), fields.joined(record.get("series"), _MAX_LISTED),
        fields.joined(record.get("subjects"), fields.MAX_SUBJECTS), _covers(record.get("covers")), _identifiers(record),
    ))  # fmt: skip
    return [f"{number}\t{revision}\t{isbn}\t{rest}" for isbn in isbns]


def _left_out(language: str, published: int, options: ImportOptions) -> str | None:
    if options.languages and (language or "und") not in options.languages:
        return OTHER_LANGUAGE if language else NO_LANGUAGE
    if options.since is not None and published < options.since * 10_000:
        return TOO_OLD if published else NO_YEAR
    return None


def _pages(value: object) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 32_768 else ""


def _stated_author(record: dict[str, Any]) -> str:
    """The author in "by Frank Herbert ; edited by …", for editions that refer to no author record."""
    statement = fields.text(record.get("by_statement")).split(";")[0]
    person = contributor(_BY.sub("", statement).strip(" ."), ContributorRole.AUTHOR) if statement else None
    return person.name if person and person.role is ContributorRole.AUTHOR else ""


def _contributors(record: dict[str, Any]) -> str:
    """The people besides the authors, with their roles."""
    found = []
    listed = record.get("contributors")
    for each in listed[:_MAX_LISTED] if isinstance(listed, list) else ():
        if isinstance(each, dict) and (name := fields.text(each.get("name"))):
            role = role_of(fields.text(each.get("role"))) or ContributorRole.OTHER
            found.append(f"{name}{PART}{'' if role is ContributorRole.AUTHOR else role.value}")
    return ITEM.join(found)


def _covers(value: object) -> str:
    covers = [str(each) for each in value if type(each) is int and each > 0] if isinstance(value, list) else []
    return ITEM.join(covers[:_MAX_LISTED])


def _identifiers(record: dict[str, Any]) -> str:
    """OCLC, LCCN and the identifiers of other catalogues; one value a scheme."""
    others = record.get("identifiers")
    listed = [(scheme, record.get(name)) for scheme, name in _OWN_FIELDS]
    if isinstance(others, dict):
        listed += [(scheme, others.get(scheme)) for scheme in _IDENTIFIERS]
    return ITEM.join(
        [f"{scheme}{PART}{value}" for scheme, values in listed if values and (value := fields.first(values))]
    )
