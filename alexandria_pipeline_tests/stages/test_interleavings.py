"""Runs, enhancement, reviews and merges at the same time: no order of their steps leaves wrong rows.

A model of hypothesis starts real stages in threads. Their resolver waits for each answer until the model gives it, so that
decisions and other runs come between a question and the transaction that stores its result.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from alexandria_pipeline.domain.errors import InvalidValue, MonthOwned
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.quota import QuotaLimits
from alexandria_pipeline.domain.records import BookQuery, Candidate, Contributor
from alexandria_pipeline.domain.service_answers import Failed, NotFound
from alexandria_pipeline.operations.review import Review
from alexandria_pipeline.providers.base import Capability, Declaration, ProviderKind
from alexandria_pipeline.stages.cascade import Cascade
from alexandria_pipeline.stages.enhance import Enhance
from alexandria_pipeline.stages.resolve import Resolve
from alexandria_pipeline.stages.runner import MonthRunner
from alexandria_pipeline.storage.quota import QuotaManager
from alexandria_pipeline_tests.world import JULY, JUNE, holder, rows

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database

EXAMPLES, STEPS = 15, 12
PATIENCE = 60.0
ISBNS = (Isbn13("9780306406157"), Isbn13("9780525657606"))
BOOKS = (
    ("circe", "Circe", JUNE), ("circe", "Circe", JULY), ("circe-novel", "Circe: A Novel", JULY), ("hamnet", "Hamnet", JUNE),
)  # fmt: skip
AUTHOR = "Madeline Miller"
KEYS = sorted({key for key, *_ in BOOKS})
ANSWERS = (*ISBNS, "not found", "failed")


@dataclass(eq=False)
class Question:
    """A question that a stage waits for."""

    title: str
    answer: str = ""
    answered: threading.Event = field(default_factory=threading.Event)


class Asked:
    """A resolver whose answers the model gives."""

    def __init__(self) -> None:
        self.declaration = Declaration(
            "isbndb", "x", ProviderKind.PAID, frozenset({Capability.ISBN_RESOLUTION}), __name__
        )
        self.open: list[Question] = []

    def unavailable(self) -> None:
        return None

    def revision(self) -> str:
        return ""

    async def resolve(self, query: BookQuery) -> Sequence[Candidate] | NotFound | Failed:
        question = Question(query.title)
        self.open.append(question)
        while not question.answered.is_set():  # noqa: ASYNC110 - another thread answers
            await asyncio.sleep(0.002)
        self.open.remove(question)
        if question.answer == "not found":
            return NotFound()
        if question.answer == "failed":
            return Failed("the service failed")
        return [Candidate("isbndb", Isbn13(question.answer), query.title, (Contributor(AUTHOR),), language="en")]


class Actor(threading.Thread):
    """A run or an enhancement."""

    def __init__(self, database: Database, number: int, month: Month | None) -> None:
        super().__init__(daemon=True)
        self.asked = Asked()
        self.error: Exception | None = None
        self._database, self._run_id, self._month = database, f"run-{number}", month

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - the model reports it
            self.error = error

    def _work(self) -> None:
        cascade = Cascade(self._database, [self.asked])
        if self._month is None:
            quota = QuotaManager(self._database, {"isbndb": QuotaLimits(None)})
            Enhance(cascade, quota, "en", timedelta(0))(self._run_id)
            return
        runner = MonthRunner(holder(self._database, self._run_id))
        try:
            runner.run(Resolve(cascade, "en", timedelta(0), books_in_flight=4), [self._month])
        finally:
            runner.close()

    def settle(self) -> None:
        """Waits until the actor asks or has ended."""
        deadline = time.monotonic() + PATIENCE
        while self.is_alive() and not self.asked.open:
            assert time.monotonic() < deadline
            time.sleep(0.002)


class Interleavings(RuleBasedStateMachine):
    """The model. `database` is emptied for each example."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database, self.review = database, Review(database)
        self.actors: list[Actor] = []
        _fill(database)

    def questions(self) -> list[Question]:
        return sorted((q for actor in self.actors for q in actor.asked.open), key=lambda q: q.title)

    def start(self, month: Month | None) -> None:
        self.actors.append(Actor(self.database, len(self.actors), month))
        self.actors[-1].start()
        self.actors[-1].settle()

    @rule(month=st.sampled_from([JUNE, JULY]))
    def start_run(self, month: Month) -> None:
        self.start(month)

    @rule()
    def start_enhancement(self) -> None:
        with self.database.transaction() as tx:
            tx.execute("update enriched_works set last_tried_at = null")
        self.start(None)

    @precondition(lambda self: bool(self.questions()))
    @rule(which=st.integers(0, 20), text=st.sampled_from(ANSWERS))
    def answer(self, which: int, text: str) -> None:
        questions = self.questions()
        if questions:
            question = questions[which % len(questions)]
            asking = next(actor for actor in self.actors if question in actor.asked.open)
            question.answer = text
            question.answered.set()
            asking.settle()

    @rule(key=st.sampled_from(KEYS), isbn=st.sampled_from(ISBNS))
    def accept(self, key: str, isbn: Isbn13) -> None:
        with suppress(InvalidValue, MonthOwned):
            self.review.accept(key, isbn, "Ada")

    @rule(key=st.sampled_from(KEYS), isbn=st.sampled_from([*ISBNS, None]))
    def reject(self, key: str, isbn: Isbn13 | None) -> None:
        with suppress(InvalidValue, MonthOwned):
            self.review.reject(key, isbn, "Ada")

    @invariant()
    def no_rows_are_wrong(self) -> None:
        for what, statement in WRONG.items():
            assert rows(self.database, statement) == [], what
        assert rows(self.database, "select 1 from generated_book where work_id is not null") == [{"?column?": 1}] * len(
            BOOKS
        )

    def teardown(self) -> None:
        for actor in self.actors:
            while actor.is_alive():
                for question in list(actor.asked.open):
                    question.answer = "not found"
                    question.answered.set()
                actor.join(0.01)
        self.no_rows_are_wrong()
        assert [actor.error for actor in self.actors if actor.error] == []
        assert rows(self.database, "select error from stage_log where error like '%%database refused%%'") == []
        assert rows(self.database, "select 1 from backfill_log where status = 'processing'") == []


