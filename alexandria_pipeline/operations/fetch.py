"""Requests one capability for one item: asks the providers in order until one of them has an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from enum import Enum
from typing import Any

from alexandria_pipeline.domain.errors import InvalidValue, SourceError
from alexandria_pipeline.domain.generation.prompts import default_variant
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookQuery, GenerationRequest, PartialDate
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers.base import Capability, Provider


@dataclass(frozen=True, slots=True)
class FetchItem:
    """The subject of a request. Each capability needs one of these fields; a title also needs its author."""

    isbn: Isbn13 | None = None
    title: str | None = None
    author: str | None = None
    subject: str | None = None
    month: Month | None = None
    year: int | None = None
    language: str = "en"
    limit: int = 20


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """The outcome at one provider: `found`, `not_found`, `unavailable` or `failed`, with the reason."""

    provider: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The first answer, JSON-ready, and the outcome at every provider asked. `provider` and `data` are None without one."""

    provider: str | None
    data: Any
    asked: tuple[ProviderAnswer, ...]


async def fetch(capability: Capability, item: FetchItem, providers: Sequence[Provider]) -> Fetched:
    """Returns the first answer of the providers. Raises InvalidValue when the item lacks a field that the capability needs."""
    required, ask = _REQUESTS[capability]
    if not all(getattr(item, part) for part in required):
        raise InvalidValue(f"{capability.value} needs --{' and --'.join(required)}")
    asked: list[ProviderAnswer] = []
    for provider in providers:
        answer = provider.unavailable() or await _ask(ask, provider, item)
        asked.append(_outcome(provider.declaration.name, answer))
        if not isinstance(answer, NotFound | Unavailable | Failed):
            return Fetched(provider.declaration.name, plain(answer), tuple(asked))
    return Fetched(None, None, tuple(asked))


async def _ask(ask: Callable[[Any, FetchItem], Awaitable[Any]], provider: Provider, item: FetchItem) -> Any:
    try:
        return await ask(provider, item)
    except SourceError as error:
        return Failed(str(error))


def _outcome(provider: str, answer: object) -> ProviderAnswer:
    match answer:
        case NotFound():
            return ProviderAnswer(provider, "not_found")
        case Unavailable(reason):
            return ProviderAnswer(provider, "unavailable", reason)
        case Failed(reason):
            return ProviderAnswer(provider, "failed", reason)
        case _:
            return ProviderAnswer(provider, "found")


def plain(value: Any) -> Any:
    """Converts records to dictionaries, and dates and enumerations to text, so that JSON can hold them."""
    if isinstance(value, PartialDate):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(each) for each in value]
    return value


async def _books(provider: Any, item: FetchItem) -> Any:
    month = item.month or Month(2020, 1)
    request = GenerationRequest(month, item.limit, default_variant(month).value)
    return provider.parse(await provider.generate(request), request).listings


_REQUESTS: Mapping[Capability, tuple[tuple[str, ...], Callable[[Any, FetchItem], Awaitable[Any]]]] = {
    Capability.ISBN_RESOLUTION: (
        ("title", "author"),
        lambda p, i: p.resolve(BookQuery(i.title or "", i.author or "", i.year, i.language)),
    ),
    Capability.METADATA_ENRICHMENT: (("isbn",), lambda p, i: p.metadata(i.isbn)),
    Capability.COVER_IMAGES: (("isbn",), lambda p, i: p.covers(i.isbn)),
    Capability.RATINGS: (("isbn",), lambda p, i: p.rating(i.isbn)),
    Capability.EDITION_VARIANTS: (("isbn",), lambda p, i: p.variants(i.isbn)),
    Capability.PUBLIC_DOMAIN: (("isbn",), lambda p, i: p.public_domain(i.isbn)),
    Capability.EXTERNAL_IDS: (("isbn",), lambda p, i: p.external_ids(i.isbn)),
    Capability.SUBJECT_ENRICHMENT: (("isbn",), lambda p, i: p.subjects(i.isbn)),
    Capability.SUBJECT_BROWSING: (("subject",), lambda p, i: p.browse(i.subject, i.limit)),
    Capability.SERIES_INFO: (("isbn",), lambda p, i: p.series(i.isbn)),
    Capability.AWARDS: (("isbn",), lambda p, i: p.awards(i.isbn)),
    Capability.TRANSLATIONS: (("isbn",), lambda p, i: p.translations(i.isbn)),
    Capability.AUTHOR_BIOGRAPHY: (("author",), lambda p, i: p.biography(i.author)),
    Capability.BOOK_GENERATION: (("month",), _books),
}
