"""Questions that wait at the same time are one request, each in its place and in the context of the first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.providers.common.gathering import Gatherer
from alexandria_pipeline.providers.transport.types import call_context, current_context


class Service:
    """Doubles numbers; fails for a request with 13. `gate` holds a request until it is set; `started`: there was one."""

    def __init__(self) -> None:
        self.requests: list[list[int]] = []
        self.months: list[Month | None] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.started = asyncio.Event()

    async def ask(self, numbers: Sequence[int]) -> list[int]:
        self.requests.append(list(numbers))
        self.months.append(current_context().month)
        self.started.set()
        await self.gate.wait()
        if 13 in numbers:
            raise ValueError("13")
        return [2 * number for number in numbers]


def gathered(service: Service, fit: int = 3) -> Gatherer[int, int]:
    return Gatherer(service.ask, lambda numbers: min(fit, len(numbers)))


def test_questions_at_the_same_time_are_one_request_as_far_as_they_fit() -> None:
    service = Service()
    ask = gathered(service)

    async def scenario() -> list[int]:
        return await asyncio.gather(*map(ask, range(1, 8)))

    assert asyncio.run(scenario()) == [2, 4, 6, 8, 10, 12, 14]
    assert service.requests == [[1, 2, 3], [4, 5, 6], [7]]
    assert asyncio.run(ask(4)) == 8, "in another event loop"


def test_questions_that_come_during_a_request_wait_for_the_next_one() -> None:
    service = Service()
    ask = gathered(service)

    async def scenario() -> list[int]:
        service.gate.clear()
        first = asyncio.create_task(ask(1))
        await service.started.wait()
        others = [asyncio.create_task(ask(number)) for number in (2, 3)]
        await asyncio.sleep(0)
        service.gate.set()
        return await asyncio.gather(first, *others)

    assert asyncio.run(scenario()) == [2, 4, 6]
    assert service.requests == [[1], [2, 3]]


def test_a_request_is_booked_on_the_month_of_its_first_question() -> None:
    service = Service()
    ask = gathered(service, fit=2)

    async def one(number: int) -> int:
        with call_context(month=Month(2020, number)):
            return await ask(number)

    async def scenario() -> None:
        await asyncio.gather(*map(one, (1, 2, 3)))

    asyncio.run(scenario())
    assert service.months == [Month(2020, 1), Month(2020, 3)]


def test_an_error_is_that_of_the_questions_of_its_request() -> None:
    service = Service()
    ask = gathered(service, fit=2)

    async def scenario() -> list[int | BaseException]:
        return await asyncio.gather(*map(ask, (1, 13, 3)), return_exceptions=True)

    one, two, three = asyncio.run(scenario())
    assert isinstance(one, ValueError)
    assert isinstance(two, ValueError)
    assert three == 6


def test_a_cancelled_question_is_not_asked_and_does_not_disturb_the_others() -> None:
    service = Service()
    ask = gathered(service)

    async def scenario() -> int:
        cancelled, other = asyncio.create_task(ask(1)), asyncio.create_task(ask(2))
        await asyncio.sleep(0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        return await other

    assert asyncio.run(scenario()) == 4
    assert all(1 not in request for request in service.requests)
