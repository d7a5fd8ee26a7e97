"""Books that a passing failure left open: they are searched for again in the same run, and only where it can help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import BookQuery, Candidate, Contributor
from alexandria_pipeline.domain.service_answers import Answer, Failed, NotFound, Unavailable
from alexandria_pipeline.providers.base import Capability, Declaration, ProviderKind
from alexandria_pipeline.stages.again import MAX_ROUNDS, PATIENCE_SECONDS
from alexandria_pipeline.stages.cascade import Cascade
from alexandria_pipeline.stages.resolve import Resolve
from alexandria_pipeline.stages.runner import MonthRunner
from alexandria_pipeline_tests.upstream.randomness import seeded_random
from alexandria_pipeline_tests.world import JUNE, holder, pipeline, rows

if TYPE_CHECKING:
    from pathlib import Path

    from alexandria_pipeline.storage.database import Database

BOOKS = 120
ATTEMPTS = 8
FAILED = Failed("HTTP 503")
PASSING = Unavailable("paused", temporary=True, retry_at=datetime.now(UTC) + timedelta(seconds=60))
QUOTA = Unavailable("the daily quota is used up", temporary=True)
TITLES = [f"Book of the Number {number}" for number in range(BOOKS)]
LISTED = "month\ttitle\tauthor\n" + "".join(f"2020-06\t{title}\tMara Ellison\n" for title in TITLES)


def isbn_of(title: str) -> Isbn13:
    code = f"97819984{int(title.rpartition(' ')[2]):04d}"
    return Isbn13.parse(code + str(-sum(int(digit) * (1 + 2 * (place % 2)) for place, digit in enumerate(code)) % 10))


class Service:
    """A resolver that knows every book. `failures` are its first answers about each book; `closed`: of `unavailable`."""

    def __init__(self, name: str, failures: Sequence[Answer[Sequence[Candidate]]] = ()) -> None:
        self.declaration = Declaration(
            name, name, ProviderKind.FREE, frozenset({Capability.ISBN_RESOLUTION}), module=__name__
        )
        self.failures = failures
        self.asked: list[str] = []
        self.closed: Unavailable | None = None
        self.knows = True

    def unavailable(self) -> Unavailable | None:
        return self.closed

    def revision(self) -> str:
        return "1"

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        self.asked.append(query.title)
        number = self.asked.count(query.title) - 1
        if number < len(self.failures):
            return self.failures[number]
        if not self.knows:
            return NotFound()
        return [Candidate(self.declaration.name, isbn_of(query.title), query.title, (Contributor("Mara Ellison"),))]


class Wave(Service):
    """Each of the eight attempts of a search fails with a probability."""

    def __init__(self, share: float) -> None:
        super().__init__("wave")
        self._random, self._share = seeded_random("wave", share), share

    async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
        if all(self._random.random() < self._share for _ in range(ATTEMPTS)):
            self.asked.append(query.title)
            return FAILED
        return await super().resolve(query)


class World:
    """A month with `BOOKS` books, or the first of them."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder
        self.slept: list[float] = []

    def resolve(self, *services: Service, books: int = 1, run_id: str = "run-1") -> dict[str, int]:
        """Runs the stages; returns the books by outcome."""

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            for service in services:
                if service.closed is PASSING and sum(self.slept) >= 60:
                    service.closed = None

        listed = "".join(LISTED.splitlines(keepends=True)[: books + 1])
        world = pipeline(self._database, self._folder, listed)
        stage = replace(world.resolve, cascade=Cascade(self._database, services), sleep=sleep)
        assert isinstance(stage, Resolve)
        runner = MonthRunner(holder(self._database, run_id))
        try:
            for step in (world.generate, world.persist, stage):
                runner.run(step, [JUNE])
        finally:
            runner.close()
        counted = rows(self._database, "select outcome, count(*) as n from generated_book group by outcome")
        return {row["outcome"]: row["n"] for row in counted}

    def attempts(self) -> list[tuple[str, str]]:
        return [
            (row["provider"], row["outcome"])
            for row in rows(self._database, "select provider, outcome from resolution_attempt order by attempt_id")
        ]


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.8])
def test_in_a_wave_of_failures_nearly_all_books_get_their_answer_in_the_same_run(world: World, share: float) -> None:
    wave = Wave(share)
    outcomes = world.resolve(wave, books=BOOKS)
    assert outcomes.get("resolved", 0) >= 0.98 * BOOKS, outcomes
    assert len(wave.asked) < 1.3 * BOOKS, "only the failed ones are asked again"
    assert world.slept == []


def test_a_book_is_asked_for_again_where_it_failed_and_not_elsewhere(world: World) -> None:
    ignorant, failing = Service("ignorant"), Service("failing", [FAILED])
    ignorant.knows = False
    assert world.resolve(ignorant, failing) == {"resolved": 1}
    assert (len(ignorant.asked), len(failing.asked)) == (1, 2)
    assert world.attempts() == [("ignorant", "not_found"), ("failing", "found")]


def test_a_service_that_has_answered_nothing_is_asked_again_once(world: World) -> None:
    down = Service("down", [FAILED] * 9)
    assert world.resolve(down) == {"deferred": 1}
    assert len(down.asked) == 2
    assert world.attempts() == [("down", "failed")]


def test_a_service_that_has_answered_others_is_asked_in_every_round(world: World) -> None:
    class FailingForOne(Service):
        async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
            answer = await super().resolve(query)
            return FAILED if query.title == TITLES[0] else answer

    service = FailingForOne("service")
    assert world.resolve(service, books=3) == {"resolved": 2, "deferred": 1}
    assert service.asked.count(TITLES[0]) == MAX_ROUNDS


@pytest.mark.parametrize("answer", [QUOTA, Failed("HTTP 400", transient=False), Unavailable("no key")])
def test_what_does_not_pass_within_the_run_is_not_asked_again(world: World, answer: Unavailable | Failed) -> None:
    service = Service("service", [answer])
    world.resolve(service)
    assert len(service.asked) == 1


def test_a_paused_service_that_has_answered_is_waited_for_within_the_patience(world: World) -> None:
    class Pausing(Service):
        async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
            answer = await super().resolve(query)
            if self.closed is None and len(self.asked) == 2:
                self.closed = PASSING
                return FAILED
            return answer

    service = Pausing("service")
    assert world.resolve(service, books=4) == {"resolved": 4}
    assert 60 <= sum(world.slept) <= PATIENCE_SECONDS


def test_a_paused_service_that_has_answered_nothing_is_not_waited_for(world: World) -> None:
    class Closing(Service):
        async def resolve(self, query: BookQuery) -> Answer[Sequence[Candidate]]:
            await super().resolve(query)
            self.closed = PASSING
            return FAILED

    service = Closing("service")
    assert world.resolve(service, books=4) == {"deferred": 4}
    assert world.slept == []
