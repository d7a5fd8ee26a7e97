"""The catalogue of the stand-in as a dump of Open Library, for the local catalogue: all editions and derivatives, as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline_tests import dumps
from alexandria_pipeline_tests.upstream.model import Form

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alexandria_pipeline_tests.upstream.catalogue import Catalogue
    from alexandria_pipeline_tests.upstream.model import Edition

FIRST_NUMBER: Final = 50_000_000
"""The numbers of these records, so that they can stand beside those of `alexandria_pipeline_tests.dumps`."""

_FORMS: Final = {
    Form.HARDCOVER: "Hardcover", Form.PAPERBACK: "Paperback", Form.LARGE_PRINT: "Large Print", Form.EBOOK: "E-book", Form.AUDIO: "Audio CD",
}  # fmt: skip
_MARC_LANGUAGES: Final = {"en": "eng", "de": "ger", "fr": "fre", "es": "spa", "it": "ita", "nl": "dut", "pt": "por"}


def append_dump(catalogue: Catalogue, dump: dumps.Dump) -> None:
    """Appends the catalogue to the files of a dump that are not packed."""
    with dump.editions.open("ab") as editions:
        editions.writelines(_edition_lines(catalogue))
    with dump.authors.open("ab") as authors:
        for name, number in catalogue.authors.items():
            key = f"/authors/OL{FIRST_NUMBER + number}A"
            authors.write(dumps.line("author", key, 1, {"key": key, "name": name}))


def _edition_lines(catalogue: Catalogue) -> Iterator[bytes]:
    for number, edition in enumerate(catalogue.editions, FIRST_NUMBER):
        key = f"/books/OL{number}M"
        yield dumps.line("edition", key, 1, {"key": key, **_record(catalogue, edition)})


def _record(catalogue: Catalogue, edition: Edition) -> dict[str, Any]:
    authors = [FIRST_NUMBER + catalogue.authors[name] for name in edition.authors if name in catalogue.authors]
    language = _MARC_LANGUAGES.get(edition.language)
    return {
        "title": edition.title, **({"subtitle": edition.subtitle} if edition.subtitle else {}), "isbn_13": [edition.isbn13],
        "authors": [{"key": f"/authors/OL{number}A"} for number in authors],
        "works": [{"key": f"/works/OL{FIRST_NUMBER + edition.work}W"}], "publishers": [edition.publisher],
        "publish_date": edition.published, "physical_format": _FORMS[edition.form], "number_of_pages": edition.pages,
        **({"languages": [{"key": f"/languages/{language}"}]} if language else {}),
        **({"contributors": [{"role": "Translator", "name": edition.translator}]} if edition.translator else {}),
    }  # fmt: skip
