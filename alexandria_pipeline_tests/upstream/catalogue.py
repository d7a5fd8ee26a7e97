"""The catalogue: works made of real books, distributed over months, with editions and neighbours.

`derivatives` makes the records that are not editions, and `service_records` decides which service has which record. Title,
authors and one English ISBN of a real work are facts. Everything else is invented: other editions, their ISBNs, dates,
publishers, sequels, and books with the same title. A year outside the months of the catalogue is moved into them. The same
seed gives the same catalogue.
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
# (kind, probability) of the editions besides the first, in this order, at most three.
_FURTHER_EDITIONS: Final = (
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
    """The parameters of a catalogue. The same spec always gives the same catalogue."""

    works: int = 300
    seed: int = 1
    first: str | None = None
    months: int | None = None
    books: Path = BUNDLED_BOOKS

    @property
    def span(self) -> tuple[str, ...]:
        """The months from "2020-01" on: one for every 20 works, unless `months` is set."""
        count = self.months or max(1, min(300, self.works // 20))
        start = self.first or ("2020-01" if count <= 60 else "2000-01")
        index = int(start[:4]) * 12 + int(start[5:7]) - 1
        return tuple(f"{at // 12:04d}-{at % 12 + 1:02d}" for at in range(index, index + count))


@dataclass(frozen=True)
class Catalogue:
    """All works, and all editions and derivatives. The position of an edition in `editions` is its number."""

    spec: Spec
    works: tuple[Work, ...]
    derivatives: tuple[Edition, ...]
    authors: dict[str, int] = field(default_factory=dict)

    @cached_property
    def editions(self) -> tuple[Edition, ...]:
        return (*(edition for work in self.works for edition in work.editions), *self.derivatives)

    @cached_property
    def listed(self) -> dict[str, tuple[Work, ...]]:
        """The works that were published in each month and may be listed."""
        found: dict[str, list[Work]] = {month: [] for month in self.spec.span}
        for work in self.works:
            if work.listed:
                found[work.month].append(work)
        return {month: tuple(works) for month, works in found.items()}

    @cached_property
    def main_titles(self) -> Counter[str]:
        """The number of works with each main title. A shared main title does not identify a work."""
        return Counter(main_title(work.title).lower() for work in self.works)


def build(spec: Spec) -> Catalogue:
    """The catalogue of a spec. It has fewer works than requested if the books file has fewer."""
    facts = read_books(spec.books)
    seeded_random(spec.seed, "works").shuffle(facts)
    real = _distributed(facts[: spec.works], spec)
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


def _distributed(facts: Sequence[Fact], spec: Spec) -> list[Work]:
    """Works, each in a month of its own year if there is one, else in the month with the fewest works."""
    span = spec.span
    load: Counter[str] = Counter()
    months: dict[int, str] = {}
    for place, fact in sorted(enumerate(facts), key=lambda each: each[1].date[:4] not in {month[:4] for month in span}):
        same_year = [month for month in span if month == fact.date[:7]] or [
            month for month in span if month[:4] == fact.date[:4]
        ]
        candidates = [month for month in same_year if load[month] < len(facts) / len(span) * 1.1] or list(span)
        months[place] = min(candidates, key=lambda month: (load[month], month))
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
    """Sequels and volumes by the same author, and books with the same title by another author."""
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
    """One sequel, or two volumes of a long series."""
    if rng.random() < 0.5:
        return (f"{work.title}: Book 2",) if rng.random() < 0.5 else (f"{work.title} Book Two",)
    volume = rng.randint(3, 16)
    return (f"{work.title}, Vol. {volume}", f"{work.title}, Vol. {volume + rng.choice((1, 3))}")


def _neighbour(work: Work, number: int, title: str, authors: tuple[str, ...], origin: Origin, rng: Random) -> Work:
    """A neighbour. A listed one is published in the month of its work, another one some years before or after."""
    listed = rng.random() < LISTED_NEIGHBOUR
    year = work.year if listed else max(1950, min(_LAST_YEAR, work.year + rng.choice((-20, -9, -4, 1, 2, 3))))
    return Work(
        number, title, None, authors, f"{year}{work.month[4:]}", work.genre, origin, listed, neighbour_of=work.number
    )


def _editions(work: Work, isbn13: str | None, rng: Random, numbers: Numbers) -> list[Edition]:
    """Two to four editions of a work, of which the first has the real ISBN. A neighbour has one or two."""
    form = Form.HARDCOVER if rng.random() < 0.7 else Form.PAPERBACK
    first = Edition(
        isbn13 or numbers.invented("en", rng),
        Kind.EDITION,
        work.number,
        work.title,
        work.authors,
        f"{work.month}-{rng.randint(1, 28):02d}",
        "en",
        form,
        rng.choice(names.PUBLISHERS),
        rng.randint(160, 720),
        _subtitle(work, rng),
    )
    wanted = [what for what, probability in _FURTHER_EDITIONS if rng.random() < probability][: 3 if isbn13 else 1]
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
    publishers = names.AUDIO_PUBLISHERS if what == "audio" else names.FOREIGN_PUBLISHERS.get(language, names.PUBLISHERS)
    year = max(work.year, min(_LAST_YEAR, work.year + later))
    # Many translations keep the title, so that only the language differs.
    title = names.translated(work.title, language) if what == "foreign" and rng.random() < 0.7 else work.title
    return Edition(
        numbers.invented(language, rng),
        Kind.EDITION,
        work.number,
        title,
        work.authors,
        f"{year}-{rng.randint(1, 12):02d}",
        language,
        forms.get(what, Form.PAPERBACK),
        rng.choice(publishers),
        first.pages + rng.randint(0, 60),
        first.subtitle if language == "en" else None,
        f"{rng.choice(names.GIVEN)} {rng.choice(names.FAMILY)}" if what == "foreign" else None,
    )
