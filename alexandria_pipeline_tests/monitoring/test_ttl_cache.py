"""Answers that are found out once for many."""

from __future__ import annotations

import asyncio

import pytest

from alexandria_pipeline.monitoring.ttl_cache import TtlCache


class Source:
    """Gives numbers, slowly; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    async def __call__(self) -> int:
        self.asked += 1
        await asyncio.sleep(0.01)
        if self.fails:
            raise LookupError("nothing")
        return self.asked


def test_one_asks_for_all_and_again_when_it_is_old() -> None:
    source, time = Source(), [0.0]
    remembered = TtlCache(source, 2.0, lambda: time[0])

    async def run() -> None:
        assert await asyncio.gather(*(remembered.get() for _ in range(1_000))) == [1] * 1_000
        time[0] = 1.9
        assert await remembered.get() == 1
        time[0] = 2.0
        assert await asyncio.gather(*(remembered.get() for _ in range(1_000))) == [2] * 1_000

    asyncio.run(run())
    assert source.asked == 2


def test_a_failure_reaches_all_who_wait_and_is_not_kept() -> None:
    source = Source()
    remembered = TtlCache(source, 2.0)

    async def run() -> None:
        source.fails = True
        answers = await asyncio.gather(*(remembered.get() for _ in range(5)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [LookupError] * 5
        source.fails = False
        assert await remembered.get() == 2

    asyncio.run(run())


def test_one_who_leaves_does_not_take_the_answer_along() -> None:
    remembered = TtlCache(Source(), 2.0)

    async def run() -> None:
        first = asyncio.create_task(remembered.get())
        second = asyncio.create_task(remembered.get())
        await asyncio.sleep(0)
        first.cancel()
        assert await second == 1
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(run())
