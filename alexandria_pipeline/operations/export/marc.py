"""MARC 21 in UTF-8, by pymarc (extra `marc`): one record for each edition (https://www.loc.gov/marc/bibliographic/)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.operations.export.columns import Row
from alexandria_pipeline.providers.common.languages import marc_code

if TYPE_CHECKING:
    from pathlib import Path

MAX_TEXT: Final = 2_000  # characters of a description; a field of ISO 2709 has at most 9,999 bytes
MAX_SUBJECTS: Final = 50
_LEADER: Final = "00000nam a2200000 i 4500"  # new record, language material, monograph, UTF-8, ISBD
_ROLES: Final = {"translator": "trl", "illustrator": "ill", "narrator": "nrt", "editor": "edt"}


class MarcWriter:
    """Writes ISO 2709 records."""

    def __init__(self, file: Path) -> None:
        try:
            import pymarc  # noqa: PLC0415 - an optional extra
        except ImportError as error:
            raise InvalidValue("MARC needs the extra marc: pip install 'alexandria-pipeline[marc]'") from error
        self._pymarc: Any = pymarc
        self._target = file.open("wb")

    def add(self, row: Row) -> bool:
        """Writes an edition; False for a work without one."""
        if not row["isbn13"]:
            return False
        record = self._pymarc.Record(leader=_LEADER, force_utf8=True)
        for tag, data in (("001", row["isbn13"]), ("003", "alexandria"), ("008", _fixed(row))):
            record.add_field(self._pymarc.Field(tag=tag, data=data))
        for tag, indicators, subfields in _fields(row):
            codes = [self._pymarc.Subfield(code, text) for code, text in subfields if text]
            if codes:
                record.add_field(
                    self._pymarc.Field(tag=tag, indicators=self._pymarc.Indicators(*indicators), subfields=codes)
                )
        self._target.write(record.as_marc())
        return True

    def close(self) -> None:
        """Closes the file."""
        self._target.close()


def _fixed(row: Row) -> str:
    """Field 008. The date of entry is fixed, so that the same data give the same bytes."""
    year = (row["published"] or "")[:4]
    dates = f"s{year}    " if year else "nuuuuuuuu"
    language = marc_code(row["language"]) or "und"
    return f"000101{dates}xx {'|' * 17}{language} d"


def _fields(row: Row) -> list[tuple[str, tuple[str, str], list[tuple[str, str | None]]]]:
    """The variable fields: tag, indicators, subfields."""
    authors = [each for each in row["authors"] if (each.get("role") or "author") == "author"] or [
        {"name": row["author"]}
    ]
    others = [each for each in row["authors"] if (each.get("role") or "author") != "author"]
    pages = f"{row['pages']} pages" if row["pages"] else None
    names = [("700", ("1", " "), [("a", each["name"]), ("4", "aut")]) for each in authors[1:]]
    names += [("700", ("1", " "), [("a", each["name"]), ("4", _ROLES.get(each["role"], "oth"))]) for each in others]
    return [
        ("020", (" ", " "), [("a", row["isbn13"])]),
        ("100", ("1", " "), [("a", authors[0]["name"])]),
        ("245", ("1", "0"), [("a", row["edition_title"] or row["title"]), ("b", row["subtitle"])]),
        ("264", (" ", "1"), [("b", row["publisher"]), ("c", row["published"])]),
        ("300", (" ", " "), [("a", pages)]),
        ("490", ("0", " "), [("a", row["series"]), ("v", row["series_position"] if row["series"] else None)]),
        ("520", (" ", " "), [("a", (row["description"] or "")[:MAX_TEXT])]),
        *[("650", (" ", "4"), [("a", subject)]) for subject in row["subjects"][:MAX_SUBJECTS]],
        *names,
        ("856", ("4", "2"), [("3", "Cover"), ("u", row["cover_url"])] if row["cover_url"] else []),
    ]
