"""Invents what several services state about real books whose truth is known: right, damaged, wrong or missing, by chance."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from alexandria_pipeline.domain.merging.claims import Claim
from alexandria_pipeline.domain.merging.hints import of_isbn, of_listing
from alexandria_pipeline_tests.upstream.books_file import BUNDLED_BOOKS, Fact, read_books

SERVICES: Final = ("open-library", "google-books", "isbndb", "wikidata", "internet-archive")
FETCHED: Final = datetime(2026, 11, 27, tzinfo=UTC)
STATED, DAMAGED, WRONG = 0.8, 0.2, 0.15
"""The share of fields that a service states; of these, the shares that it states damaged, and wrong."""

_PUBLISHERS: Final = (
    "Penguin Books",
    "Knopf",
    "Tor Books",
    "Faber & Faber",
    "Virago",
    "HarperCollins Publishers",
    "Delacorte Press",
)
_SERIES: Final = ("Earth Cycle", "The Night Watch", "Harker & Sons", "Blue River Saga", "The Long Road")
_SUBJECTS: Final = (
    "Love stories",
    "Detective and mystery stories",
    "Science fiction",
    "Family life",
    "War stories",
    "Friendship",
)
_NO_SUBJECTS: Final = ("Paperback", "Large type books", "General", "New York Times bestseller")
_LANGUAGES: Final = ("en", "fr", "de", "es")
_TRANSLATORS: Final = ("Ann Goldstein", "Lydia Davis", "Michael Hofmann", "Quentin Blake")


@dataclass(frozen=True, slots=True)
class Case:
    """One field of one book: the claims about it, its true value, and whether the true value has the most sources.

    `lead`: how many more sources state the truth than the most frequent wrong value; None if no source states the truth.
    """

    field: str
    claims: tuple[Claim, ...]
    truth: Any
    lead: int | None
    hints: tuple[Claim, ...] = ()


def cases(seed: int, copies: int = 1) -> list[Case]:
    """The cases of all books of the bundled file, `copies` times with other claims."""
    dice = random.Random(seed)  # noqa: S311 - repeatable
    books = read_books(BUNDLED_BOOKS)
    return [
        replace(case, hints=(*of_listing(book.title.upper(), " and ".join(book.authors)), *of_isbn(book.isbn13)))
        for _ in range(copies)
        for book in books
        for case in _book(dice, book, dice.choice(books))
    ]


def _book(dice: random.Random, book: Fact, other: Fact) -> list[Case]:
    title, year = book.title.strip(), int(book.date[:4])
    month, day = dice.randint(1, 12), dice.randint(2, 28)
    pages, place = dice.randint(90, 900), str(dice.randint(1, 9))
    publisher, language = dice.choice(_PUBLISHERS), dice.choice(_LANGUAGES[:1] * 6 + _LANGUAGES)
    series, wrong_series = dice.sample(_SERIES, 2)
    subjects = dice.sample(_SUBJECTS, 3)
    helper = dice.choice(_TRANSLATORS)
    people, strangers = _people(book.authors), _people(other.authors)
    return [
        _field(dice, "title", title, lambda: _damaged_title(dice, title, series), other.title.strip),
        _field(
            dice, "authors", people, lambda: _damaged_people(dice, book.authors, helper),
            lambda: dice.choice([strangers, [*people, {"name": helper, "role": "unknown"}]]),
        ),
        _field(
            dice, "published", f"{year}-{month:02}-{day:02}", lambda: dice.choice([f"{year}", f"{year}-{month:02}", f"{year}-01-01"]),
            lambda: dice.choice([f"{year - dice.randint(1, 9)}-03-04", f"{year + dice.randint(1, 4)}-07", "1900", "2999-01-01"]),
        ),
        _field(dice, "pages", pages, None, lambda: dice.choice([1, pages // 2, pages + dice.randint(12, 200), 99_999])),
        _field(
            dice, "publisher", publisher, lambda: dice.choice([publisher.upper(), f"{publisher}, Inc.", f" {publisher} "]),
            lambda: dice.choice(["Independently published", *[name for name in _PUBLISHERS if name != publisher]]),
        ),
        _field(dice, "language", language, lambda: {"en": "eng", "fr": "fra", "de": "ger", "es": "spa"}[language],
               lambda: dice.choice([each for each in _LANGUAGES if each != language])),
        _field(
            dice, "series", {"name": series, "position": place}, lambda: {"name": series.upper(), "position": place},
            lambda: {"name": dice.choice([series, wrong_series]), "position": str(int(place) + 1)},
        ),
        _field(dice, "subjects", subjects, lambda: [subjects[0].upper() + ".", dice.choice(_NO_SUBJECTS)], None),
    ]  # fmt: skip


def _field(
    dice: random.Random, name: str, truth: Any, damaged: Callable[[], Any] | None, wrong: Callable[[], Any] | None
) -> Case:
    claims, false = [], Counter[str]()
    for number, service in enumerate(SERVICES):
        if dice.random() > STATED:
            continue
        chance = dice.random()
        value = truth
        if wrong and chance < WRONG:
            value = wrong()
            false[repr(value)] += 1
        elif damaged and chance < WRONG + DAMAGED:
            value = damaged()
        claims.append(Claim(service, name, value, number + 1, fetched_at=FETCHED))
    right = len(claims) - sum(false.values())
    return Case(name, tuple(claims), truth, right - max(false.values(), default=0) if right else None)


def _damaged_title(dice: random.Random, title: str, series: str) -> str:
    garbled = title.encode().decode("cp1252", errors="ignore") if not title.isascii() else f"  {title} "
    return dice.choice(
        [title.upper(), f"{title} ({series}, #2)", f"{title}: A Novel", title.replace("&", "&amp;"), garbled]
    )


def _damaged_people(dice: random.Random, names: Sequence[str], helper: str) -> list[dict[str, str]]:
    turned = [f"{name.rpartition(' ')[2]}, {name.rpartition(' ')[0]}" for name in names]
    return dice.choice([
        _people(turned), _people([name.upper() for name in names]), [*_people(names), {"name": helper, "role": "translator"}],
    ])  # fmt: skip


def _people(names: Sequence[str]) -> list[dict[str, str]]:
    return [{"name": name, "role": "author"} for name in names]
