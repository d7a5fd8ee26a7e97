"""One book down a cascade of services with known shelves: who is asked, and which edition comes of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import BookOutcome, BookQuery, Candidate, Contributor, EditionFormat, Resolution
from alexandria_pipeline.domain.service_answers import NotFound, Unavailable
from alexandria_pipeline.providers.base import Capability, Declaration, ProviderKind
from alexandria_pipeline.stages.cascade import Cascade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alexandria_pipeline.storage.database import Database

QUERY = BookQuery("Deep Dish", "Mary Kay Andrews", 2008, "en")
RECORDING, PAPER = Isbn13("9780061555831"), Isbn13("9780060837365")
BY = (Contributor("Mary Kay Andrews"),)


def edition(isbn13: Isbn13, form: EditionFormat = EditionFormat.UNKNOWN, language: str | None = "en") -> Candidate:
    return Candidate("shelf", isbn13, QUERY.title, BY, format=form, language=language)


@dataclass
class Shelf:
    """A service that has these editions, and says how often it was asked."""

    name: str
    answer: Sequence[Candidate]
    asked: int = 0
    away: Unavailable | None = None
    titles: list[str] = field(default_factory=list)
    declaration: Declaration = field(init=False)

    def __post_init__(self) -> None:
        self.declaration = Declaration(
            self.name, self.name, ProviderKind.FREE, frozenset({Capability.ISBN_RESOLUTION}), module=__name__
        )

    def unavailable(self) -> Unavailable | None:
        return None

    def revision(self) -> str:
        return "1"

    async def resolve(self, query: BookQuery) -> Sequence[Candidate] | NotFound | Unavailable:
        self.asked += 1
        self.titles.append(query.title)
        return self.away or self.answer or NotFound()


def down(database: Database, *shelves: Shelf) -> Resolution:
    cascade = Cascade(database, shelves)
    return asyncio.run(cascade.ask(QUERY, cascade.revisions()))


def isbn_of(resolution: Resolution) -> Isbn13 | None:
    assert resolution.outcome is BookOutcome.RESOLVED
    return resolution.candidate.isbn13 if resolution.candidate else None


def test_a_printed_edition_ends_the_search(database: Database) -> None:
    first, second = Shelf("first", [edition(PAPER, EditionFormat.PAPERBACK)]), Shelf("second", [])
    assert isbn_of(down(database, first, second)) == PAPER
    assert (first.asked, second.asked) == (1, 0)


def test_a_recording_stays_one_when_the_next_service_does_not_say_so(database: Database) -> None:
    first = Shelf("first", [edition(RECORDING, EditionFormat.AUDIO)])
    second, third = Shelf("second", [edition(RECORDING)]), Shelf("third", [edition(PAPER, EditionFormat.HARDCOVER)])
    assert isbn_of(down(database, first, second, third)) == PAPER
    assert third.asked == 1


def test_a_translation_stays_one_when_the_next_service_does_not_say_so(database: Database) -> None:
    first = Shelf("first", [edition(RECORDING, EditionFormat.PAPERBACK, "fr")])
    second, third = Shelf("second", [edition(RECORDING, language=None)]), Shelf("third", [edition(PAPER)])
    assert isbn_of(down(database, first, second, third)) == PAPER


def test_a_recording_is_better_than_nothing(database: Database) -> None:
    shelves = Shelf("first", [edition(RECORDING, EditionFormat.AUDIO)]), Shelf("second", [edition(RECORDING)])
    assert isbn_of(down(database, *shelves, Shelf("third", []))) == RECORDING


def test_the_next_service_is_asked_in_the_spelling_that_was_found(database: Database) -> None:
    shelves = Shelf("first", [edition(RECORDING, EditionFormat.AUDIO)]), Shelf("second", [edition(PAPER)])
    cascade = Cascade(database, shelves)
    found = asyncio.run(cascade.ask(replace(QUERY, title="Deep Dihs"), cascade.revisions()))
    assert isbn_of(found) == PAPER
    assert [shelf.titles for shelf in shelves] == [["Deep Dihs"], ["Deep Dish"]]


def test_a_title_that_says_more_waits_for_a_service_that_could_not_answer(database: Database) -> None:
    loose = replace(edition(RECORDING, EditionFormat.PAPERBACK), title="Deep Dish (Stepping Stone)")
    first = Shelf("first", [loose])
    second = Shelf("second", [edition(PAPER)], away=Unavailable("resting", temporary=True))
    waiting = down(database, first, second)
    assert (waiting.outcome, waiting.candidate) == (BookOutcome.DEFERRED, None)
    assert waiting.reason == "second: resting"
    second.away = None
    assert isbn_of(down(database, first, second)) == PAPER
    assert isbn_of(down(database, first, Shelf("third", []))) == RECORDING, "nobody has anything better"


def test_the_very_title_does_not_wait_for_a_better_dress(database: Database) -> None:
    first = Shelf("first", [edition(RECORDING, EditionFormat.AUDIO)])
    second = Shelf("second", [], away=Unavailable("resting", temporary=True))
    assert isbn_of(down(database, first, second)) == RECORDING
