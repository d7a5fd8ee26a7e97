"""Reads the file of facts that works are made of: tab-separated `title author isbn13 date source source_id`; "#" starts a comment."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alexandria_pipeline_tests.upstream.words import family, is_isbn13, title_case, title_key, tokens

BUNDLED_BOOKS: Final = Path(__file__).with_name("books.tsv")
_ENGLISH: Final = ("9780", "9781", "9798")
_SEVERAL: Final = re.compile(r"\s+(?:and|with|&)\s+|\s*;\s*")
_TURNED: Final = re.compile(r"([^,]+), ([^,.]+\.?)")


@dataclass(frozen=True, slots=True)
class Fact:
    """One real book: the title page, and the ISBN of one edition."""

    title: str
    subtitle: str | None
    authors: tuple[str, ...]
    isbn13: str
    date: str


def read_books(path: Path) -> list[Fact]:
    """The usable books of a file, each once: with an English ISBN, a title in Latin letters, a named author and a year."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    header = lines[0].split("\t")
    found: dict[tuple[tuple[str, ...], str], Fact] = {}
    numbers: set[str] = set()
    for line in lines[1:]:
        fact = _fact(dict(zip(header, line.split("\t"), strict=False)))
        key = (title_key(fact.title), _surname(fact.authors[0])) if fact else None
        if fact and key and key[0] and key not in found and fact.isbn13 not in numbers:
            found[key] = fact
            numbers.add(fact.isbn13)
    return list(found.values())


def _fact(row: dict[str, str]) -> Fact | None:
    isbn, date = row.get("isbn13", ""), row.get("date", "")
    title = " ".join(html.unescape(row.get("title", "")).replace("''", '"').split())
    names = tuple(
        " ".join(_natural(name).split())
        for name in _SEVERAL.split(html.unescape(row.get("author", "")))
        if name.strip()
    )
    if not (is_isbn13(isbn) and isbn.startswith(_ENGLISH) and re.match(r"\d{4}", date) and names):
        return None
    if not re.search(r"[A-Za-z]{2}", title) or not all(
        len(tokens(name)) > 1 and re.search("[A-Za-z]", name) for name in names
    ):
        return None
    if sum(map(str.isupper, title)) > sum(map(str.islower, title)):
        title = title_case(title)
    main, colon, rest = title.rstrip(" :").partition(": ")
    return Fact(main, rest.strip() if colon and rest.strip() else None, names, isbn, date)


def _natural(name: str) -> str:
    """The name "Last, First" in natural order. "Jr." stays last."""
    name = re.sub(r"\s*\([^)]*\)", "", name).strip().replace("D, ", "D. ")
    turned = _TURNED.fullmatch(name)
    return f"{turned[2]} {turned[1]}" if turned and turned[2].rstrip(".").lower() not in {"jr", "sr"} else name


def _surname(name: str) -> str:
    return " ".join(tokens(family(name)))
