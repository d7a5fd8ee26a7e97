"""The New York Times client: the weekly best-seller lists of a month, with authors and ISBNs.

One request a week returns the first five books of every list. docs/services/nyt.md has the facts.
"""

from __future__ import annotations

from typing import Final

from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, ParsedReply, RawReply, SkippedRow
from alexandria_pipeline.domain.service_answers import Unavailable
from alexandria_pipeline.providers.base import ProviderKit
from alexandria_pipeline.providers.common.ai_replies import successful
from alexandria_pipeline.providers.nyt.declaration import DECLARATION, NAME
from alexandria_pipeline.providers.nyt.errors import explain
from alexandria_pipeline.providers.nyt.parser import parse_week, parse_weeks, sundays
from alexandria_pipeline.providers.transport.types import KeyPlace, ServiceHttp, ServiceSpec

FIRST_MONTH: Final = Month(2008, 6)
"""The first month of the lists in the API."""

SPEC: Final = ServiceSpec(name=NAME, explain=explain, cache_days=30, key=KeyPlace(parameter="api-key"))


class NewYorkTimes:
    """The client, a book generator. It returns all books of a month's lists; `request.limit` does not apply."""

    declaration = DECLARATION

    def __init__(self, http: ServiceHttp) -> None:
        self._http = http

    def unavailable(self) -> Unavailable | None:
        return self._http.unavailable()

    def model(self, request: GenerationRequest) -> str:  # noqa: ARG002 - the same for every month
        return "overview"

    async def generate(self, request: GenerationRequest) -> RawReply:
        """Makes one request for each week. The reply is a JSON list of the responses.

        Raises SourceError if the month has no lists, or a week cannot be fetched; the weeks before it stay in the cache.
        """
        if request.month < FIRST_MONTH:
            raise SourceError(f"the lists of the New York Times begin in {FIRST_MONTH}")
        weeks: list[str] = []
        for day in sundays(request.month):
            answer = await self._http.get("/lists/overview.json", parse_week, {"published_date": day.isoformat()})
            weeks.append(successful(answer, DECLARATION.title).text)
        return RawReply(NAME, self.model(request), "[" + ",\n".join(weeks) + "]")

    def parse(self, reply: RawReply, request: GenerationRequest) -> ParsedReply:
        return parse_weeks(reply, request)

    def refused_rows(self) -> tuple[SkippedRow, ...]:
        return ()


def build(kit: ProviderKit) -> NewYorkTimes:
    """The provider with its transport."""
    return NewYorkTimes(kit.service(SPEC))
