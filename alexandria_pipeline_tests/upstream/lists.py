"""Monthly lists as AI models write them, and the right answers.

An entry is a work in some form, or an invented book. In one month both models may list a work, and one model may list it
twice. Some works are listed again in a later month. The same month, seed and generator give the same list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline_tests.upstream import names
from alexandria_pipeline_tests.upstream.listing_variants import listing_variant
from alexandria_pipeline_tests.upstream.model import Form, Origin, Service, Work
from alexandria_pipeline_tests.upstream.randomness import seeded_random
from alexandria_pipeline_tests.upstream.service_records import RecordIndex, services_with_usable_record
from alexandria_pipeline_tests.upstream.words import family, title_key, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from alexandria_pipeline_tests.upstream.catalogue import Catalogue

GENERATORS: Final = (Service.GEMINI, Service.XAI)
LIST_LENGTH: Final = 20
INVENTED: Final = 0.14
LISTED_TWICE: Final = 0.05
LISTED_AGAIN: Final = 0.05


@dataclass(frozen=True, slots=True)
class ListedBook:
    """One entry of a list. `identity` identifies the book: "work 12" or "invented …". `work` is None for an invented book."""

    title: str
    author: str
    publisher: str
    genre: str
    identity: str
    work: Work | None


class Lists:
    """The lists of all months of a catalogue."""

    def __init__(self, catalogue: Catalogue, indexes: dict[Service, RecordIndex]) -> None:
        self._catalogue = catalogue
        self._indexes = indexes
        self._seed = catalogue.spec.seed
        self._authors = [work.authors[0] for work in catalogue.works if work.origin is Origin.REAL]
        self._taken = {(title_key(work.title), _surname(author)) for work in catalogue.works for author in work.authors}

    @property
    def months(self) -> tuple[str, ...]:
        return self._catalogue.spec.span

    def listing(self, month: str, generator: str, limit: int = LIST_LENGTH) -> tuple[ListedBook, ...]:
        """The list of a generator for a month: about `limit` books; none for a month outside the catalogue."""
        if month not in self._catalogue.listed:
            return ()
        rng = seeded_random(self._seed, "list", month, generator)
        invented = self._invented(month)[: round(limit * INVENTED * 2)]
        rng.shuffle(invented)
        count = min(len(invented), sum(rng.random() < INVENTED for _ in range(limit)))
        works = self._works_of(month, limit - count, rng)
        twice = [work for work in works if rng.random() < LISTED_TWICE]
        entries = [self._variant(work, rng) for work in [*twice, *works][: limit - count]] + invented[:count]
        rng.shuffle(entries)
        return tuple(entries)

    def truth(
        self, month: str, generators: Iterable[str] = GENERATORS, limit: int = LIST_LENGTH
    ) -> list[dict[str, Any]]:
        """The right answer for each distinct (title, author) that the generators list; see `score`."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for generator in generators:
            for listed in self.listing(month, generator, limit):
                found.setdefault((listed.title, listed.author), self._answer(month, listed))
        return list(found.values())

    def _answer(self, month: str, listed: ListedBook) -> dict[str, Any]:
        work = listed.work
        return {
            "month": month,
            "title": listed.title,
            "author": listed.author,
            "identity": listed.identity,
            "invented": work is None,
            "known": [service.value for service in services_with_usable_record(self._indexes, work)] if work else [],
            "right": sorted(work.isbns("en", printed=True)) if work else [],
            "language": sorted(work.isbns("en")) if work else [],
            "audio": sorted(work.isbns() & {each.isbn13 for each in work.editions if each.form is Form.AUDIO})
            if work
            else [],
            "editions": sorted(work.isbns()) if work else [],
        }

    def _works_of(self, month: str, wanted: int, rng: Random) -> list[Work]:
        """Works of the month with their neighbours, and a few works of an earlier month of the same year."""
        pool = list(self._catalogue.listed[month])
        rng.shuffle(pool)
        works = [work for work in pool if work.neighbour_of is None][:wanted]
        neighbour_of = [
            work
            for work in pool
            if work.neighbour_of is not None and any(each.number == work.neighbour_of for each in works)
        ]
        earlier = [
            work
            for other, each in self._catalogue.listed.items()
            if other < month and other[:4] == month[:4]
            for work in each
        ]
        again = rng.sample(earlier, min(len(earlier), round(wanted * LISTED_AGAIN)))
        return [*neighbour_of, *again, *works][:wanted]

    def _variant(self, work: Work, rng: Random) -> ListedBook:
        alone = self._catalogue.main_titles[work.title.lower()] == 1
        title, author = listing_variant(work, rng, shorten=alone)
        return ListedBook(title, author, work.editions[0].publisher, work.genre, f"work {work.number}", work)

    def _invented(self, month: str) -> list[ListedBook]:
        """The invented books of a month, which both models may list: new and existing titles, invented and real authors."""
        rng = seeded_random(self._seed, "invented", month)
        found: list[ListedBook] = []
        while len(found) < 2 * LIST_LENGTH:
            title, author = self._invented_book(rng)
            if (title_key(title), _surname(author)) not in self._taken and title not in {each.title for each in found}:
                genre = rng.choice(names.GENRES)
                found.append(
                    ListedBook(
                        title, author, rng.choice(names.PUBLISHERS), genre, f"invented {month} {len(found)}", None
                    )
                )
        return found

    def _invented_book(self, rng: Random) -> tuple[str, str]:
        invented_author = f"{rng.choice(names.GIVEN)} {rng.choice(names.FAMILY)}"
        if rng.random() < 0.15:
            existing = rng.choice(self._catalogue.works)
            return existing.title, invented_author
        title = rng.choice(names.TITLE_FORMS).format(
            a=rng.choice(names.ADJECTIVES),
            n=rng.choice(names.NOUNS),
            m=rng.choice(names.NOUNS),
            p=rng.choice(names.PLACES),
        )
        return title, rng.choice(self._authors) if rng.random() < 0.4 else invented_author


def _surname(author: str) -> str:
    return " ".join(tokens(family(author)))