WRONG = {
    "a book has another ISBN than its work": """
        select 1 from generated_book b join enriched_works w using (work_id)
        where b.isbn13 is distinct from w.isbn13 and b.isbn13 is not null""",
    "an edition is not the one of its work": """
        select 1 from enriched_editions e join enriched_works w using (work_id)
        where w.isbn13 is distinct from e.isbn13""",
    "a key leads to two works": "select 1 from enriched_works join work_alias using (work_key)",
    "a work has an ISBN that was rejected": """
        select 1 from enriched_works w join lateral (
            select decision from review_decision r
            where r.work_id = w.work_id and r.isbn13 = w.isbn13 order by review_id desc limit 1
        ) d on d.decision = 'rejected'""",
    "a closed work has an ISBN": "select 1 from enriched_works join closed_work using (work_id) where not synthetic",
    "an accepted ISBN is gone": """
        select 1 from enriched_works w join lateral (
            select decision, isbn13 from review_decision r
            where r.work_id = w.work_id and r.isbn13 is not null order by review_id desc limit 1
        ) d on d.decision = 'accepted'
        where w.isbn13 is distinct from d.isbn13
          and not exists (select from work_alias a where a.work_id = w.work_id)""",
    "the figures of a month are wrong": """
        select 1 from backfill_log b
        where b.status <> 'processing' and b.isbns_resolved > 0 and b.isbns_resolved <> (
            select count(*) from generated_book g
            where (g.year, g.month) = (b.year, b.month) and g.outcome = 'resolved')""",
}


def _fill(database: Database) -> None:
    """Two months with four books of three works; two of the works are the same book."""
    with database.transaction() as tx:
        tx.execute(
            "truncate backfill_log, month_claim, stage_log, generation_reply, generated_book, generated_listing, enriched_works,"
            " work_alias, enriched_editions, resolution_attempt, review_decision, api_call restart identity cascade"
        )
        for month in (JUNE, JULY):
            at = (month.year, month.month)
            tx.execute("insert into backfill_log (year, month, status) values (%s, %s, 'retry')", at)
            tx.execute(
                "insert into generation_reply (year, month, provider, model, prompt_variant, body, run_id, read_at)"
                " values (%s, %s, 'gemini', 'm', 'baseline', '[]', 'run', now())",
                at,
            )
        for key, title, month in BOOKS:
            tx.execute(
                "insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider)"
                " values (%s, %s, %s, %s, 'miller', 'x-backfill') on conflict do nothing",
                (key, title, AUTHOR, key),
            )
            tx.execute(
                "insert into generated_book (year, month, title, author, run_id, work_id)"
                " select %s, %s, %s, %s, 'run', work_id from enriched_works where work_key = %s",
                (month.year, month.month, title, AUTHOR, key),
            )


def test_no_order_of_steps_leaves_wrong_rows(database: Database) -> None:
    class OnDatabase(Interleavings):
        def __init__(self) -> None:
            super().__init__(database)

    examples = settings().max_examples if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else EXAMPLES
    run_state_machine_as_test(OnDatabase, settings=settings(max_examples=examples, stateful_step_count=STEPS))
