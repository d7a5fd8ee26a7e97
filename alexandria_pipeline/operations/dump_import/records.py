"""Records of editions and works with the fields that an import keeps, each of one type.

Most records of a dump have these types and are decoded by msgspec straight into the classes here. The others, such as a title
that is an object or an author that is a text, are decoded as dictionaries and read by the rules of `fields`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import orjson

from alexandria_pipeline.operations.dump_import import fields


class Key(msgspec.Struct, gc=False):
    """{"key": "/works/OL7W"}."""

    key: str = ""


class AuthorReference(msgspec.Struct, gc=False):
    """{"key": "/authors/OL7A"} or {"author": {"key": …}}."""

    key: str = ""
    author: Key | None = None


class Person(msgspec.Struct, gc=False):
    """A contributor as entered."""

    name: str = ""
    role: str = ""


class OtherIdentifiers(msgspec.Struct, gc=False):
    """Identifiers of other catalogues."""

    goodreads: list[str] = []
    librarything: list[str] = []
    google: list[str] = []
    amazon: list[str] = []
    wikidata: list[str] = []


class EditionRecord(msgspec.Struct, gc=False):
    """An edition's fields under their names in the dump."""

    title: str = ""
    title_prefix: str = ""
    subtitle: str = ""
    authors: list[AuthorReference] = []
    works: list[Key] = []
    isbn_10: list[str] = []
    isbn_13: list[str] = []
    languages: list[Key] = []
    publish_date: str = ""
    number_of_pages: int = 0
    physical_format: str = ""
    by_statement: str = ""
    publishers: list[str] = []
    series: list[str] = []
    subjects: list[str] = []
    covers: list[int] = []
    contributors: list[Person] = []
    oclc_numbers: list[str] = []
    lccn: list[str] = []
    ocaid: str = ""
    identifiers: OtherIdentifiers | None = None


class WorkRecord(msgspec.Struct, gc=False):
    """A work's fields under their names in the dump."""

    title: str = ""
    authors: list[AuthorReference] = []
    subjects: list[str] = []
    first_publish_date: str = ""


_EDITION: Final = msgspec.json.Decoder(EditionRecord)
_WORK: Final = msgspec.json.Decoder(WorkRecord)
_TEXTS: Final = ("title", "title_prefix", "subtitle", "by_statement")
_FIRST_TEXTS: Final = ("physical_format", "ocaid")
_LISTS: Final = ("publishers", "series", "subjects", "oclc_numbers", "lccn")


def edition_record(body: bytes) -> EditionRecord | None:
    """The edition of a JSON text; None when it is no object. Raises orjson.JSONDecodeError when it is no JSON."""
    try:
        return _EDITION.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        record = orjson.loads(body)
    return _tolerant_edition(record) if type(record) is dict else None


def work_record(body: bytes) -> WorkRecord | None:
    """The work of a JSON text; None when it is no object. Raises orjson.JSONDecodeError when it is no JSON."""
    try:
        return _WORK.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        record = orjson.loads(body)
    if type(record) is not dict:
        return None
    return WorkRecord(
        fields.text(record.get("title")),
        _authors(record),
        fields.texts(record.get("subjects")),
        _date(record.get("first_publish_date")),
    )


def _tolerant_edition(record: dict[str, Any]) -> EditionRecord:
    """The edition of a dictionary in which a field has another type than usual."""
    found: dict[str, Any] = {name: fields.text(record.get(name)) for name in _TEXTS}
    found |= {name: fields.first(record.get(name)) for name in _FIRST_TEXTS}
    found |= {name: fields.texts(record.get(name)) for name in _LISTS}
    found |= {name: fields.isbn_texts(record.get(name)) for name in ("isbn_10", "isbn_13")}
    pages, others = record.get("number_of_pages"), record.get("identifiers")
    covers, people = record.get("covers"), record.get("contributors")
    return EditionRecord(
        **found,
        authors=_authors(record),
        works=[Key(f"/works/OL{each}W") for each in fields.references(record.get("works"))],
        languages=[Key(each) for each in fields.keys(record.get("languages"))],
        publish_date=_date(record.get("publish_date")),
        number_of_pages=pages if type(pages) is int else 0,
        covers=[each for each in covers if type(each) is int] if isinstance(covers, list) else [],
        contributors=[Person(fields.text(each.get("name")), fields.text(each.get("role"))) for each in _dicts(people)],
        identifiers=_identifiers(others) if isinstance(others, dict) else None,
    )


def _authors(record: dict[str, Any]) -> list[AuthorReference]:
    return [AuthorReference(f"/authors/OL{each}A") for each in fields.references(record.get("authors"), "author")]


def _date(value: object) -> str:
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _identifiers(others: dict[str, Any]) -> OtherIdentifiers:
    return OtherIdentifiers(**{name: fields.texts(others.get(name)) for name in OtherIdentifiers.__struct_fields__})


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def author_digits(authors: list[AuthorReference]) -> list[str]:
    """The numbers of the authors, as digits."""
    found = [fields.record_digits(each.author.key if each.author else each.key) for each in authors]
    return found if "" not in found else [digits for digits in found if digits]
