"""The catalogue: works made of real books, dealt over months, with editions and neighbours. The same for the same seed.

What only looks like an edition is in `derivatives`; what each service knows of all this, and how badly, is in `knowledge`.
Titles, authors and one English number of a real work are facts; all else (other editions, their numbers, dates, houses,
sequels, namesakes) is invented. A year outside the months of the catalogue is moved into them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from alexandria_pipeline_tests.upstream import names
from alexandria_pipeline_tests.upstream.books_file import BUNDLED_BOOKS, Fact, read_books
from alexandria_pipeline_tests.upstream.derivatives import derivatives_of
from alexandria_pipeline_tests.upstream.invented_isbns import Numbers
from alexandria_pipeline_tests.upstream.model import Edition, Form, Kind, Origin, Work
from alexandria_pipeline_tests.upstream.randomness import seeded_random
from alexandria_pipeline_tests.upstream.words import main_title

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

SERIES: Final = 0.15
SEQUEL: Final = 0.10
NAMESAKE: Final = 0.07
LISTED_NEIGHBOUR: Final = 0.35
_LAST_YEAR: Final = 2025
# (what, how often) besides the first edition, in this order until there are four.
_MORE: Final = (
    ("paperback", 0.75),
    ("foreign", 0.5),
    ("ebook", 0.45),
    ("audio", 0.4),
    ("reissue", 0.3),
    ("foreign", 0.2),
    ("large print", 0.15),
)


@dataclass(frozen=True, slots=True)
class Spec:
    """Which catalogue: the same spec gives the same catalogue."""

    works: int = 300
    seed: int = 1
    first: str | None = None
    months: int | None = None
    books: Path = BUNDLED_BOOKS

    @property
    def span(self) -> tuple[str, ...]:
        """The months, "2020-01" and on: one for every 20 works unless said otherwise."""
        count = self.months or max(1, min(300, self.works // 20))
        start = self.first or ("2020-01" if count <= 60 else "2000-01")
        index = int(start[:4]) * 12 + int(start[5:7]) - 1
        return tuple(f"{at // 12:04d}-{at % 12 + 1:02d}" for at in range(index, index + count))


@dataclass(frozen=True)
class Catalogue:
    """All works, and every edition and derivative; an edition's place in `editions` is its number."""

    spec: Spec
    works: tuple[Work, ...]
    derivatives: tuple[Edition, ...]
    authors: dict[str, int] = field(default_factory=dict)

    @cached_property
    def editions(self) -> tuple[Edition, ...]:
        return (*(edition for work in self.works for edition in work.editions), *self.derivatives)

    @cached_property
    def listed(self) -> dict[str, tuple[Work, ...]]:
        """The works that came out in each month and may be listed."""
        found: dict[str, list[Work]] = {month: [] for month in self.spec.span}
        for work in self.works:
            if work.listed:
                found[work.month].append(work)
        return {month: tuple(works) for month, works in found.items()}

    @cached_property
    def main_titles(self) -> Counter[str]:
        """How many works share a main title: where several do, it alone names none of them."""
        return Counter(main_title(work.title).lower() for work in self.works)


def build(spec: Spec) -> Catalogue:
    """The catalogue of a spec. Has fewer works than asked for where the books file has fewer."""
    facts = read_books(spec.books)
    seeded_random(spec.seed, "works").shuffle(facts)
    real = _dealt(facts[: spec.works], spec)
    neighbours = _neighbours(real, spec.seed, len(real))
    works = [*real, *neighbours]
    numbers = Numbers(fact.isbn13 for fact in facts)
    for work in works:
        rng = seeded_random(spec.seed, "editions", work.number)
        work.editions += _editions(
            work, facts[work.number].isbn13 if work.origin is Origin.REAL else None, rng, numbers
        )
    derivatives = [
        derivative
        for work in works
        for derivative in derivatives_of(work, seeded_random(spec.seed, "decoys", work.number), numbers)
    ]
    people = dict.fromkeys(author for work in works for author in work.authors)
    return Catalogue(
        spec, tuple(works), tuple(derivatives), {author: place for place, author in enumerate(people, start=1)}
    )


def _dealt(facts: Sequence[Fact], spec: Spec) -> list[Work]:
    """Works, each in a month of its own year where the span has that year; the others where fewest are."""
    span = spec.span
    load: Counter[str] = Counter()
    months: dict[int, str] = {}
    for place, fact in sorted(enumerate(facts), key=lambda each: each[1].date[:4] not in {month[:4] for month in span}):
        own = [month for month in span if month == fact.date[:7]] or [
            month for month in span if month[:4] == fact.date[:4]
        ]
        fair = [month for month in own if load[month] < len(facts) / len(span) * 1.1] or list(span)
        months[place] = min(fair, key=lambda month: (load[month], month))
        load[months[place]] += 1
    return [_work(place, fact, months[place], spec.seed) for place, fact in enumerate(facts)]


