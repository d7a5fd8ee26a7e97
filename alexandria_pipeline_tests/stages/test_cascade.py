"""The cascade with resolvers of known editions: which of them are called, and which edition is accepted."""

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
AUDIOBOOK, PAPERBACK = Isbn13("9780061555831"), Isbn13("9780060837365")
AUTHORS = (Contributor("Mary Kay Andrews"),)


def edition(isbn13: Isbn13, form: EditionFormat = EditionFormat.UNKNOWN, language: str | None = "en") -> Candidate:
    return Candidate("resolver", isbn13, QUERY.title, AUTHORS, format=form, language=language)


@dataclass
class Resolver:
    """A resolver with these editions, which counts its calls."""

    name: str
    editions: Sequence[Candidate]
    calls: int = 0
    unavailable_for: Unavailable | None = None
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
        self.calls += 1
        self.titles.append(query.title)
        return self.unavailable_for or self.editions or NotFound()


def resolve(database: Database, *resolvers: Resolver) -> Resolution:
    cascade = Cascade(database, resolvers)
    return asyncio.run(cascade.ask(QUERY, cascade.revisions()))


def isbn_of(resolution: Resolution) -> Isbn13 | None:
    assert resolution.outcome is BookOutcome.RESOLVED
    return resolution.candidate.isbn13 if resolution.candidate else None


def test_a_printed_edition_ends_the_cascade(database: Database) -> None:
    first, second = Resolver("first", [edition(PAPERBACK, EditionFormat.PAPERBACK)]), Resolver("second", [])
    assert isbn_of(resolve(database, first, second)) == PAPERBACK
    assert (first.calls, second.calls) == (1, 0)


def test_an_audiobook_stays_one_when_the_next_resolver_has_no_format(database: Database) -> None:
    first = Resolver("first", [edition(AUDIOBOOK, EditionFormat.AUDIO)])
    second, third = (
        Resolver("second", [edition(AUDIOBOOK)]),
        Resolver("third", [edition(PAPERBACK, EditionFormat.HARDCOVER)]),
    )
    assert isbn_of(resolve(database, first, second, third)) == PAPERBACK
    assert third.calls == 1


def test_a_translation_stays_one_when_the_next_resolver_has_no_language(database: Database) -> None:
    first = Resolver("first", [edition(AUDIOBOOK, EditionFormat.PAPERBACK, "fr")])
    second, third = Resolver("second", [edition(AUDIOBOOK, language=None)]), Resolver("third", [edition(PAPERBACK)])
    assert isbn_of(resolve(database, first, second, third)) == PAPERBACK


def test_an_audiobook_is_accepted_when_there_is_nothing_better(database: Database) -> None:
    resolvers = Resolver("first", [edition(AUDIOBOOK, EditionFormat.AUDIO)]), Resolver("second", [edition(AUDIOBOOK)])
    assert isbn_of(resolve(database, *resolvers, Resolver("third", []))) == AUDIOBOOK


def test_the_next_resolver_gets_the_spelling_that_was_found(database: Database) -> None:
    resolvers = Resolver("first", [edition(AUDIOBOOK, EditionFormat.AUDIO)]), Resolver("second", [edition(PAPERBACK)])
    cascade = Cascade(database, resolvers)
    found = asyncio.run(cascade.ask(replace(QUERY, title="Deep Dihs"), cascade.revisions()))
    assert isbn_of(found) == PAPERBACK
    assert [resolver.titles for resolver in resolvers] == [["Deep Dihs"], ["Deep Dish"]]


def test_a_title_with_additions_waits_for_a_resolver_that_is_unavailable(database: Database) -> None:
    loose = replace(edition(AUDIOBOOK, EditionFormat.PAPERBACK), title="Deep Dish (Stepping Stone)")
    first = Resolver("first", [loose])
    second = Resolver("second", [edition(PAPERBACK)], unavailable_for=Unavailable("paused", temporary=True))
    waiting = resolve(database, first, second)
    assert (waiting.outcome, waiting.candidate) == (BookOutcome.DEFERRED, None)
    assert waiting.reason == "second: paused"
    second.unavailable_for = None
    assert isbn_of(resolve(database, first, second)) == PAPERBACK
    assert isbn_of(resolve(database, first, Resolver("third", []))) == AUDIOBOOK, "no resolver has anything better"


def test_the_exact_title_does_not_wait_for_a_better_format(database: Database) -> None:
    first = Resolver("first", [edition(AUDIOBOOK, EditionFormat.AUDIO)])
    second = Resolver("second", [], unavailable_for=Unavailable("paused", temporary=True))
    assert isbn_of(resolve(database, first, second)) == AUDIOBOOK
