"""Facts of real books as five services state them: conflicting, partial and damaged. The truth of every field is known.

Title, authors and ISBN are of the given file of real books; the other facts are drawn. The rates of error were chosen by
hand, so figures measured with them say how the rules behave, not how good the real services are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from alexandria_pipeline.domain.merging.claims import Stated
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.storage import claims
from alexandria_pipeline.storage.database import Connection, Database
from alexandria_pipeline_tests.upstream.books_file import Fact, read_books

SERVICES: Final = ("open-library", "google-books", "isbndb", "wikidata", "internet-archive")
KNOWN: Final = {"open-library": 0.85, "google-books": 0.8, "isbndb": 0.9, "wikidata": 0.45, "internet-archive": 0.5}
"""How often a service has a record of an edition."""
STATES: Final = {
    "title": 0.99, "authors": 0.95, "published": 0.9, "pages": 0.8, "publisher": 0.85, "language": 0.7, "series": 0.7, "subjects": 0.8,
}  # fmt: skip
"""How often a record has a field."""
WRONG: Final = {
    "open-library": {"title": 0.03, "authors": 0.05, "published": 0.06, "pages": 0.06, "publisher": 0.10, "language": 0.02, "series": 0.10},
    "google-books": {"title": 0.03, "authors": 0.06, "published": 0.15, "pages": 0.05, "publisher": 0.12, "language": 0.04, "series": 0.30},
    "isbndb": {"title": 0.08, "authors": 0.15, "published": 0.10, "pages": 0.08, "publisher": 0.08, "language": 0.08, "series": 0.30},
    "wikidata": {"title": 0.05, "authors": 0.02, "published": 0.20, "pages": 0.15, "publisher": 0.20, "language": 0.05, "series": 0.04},
    "internet-archive": {"title": 0.08, "authors": 0.12, "published": 0.12, "pages": 0.15, "publisher": 0.15, "language": 0.05, "series": 0.30},
}  # fmt: skip
"""How often a stated field is wrong."""
PUBLISHERS: Final = (
    ("Knopf", "Alfred A. Knopf, Inc."), ("Penguin Books", "Penguin Books Ltd"), ("Doubleday", "Doubleday"), ("Viking", "Viking"),
    ("Simon & Schuster", "Simon & Schuster, Inc."), ("Little, Brown and Company", "Little, Brown and Company"), ("Scribner", "Scribner"),
    ("Random House", "Random House, Inc."), ("Harper", "Harper"), ("Putnam", "Putnam Publishing Group"), ("Tor Books", "Tor Books"),
    ("Faber & Faber", "Faber & Faber Limited"), ("Bloomsbury", "Bloomsbury Publishing PLC"), ("Ballantine Books", "Ballantine Books"),
)  # fmt: skip
SUBJECTS: Final = (
    "Fiction", "Murder", "Detectives", "London (England)", "Families", "Friendship", "Magic", "World War, 1939-1945", "Love stories", "Orphans",
    "Fantasy", "Suspense", "Women lawyers", "New York (N.Y.)", "Vampires", "Cooking", "History", "Biography", "Sisters", "Teachers",
)  # fmt: skip
LANGUAGES: Final = ("en", "en", "en", "en", "fr", "de", "es", "it")
HELPERS: Final = (
    "Quentin Bates",
    "Ann Goldstein",
    "Edith Grossman",
    "Garth Williams",
    "Quentin Blake",
    "Lena Fong",
    "Iwan Roberts",
)


@dataclass(frozen=True, slots=True)
class Book:
    """The truth about one edition."""

    isbn13: str
    title: str
    authors: tuple[str, ...]
    helper: tuple[str, str] | None
    published: str
    first_published: int
    pages: int
    publisher: tuple[str, str]
    language: str
    series: tuple[str, str] | None
    subjects: tuple[str, ...]


@dataclass(slots=True)
class Sources:
    """A book, what the services state about it, and which values of a field are the true one as stated."""

    book: Book
    stated: list[Stated] = field(default_factory=list)
    values: dict[str, list[tuple[str, Any, bool]]] = field(default_factory=dict)
    """field → (service, value compared, whether it is right)."""

    def support(self, name: str) -> str:
        """`majority` if more services state the truth than any other value; `tie`, `outvoted`, or `none`."""
        votes: dict[str, set[str]] = {}
        for service, value, right in self.values.get(name, ()):
            votes.setdefault("" if right else repr(value), set()).add(service)
        ours = len(votes.pop("", ()))
        most = max(map(len, votes.values()), default=0)
        return "none" if not ours else "majority" if ours > most else "tie" if ours == most else "outvoted"


def read(path: Path, count: int, seed: int) -> list[Sources]:
    """So many books of the file, each with what the services state about it."""
    dice = random.Random(seed)  # noqa: S311 - repeatable
    facts = read_books(path)
    dice.shuffle(facts)
    return [_state(_book(fact, dice), facts, dice) for fact in facts[:count]]


def fill(database: Database, books: Sequence[Sources], run_id: str = "facts") -> list[int]:
    """Stores a work and an edition for each book, with the claims; returns the ids of the works."""
    with database.transaction(timeout=0) as tx:
        ids = [_add(tx, each) for each in books]
        for start in range(0, len(books), 500):
            stated = [one for each in books[start : start + 500] for one in each.stated]
            claims.store(tx, stated, run_id)
    return ids


def _add(tx: Connection, sources: Sources) -> int:
    book = sources.book
    author = ", ".join(book.authors)
    row = tx.execute(
        "insert into enriched_works (work_key, title, author, listed_title, listed_author, title_key, author_key, primary_provider)"
        " values (%s, %s, %s, %s, %s, %s, %s, 'list') returning work_id",
        [
            f"book:{book.isbn13}",
            book.title.upper(),
            author,
            book.title.upper(),
            author,
            normalise(book.title),
            normalise(author),
        ],
    ).fetchone()
    if row is None:
        raise AssertionError("an insert returns its row")
    work = row["work_id"]
    tx.execute(
        "insert into enriched_editions (isbn13, work_id, title, primary_provider) values (%s, %s, %s, 'isbndb')",
        [book.isbn13, work, book.title.upper()],
    )
    tx.execute(
        "update enriched_works set synthetic = false, isbn13 = %s, confidence = 90, resolved_by = 'isbndb', resolved_at = now() where work_id = %s",
        [book.isbn13, work],
    )
    return int(work)


def _book(fact: Fact, dice: random.Random) -> Book:
    year = int(fact.date[:4])
    date = f"{year}-{dice.randint(1, 12):02}-{dice.randint(2, 28):02}"
    series = (
        f"{fact.authors[0].split()[-1]} {dice.choice(('Mysteries', 'Chronicles', 'Cycle', 'Quartet'))}",
        str(dice.randint(1, 12)),
    )
    helper = (dice.choice(HELPERS), dice.choice(("translator", "illustrator"))) if dice.random() < 0.25 else None
    return Book(
        fact.isbn13, fact.title, fact.authors, helper, date, year - dice.choice((0, 0, 0, 1, 7, 30)), dice.randint(120, 900),
        dice.choice(PUBLISHERS), dice.choice(LANGUAGES), series if dice.random() < 0.5 else None, tuple(dice.sample(SUBJECTS, dice.randint(2, 5))),
    )  # fmt: skip


def _state(book: Book, facts: Sequence[Fact], dice: random.Random) -> Sources:
    sources = Sources(book)
    reissue = (
        book.published[:3] + str(dice.randint(0, 9)),
        str(min(2025, int(book.published[:4]) + dice.randint(2, 9))),
    )
    for service in SERVICES:
        if dice.random() > KNOWN[service]:
            continue
        given: dict[str, Any] = {}
        for name, share in STATES.items():
            if dice.random() < share and (
                value := _STATED[name](book, dice.random() < WRONG[service].get(name, 0), service, facts, reissue, dice)
            ):
                given[name], compared, right = value
                sources.values.setdefault(name, []).append((service, compared, right))
        if service in {"google-sources", "isbndb", "open-library"} and dice.random() < 0.7:
            given["description"] = _description(book, dice)
        if given:
            given["identifiers"] = [["oclc", book.isbn13[3:11]]]
            sources.stated.append(Stated(service, "edition", "metadata-enrichment", book.isbn13, tuple(given.items())))
        sources.stated += _about_work(sources, service, dice)
    return sources


def _about_work(sources: Sources, service: str, dice: random.Random) -> Iterator[Stated]:
    book = sources.book
    if service in {"open-library", "wikidata"} and dice.random() < 0.8:
        wrong = dice.random() < 0.05
        year = book.first_published + (dice.randint(1, 20) if wrong else 0)
        sources.values.setdefault("first_published", []).append((service, year, not wrong))
        yield Stated(service, "work", "metadata-enrichment", book.isbn13, (("first_published", year),))
    if service in {"open-library", "google-sources"} and dice.random() < 0.5:
        rating = {"average": round(dice.uniform(2, 5), 2), "count": dice.randint(1, 5000)}
        yield Stated(service, "work", "ratings", book.isbn13, (("rating", rating),))


def _description(book: Book, dice: random.Random) -> str:
    """Some sentences with the signs that descriptions have; a part of them in HTML, a few damaged."""
    sentences = (
        f"{book.title} is the story of a family — and of what it hides.", f"\u201cNobody leaves,\u201d says {dice.choice(HELPERS)}.",
        "It\u2019s a winter that changes everything, from the café by the river to the last house of the village.",
        f"Published in {book.first_published}, it has been read ever since & translated often.", "Then the letters begin to arrive.",
    )  # fmt: skip
    text = " ".join(dice.choice(sentences) for _ in range(dice.randint(3, 9)))
    chance = dice.random()
    if chance < 0.2:
        return f"<p>{text.replace('&', '&amp;')}</p><br>"
    return text.encode().decode("cp1252", errors="replace") if chance < 0.23 else text


State = Callable[[Book, bool, str, Sequence[Fact], tuple[str, str], random.Random], tuple[Any, Any, bool] | None]


def _title(
    book: Book, wrong: bool, service: str, facts: Sequence[Fact], _: object, dice: random.Random
) -> tuple[Any, Any, bool]:
    if wrong:
        words = book.title.split()
        text = (
            " ".join(words[: max(1, len(words) // 2)])
            if len(words) > 2 and dice.random() < 0.6
            else dice.choice(facts).title
        )
        return text, normalise(text), normalise(text) == normalise(book.title)
    text = book.title
    if service == "isbndb" and dice.random() < 0.3:
        text = text.upper()
    if book.series and dice.random() < 0.15:
        text += f" ({book.series[0]}, #{book.series[1]})"
    elif dice.random() < 0.1:
        text += ": A Novel"
    return text, "", True


def _authors(
    book: Book, wrong: bool, service: str, facts: Sequence[Fact], _: object, dice: random.Random
) -> tuple[Any, Any, bool]:
    names = list(book.authors)
    people: list[dict[str, Any]] = []
    right = True
    if wrong:
        kind = dice.random()
        if kind < 0.4 and book.helper:
            names.append(book.helper[0])
        elif kind < 0.7 and len(names) > 1:
            names = names[:-1]
        else:
            names = list(dice.choice(facts).authors)
        right = names == list(book.authors)
    if service == "isbndb" and dice.random() < 0.3:
        names = [", ".join((name.split()[-1], " ".join(name.split()[:-1]))) for name in names]
    role = "unknown" if service in {"isbndb", "google-books"} else "author"
    people = [{"name": name, "role": role} for name in names]
    if book.helper and not wrong and service in {"open-library", "wikidata"}:
        people.append({"name": book.helper[0], "role": book.helper[1]})
    return people, sorted(names), right


def _published(
    book: Book, wrong: bool, _s: str, _f: object, reissue: tuple[str, str], dice: random.Random
) -> tuple[Any, Any, bool]:
    if wrong:
        text = dice.choice(reissue)
        return text, text[:4], text[:4] == book.published[:4]
    return dice.choice((book.published, book.published[:4], f"{book.published[:4]}-01-01")), book.published[:4], True


def _pages(book: Book, wrong: bool, _s: str, _f: object, _r: object, dice: random.Random) -> tuple[Any, Any, bool]:
    pages = max(10, book.pages + dice.choice((-120, -40, 60, 200, 311))) if wrong else book.pages
    return pages, pages, pages == book.pages


def _publisher(book: Book, wrong: bool, _s: str, _f: object, _r: object, dice: random.Random) -> tuple[Any, Any, bool]:
    if wrong:
        other = dice.choice((*PUBLISHERS, ("Independently published",) * 2))
        return other[0], other[0], other[0] == book.publisher[0]
    return dice.choice(book.publisher), "", True


def _language(book: Book, wrong: bool, _s: str, _f: object, _r: object, dice: random.Random) -> tuple[Any, Any, bool]:
    language = dice.choice(("en", "fr", "de")) if wrong else book.language
    return language, language, language == book.language


def _series(
    book: Book, wrong: bool, _s: str, facts: Sequence[Fact], _r: object, dice: random.Random
) -> tuple[Any, Any, bool] | None:
    if wrong:
        other = dice.choice(
            (
                "Vintage Crime",
                "Penguin Classics",
                "Oprah's Book Club",
                f"{dice.choice(facts).authors[0].split()[-1]} Saga",
            )
        )
        return {"name": other, "position": None}, other, False
    if book.series is None:
        return None
    name = dice.choice((book.series[0], f"The {book.series[0]}", book.series[0].upper()))
    return {"name": name, "position": book.series[1] if dice.random() < 0.8 else None}, "", True


def _subjects(book: Book, _w: bool, _s: str, _f: object, _r: object, dice: random.Random) -> tuple[Any, Any, bool]:
    known = [each if dice.random() < 0.7 else each.lower() for each in book.subjects if dice.random() < 0.8] or [
        book.subjects[0]
    ]
    return (
        [*known, *dice.sample(("Large type books", "In library", "Paperback", "General"), dice.randint(0, 2))],
        "",
        True,
    )


_STATED: Final[Mapping[str, State]] = {
    "title": _title, "authors": _authors, "published": _published, "pages": _pages, "publisher": _publisher, "language": _language,
    "series": _series, "subjects": _subjects,
}  # fmt: skip
