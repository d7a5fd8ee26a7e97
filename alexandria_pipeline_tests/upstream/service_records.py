"""The records of each service: which works and editions it has, which of them are damaged, and how it ranks them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Final

from alexandria_pipeline_tests.upstream.model import FATAL, RESOLVERS, Damage, Edition, Kind, Record, Service, Work
from alexandria_pipeline_tests.upstream.randomness import random_share, seeded_random
from alexandria_pipeline_tests.upstream.words import isbn13, last_first, split_name, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from alexandria_pipeline_tests.upstream.catalogue import Catalogue

UNKNOWN_TO_ALL: Final = 0.02
KNOWN_WORKS: Final = {
    Service.ISBNDB: 0.85,
    Service.GOOGLE_BOOKS: 0.80,
    Service.OPEN_LIBRARY: 0.75,
    Service.INTERNET_ARCHIVE: 0.45,
    Service.WIKIDATA: 0.35,
}
KNOWN_EDITIONS: Final = {
    Service.ISBNDB: 0.9,
    Service.GOOGLE_BOOKS: 0.7,
    Service.OPEN_LIBRARY: 0.85,
    Service.INTERNET_ARCHIVE: 0.5,
    Service.WIKIDATA: 0.5,
}
KNOWN_DERIVATIVES: Final = {
    Service.ISBNDB: 0.8,
    Service.GOOGLE_BOOKS: 0.6,
    Service.OPEN_LIBRARY: 0.4,
    Service.INTERNET_ARCHIVE: 0.25,
    Service.WIKIDATA: 0.0,
}
DAMAGED: Final = {
    Service.ISBNDB: 0.20,
    Service.GOOGLE_BOOKS: 0.08,
    Service.OPEN_LIBRARY: 0.08,
    Service.INTERNET_ARCHIVE: 0.12,
    Service.WIKIDATA: 0.03,
}
_RANK_BONUS: Final = {Kind.EDITION: 0.0, Kind.PLACEHOLDER: 0.2}
_RARE: Final = 0.2


@dataclass(frozen=True)
class RecordIndex:
    """The records of one service, by ISBN, by work and by words."""

    records: tuple[Record, ...]
    by_isbn: dict[str, tuple[Record, ...]]
    by_work: dict[int, tuple[Record, ...]]
    _titles: dict[str, frozenset[int]]
    _authors: dict[str, frozenset[int]]

    def matching_any(self, words: Sequence[str], column: str = "") -> list[Record]:
        """Records that have any of the words, best first. The ranking hardly distinguishes a book from its derivatives."""
        weights: defaultdict[int, float] = defaultdict(float)
        total = 0.0
        for word in dict.fromkeys(words):
            positions = self._positions(word, column)
            weight = log(1 + len(self.records) / (1 + len(positions)))
            total += weight
            for position in positions if len(positions) < max(50, _RARE * len(self.records)) else ():
                weights[position] += weight
        records, coarse = self.records, 12 / total if total else 0.0
        # The relevance is coarse, so that the rank bonus decides among books that have most of the words.
        ranks = {
            position: 10 * round(weight * coarse) + records[position].rank_bonus for position, weight in weights.items()
        }
        return self._ranked(sorted(ranks, key=ranks.__getitem__, reverse=True))

    def matching_all(self, title: Iterable[str] = (), author: Iterable[str] = ()) -> list[Record]:
        """Records that have all these words in the title and all those words among the authors."""
        sets = [self._titles.get(word, frozenset()) for word in title] + [
            self._authors.get(word, frozenset()) for word in author
        ]
        positions = frozenset.intersection(*sets) if sets else frozenset()
        return self._ranked(sorted(positions, key=lambda position: -self.records[position].rank_bonus))

    def _positions(self, word: str, column: str) -> frozenset[int]:
        found = [
            index.get(word, frozenset())
            for name, index in (("title", self._titles), ("author", self._authors))
            if column in {"", name}
        ]
        return frozenset().union(*found)

    def _ranked(self, positions: Iterable[int]) -> list[Record]:
        return [self.records[position] for position in positions]


def record_indexes(catalogue: Catalogue) -> dict[Service, RecordIndex]:
    """The records of each resolver."""
    works = {service: _known_works(catalogue, service) for service in RESOLVERS}
    return {service: index_records(_records(catalogue, service, works[service])) for service in RESOLVERS}


def index_records(records: Sequence[Record]) -> RecordIndex:
    """The index of some records."""
    isbns: defaultdict[str, list[Record]] = defaultdict(list)
    works: defaultdict[int, list[Record]] = defaultdict(list)
    titles: defaultdict[str, set[int]] = defaultdict(set)
    authors: defaultdict[str, set[int]] = defaultdict(set)
    for position, record in enumerate(records):
        isbns[record.isbn].append(record)
        if record.edition.kind is Kind.EDITION:
            works[record.edition.work].append(record)
        for word in tokens(f"{record.title} {record.subtitle or ''}"):
            titles[word].add(position)
        for word in tokens(" ".join(record.authors)):
            authors[word].add(position)
    return RecordIndex(
        tuple(records),
        {isbn: tuple(found) for isbn, found in isbns.items()},
        {work: tuple(found) for work, found in works.items()},
        {word: frozenset(positions) for word, positions in titles.items()},
        {word: frozenset(positions) for word, positions in authors.items()},
    )


def services_with_usable_record(
    indexes: dict[Service, RecordIndex], work: Work, language: str = "en"
) -> tuple[Service, ...]:
    """The services that have a usable record of the work, in print or as an e-book, in the language."""
    return tuple(
        service
        for service, index in indexes.items()
        if any(
            record.damage not in FATAL
            and record.edition.language == language
            and record.edition.form.value != "Audio CD"
            for record in index.by_work.get(work.number, ())
        )
    )


def _known_works(catalogue: Catalogue, service: Service) -> frozenset[int]:
    seed, known = catalogue.spec.seed, set()
    for work in catalogue.works:
        if random_share(seed, "nobody", work.number) < UNKNOWN_TO_ALL:
            continue
        drawn = [each for each in RESOLVERS if random_share(seed, "knows", each, work.number) < KNOWN_WORKS[each]]
        if service in (drawn or [Service.ISBNDB]):
            known.add(work.number)
    return frozenset(known)


def _records(catalogue: Catalogue, service: Service, works: frozenset[int]) -> list[Record]:
    """The records of a service: at least one edition of each known work, sometimes none in English and in print."""
    seed, found, first = catalogue.spec.seed, [], {work.number: work.editions[0].isbn13 for work in catalogue.works}
    for number, edition in enumerate(catalogue.editions):
        rng = seeded_random(seed, service, edition.isbn13, number)
        if edition.kind is not Kind.EDITION:
            included = rng.random() < KNOWN_DERIVATIVES[service] and (
                edition.kind is not Kind.GRAPHIC_NOVEL or service is not Service.WIKIDATA
            )
        elif edition.work not in works:
            included = False
        elif edition.isbn13 == first[edition.work]:
            included = rng.random() < 0.93 or len(catalogue.works[edition.work].editions) == 1
        else:
            included = rng.random() < KNOWN_EDITIONS[service]
        if included:
            found.append(_record(edition, number, service, rng))
    return found


def _record(edition: Edition, number: int, service: Service, rng: Random) -> Record:
    damage = rng.choice(list(Damage)) if rng.random() < DAMAGED[service] else None
    if damage is Damage.SPLIT_AUTHOR and (
        service is not Service.ISBNDB or len(edition.authors) > 1 or " " not in edition.authors[0]
    ):
        damage = Damage.LAST_FIRST
    title, subtitle = edition.title, edition.subtitle
    if damage is Damage.CUT_TITLE:
        title, subtitle = title[: max(4, len(title) * 2 // 3)].strip(), None
    rank_bonus = (
        _RANK_BONUS.get(edition.kind, 0.6)
        + (0.5 if edition.language != "en" else 0.0)
        + (0.3 if edition.form.value == "Audio CD" else 0.0)
    )
    return Record(
        edition,
        number,
        _isbn(edition.isbn13, damage),
        title,
        subtitle,
        _authors(edition.authors, damage),
        _published(edition, damage, rng),
        None if damage is Damage.NO_LANGUAGE else edition.language,
        damage,
        rank_bonus + rng.random() * 0.5,
    )


def _isbn(isbn: str, damage: Damage | None) -> str:
    if damage is not Damage.WRONG_CHECK_DIGIT:
        return isbn
    return isbn[:12] + str((int(isbn13(isbn[:12])[12]) + 1) % 10)


def _authors(authors: tuple[str, ...], damage: Damage | None) -> tuple[str, ...]:
    if damage is Damage.NO_AUTHORS:
        return ()
    if damage is Damage.AUTOFILLED:
        return ("~autofilled~",)
    if damage is Damage.LAST_FIRST:
        return tuple(map(last_first, authors))
    if damage is Damage.SPLIT_AUTHOR:
        given, family = split_name(authors[0])
        return (family, given) if given else authors
    return authors


def _published(edition: Edition, damage: Damage | None, rng: Random) -> str | None:
    if damage is Damage.NO_DATE:
        return None
    return rng.choice(("0101-01-01", "2099", "1700")) if damage is Damage.ABSURD_DATE else edition.published
