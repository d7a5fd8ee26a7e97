"""Monthly lists as models write them, and the truth that they were made from.

A listing is a work in some dress, or an invention. Within a month a work may be listed by both models, and twice by one;
now and then it is listed again in a later month. The same month, seed and generator give the same list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline_tests.upstream import names
from alexandria_pipeline_tests.upstream.dice import dice
from alexandria_pipeline_tests.upstream.dress import dressed
from alexandria_pipeline_tests.upstream.knowledge import Shelf, sound_services
from alexandria_pipeline_tests.upstream.model import Form, Origin, Service, Work
from alexandria_pipeline_tests.upstream.words import family, title_key, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from alexandria_pipeline_tests.upstream.catalogue import Catalogue

GENERATORS: Final = (Service.GEMINI, Service.XAI)
LENGTH: Final = 20
INVENTED: Final = 0.14
TWICE: Final = 0.05
AGAIN: Final = 0.05


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a list. `identity` says which book it is: "work 12" or "invented …"; `work` is None for an invention."""

    title: str
    author: str
    publisher: str
    genre: str
    identity: str
    work: Work | None


class Lists:
    """The lists of all months of a catalogue."""

    def __init__(self, catalogue: Catalogue, known: dict[Service, Shelf]) -> None:
        self._catalogue = catalogue
        self._known = known
        self._seed = catalogue.spec.seed
        self._authors = [work.authors[0] for work in catalogue.works if work.origin is Origin.REAL]
        self._taken = {(title_key(work.title), _surname(author)) for work in catalogue.works for author in work.authors}

    @property
    def months(self) -> tuple[str, ...]:
        return self._catalogue.spec.span

    def listing(self, month: str, generator: str, limit: int = LENGTH) -> tuple[Listed, ...]:
        """What a generator lists for a month: about `limit` books; nothing for a month outside the catalogue."""
        if month not in self._catalogue.listed:
            return ()
        throw = dice(self._seed, "list", month, generator)
        invented = self._invented(month)[: round(limit * INVENTED * 2)]
        throw.shuffle(invented)
        fakes = min(len(invented), sum(throw.random() < INVENTED for _ in range(limit)))
        works = self._chosen(month, limit - fakes, throw)
        twice = [work for work in works if throw.random() < TWICE]
        entries = [self._dressed(work, throw) for work in [*twice, *works][: limit - fakes]] + invented[:fakes]
        throw.shuffle(entries)
        return tuple(entries)

    def truth(self, month: str, generators: Iterable[str] = GENERATORS, limit: int = LENGTH) -> list[dict[str, Any]]:
        """The right answer for each distinct (title, author) that the generators list: see `score`."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for generator in generators:
            for listed in self.listing(month, generator, limit):
                found.setdefault((listed.title, listed.author), self._answer(month, listed))
        return list(found.values())

    def _answer(self, month: str, listed: Listed) -> dict[str, Any]:
        work = listed.work
        return {
            "month": month,
            "title": listed.title,
            "author": listed.author,
            "identity": listed.identity,
            "invented": work is None,
            "known": [service.value for service in sound_services(self._known, work)] if work else [],
            "right": sorted(work.isbns("en", printed=True)) if work else [],
            "language": sorted(work.isbns("en")) if work else [],
            "audio": sorted(work.isbns() & {each.isbn13 for each in work.editions if each.form is Form.AUDIO})
            if work
            else [],
            "editions": sorted(work.isbns()) if work else [],
        }

    def _chosen(self, month: str, wanted: int, throw: Random) -> list[Work]:
        """Works of the month, neighbours together; a few of an earlier month of the same year."""
        pool = list(self._catalogue.listed[month])
        throw.shuffle(pool)
        works = [work for work in pool if work.beside is None][:wanted]
        beside = [
            work for work in pool if work.beside is not None and any(each.number == work.beside for each in works)
        ]
        earlier = [
            work
            for other, each in self._catalogue.listed.items()
            if other < month and other[:4] == month[:4]
            for work in each
        ]
        again = throw.sample(earlier, min(len(earlier), round(wanted * AGAIN)))
        return [*beside, *again, *works][:wanted]

    def _dressed(self, work: Work, throw: Random) -> Listed:
        alone = self._catalogue.main_titles[work.title.lower()] == 1
        title, author = dressed(work, throw, shorten=alone)
        return Listed(title, author, work.editions[0].publisher, work.genre, f"work {work.number}", work)

    def _invented(self, month: str) -> list[Listed]:
        """The inventions of a month, which both models may share: strangers and real authors, new titles and borrowed ones."""
        throw = dice(self._seed, "invented", month)
        found: list[Listed] = []
        while len(found) < 2 * LENGTH:
            title, author = self._invention(throw)
            if (title_key(title), _surname(author)) not in self._taken and title not in {each.title for each in found}:
                genre = throw.choice(names.GENRES)
                found.append(
                    Listed(title, author, throw.choice(names.HOUSES), genre, f"invented {month} {len(found)}", None)
                )
        return found

    def _invention(self, throw: Random) -> tuple[str, str]:
        stranger = f"{throw.choice(names.GIVEN)} {throw.choice(names.FAMILY)}"
        if throw.random() < 0.15:
            borrowed = throw.choice(self._catalogue.works)
            return borrowed.title, stranger
        title = throw.choice(names.TITLE_FORMS).format(
            a=throw.choice(names.ADJECTIVES),
            n=throw.choice(names.NOUNS),
            m=throw.choice(names.NOUNS),
            p=throw.choice(names.PLACES),
        )
        return title, throw.choice(self._authors) if throw.random() < 0.4 else stranger


def _surname(author: str) -> str:
    return " ".join(tokens(family(author)))