def _work(number: int, fact: Fact, month: str, seed: int) -> Work:
    rng = seeded_random(seed, "work", number)
    series = (
        (f"The {rng.choice(names.ADJECTIVES)} {rng.choice(names.NOUNS)} Series", rng.randint(1, 9))
        if rng.random() < SERIES
        else None
    )
    genre = rng.choice(names.GENRES)
    return Work(number, fact.title, fact.subtitle, fact.authors, month, genre, Origin.REAL, listed=True, series=series)


def _neighbours(works: Sequence[Work], seed: int, number: int) -> list[Work]:
    """Volumes and sequels by the same author, and books of the same title by another one."""
    found: list[Work] = []
    for work in works:
        rng = seeded_random(seed, "neighbours", work.number)
        if rng.random() < SEQUEL:
            for title in _sequel_titles(work, rng):
                found.append(_neighbour(work, number + len(found), title, work.authors, Origin.SEQUEL, rng))
        if rng.random() < NAMESAKE:
            other = (f"{rng.choice(names.GIVEN)} {rng.choice(names.FAMILY)}",)
            found.append(_neighbour(work, number + len(found), work.title, other, Origin.NAMESAKE, rng))
    return found


def _sequel_titles(work: Work, rng: Random) -> tuple[str, ...]:
    """One sequel, or two volumes of a long row."""
    if rng.random() < 0.5:
        return (f"{work.title}: Book 2",) if rng.random() < 0.5 else (f"{work.title} Book Two",)
    volume = rng.randint(3, 16)
    return (f"{work.title}, Vol. {volume}", f"{work.title}, Vol. {volume + rng.choice((1, 3))}")


def _neighbour(work: Work, number: int, title: str, authors: tuple[str, ...], origin: Origin, rng: Random) -> Work:
    """A listed neighbour comes out in the same month as its work; another one some years before or after."""
    listed = rng.random() < LISTED_NEIGHBOUR
    year = work.year if listed else max(1950, min(_LAST_YEAR, work.year + rng.choice((-20, -9, -4, 1, 2, 3))))
    return Work(
        number, title, None, authors, f"{year}{work.month[4:]}", work.genre, origin, listed, neighbour_of=work.number
    )


def _editions(work: Work, isbn13: str | None, rng: Random, numbers: Numbers) -> list[Edition]:
    """Two to four editions; the first bears the real number. A neighbour has one or two."""
    form = Form.HARDCOVER if rng.random() < 0.7 else Form.PAPERBACK
    first = Edition(
        isbn13 or numbers.invented("en", rng), Kind.EDITION, work.number, work.title, work.authors,
        f"{work.month}-{rng.randint(1, 28):02d}", "en", form, rng.choice(names.HOUSES), rng.randint(160, 720), _subtitle(work, rng),
    )  # fmt: skip
    wanted = [what for what, odds in _MORE if rng.random() < odds][: 3 if isbn13 else 1]
    if isbn13 and not wanted:
        wanted = ["paperback"]
    return [first, *(_further(work, first, what, rng, numbers) for what in wanted)]


def _subtitle(work: Work, rng: Random) -> str | None:
    return work.subtitle or ("A Novel" if rng.random() < 0.3 and work.origin is Origin.REAL else None)


def _further(work: Work, first: Edition, what: str, rng: Random, numbers: Numbers) -> Edition:
    later = {
        "paperback": 1,
        "foreign": rng.randint(0, 4),
        "reissue": rng.randint(3, 12),
        "large print": rng.randint(0, 1),
    }.get(what, 0)
    language = rng.choice([code for code in names.LANGUAGES if code != "en"]) if what == "foreign" else "en"
    forms = {"audio": Form.AUDIO, "ebook": Form.EBOOK, "large print": Form.LARGE_PRINT}
    houses = names.AUDIO_HOUSES if what == "audio" else names.FOREIGN_HOUSES.get(language, names.HOUSES)
    year = max(work.year, min(_LAST_YEAR, work.year + later))
    # A good part of translations keeps the title: the language alone tells them apart.
    title = names.translated(work.title, language) if what == "foreign" and rng.random() < 0.7 else work.title
    return Edition(
        numbers.invented(language, rng), Kind.EDITION, work.number, title, work.authors, f"{year}-{rng.randint(1, 12):02d}", language,
        forms.get(what, Form.PAPERBACK), rng.choice(houses), first.pages + rng.randint(0, 60),
        first.subtitle if language == "en" else None,
        f"{rng.choice(names.GIVEN)} {rng.choice(names.FAMILY)}" if what == "foreign" else None,
    )  # fmt: skip
