"""The ISBNs that a list states: confirmed, contradicted or unknown in the catalogues, and months that are resolved by them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.listed_isbns import LIST, LISTED_CONFIDENCE
from alexandria_pipeline.domain.merging.claims import Stated
from alexandria_pipeline.domain.merging.extraction import edition_facts
from alexandria_pipeline.domain.metadata import EditionMetadata
from alexandria_pipeline.domain.records import BookOutcome, BookQuery, Candidate, Contributor, Resolution
from alexandria_pipeline.domain.service_answers import Answer, NotFound, Unavailable
from alexandria_pipeline.operations.listed_isbns import wrong_listed_isbns
from alexandria_pipeline.providers.base import Capability, Declaration, ProviderKind
from alexandria_pipeline.stages.cascade import Cascade
from alexandria_pipeline.storage import claims
from alexandria_pipeline.storage.integrity import Counted
from alexandria_pipeline_tests.world import JULY, JUNE, pipeline, rows, run_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alexandria_pipeline.storage.database import Database

LISTED, OTHER = Isbn13("9780525657606"), Isbn13("9780525658696")
QUERY = BookQuery("Hamnet", "Maggie O'Farrell", 2020, "en", (LISTED,))
RIGHT = EditionMetadata("catalogue", LISTED, "Hamnet", contributors=(Contributor("Maggie O'Farrell"),), language="en")
WRONG = replace(RIGHT, title="A Burning", contributors=(Contributor("Megha Majumdar"),))
HEADER = "month\ttitle\tauthor\tisbn13\n"


@dataclass
class Catalogue:
    """A resolver that finds nothing by title, and has one record by ISBN."""

    name: str
    record: EditionMetadata | None = None
    away: Unavailable | None = None
    kind: ProviderKind = ProviderKind.FREE
    looked_up: list[str] = field(default_factory=list)
    declaration: Declaration = field(init=False)

    def __post_init__(self) -> None:
        offered = frozenset({Capability.ISBN_RESOLUTION, Capability.METADATA_ENRICHMENT})
        self.declaration = Declaration(self.name, self.name, self.kind, offered, module=__name__)

    def unavailable(self) -> Unavailable | None:
        return None

    def revision(self) -> str:
        return "1"

    async def resolve(self, _query: BookQuery) -> Answer[Sequence[Candidate]]:
        return NotFound()

    async def metadata(self, isbn13: Isbn13) -> Answer[EditionMetadata]:
        self.looked_up.append(isbn13)
        if self.away:
            return self.away
        found = self.record is not None and self.record.isbn13 == isbn13
        return replace(self.record, provider=self.name) if found and self.record else NotFound()


def ask(database: Database, *catalogues: Catalogue, query: BookQuery = QUERY) -> Resolution:
    cascade = Cascade(database, catalogues, catalogues)
    return asyncio.run(cascade.ask(query, cascade.revisions()))


def found(resolution: Resolution) -> tuple[str, str, int | None]:
    assert resolution.candidate is not None, resolution.reason
    return resolution.candidate.isbn13, resolution.candidate.provider, resolution.confidence


def test_an_isbn_that_no_catalogue_knows_is_taken_from_the_list(database: Database) -> None:
    assert found(ask(database, Catalogue("one"), Catalogue("two"))) == (LISTED, LIST, LISTED_CONFIDENCE)


def test_a_catalogue_that_has_the_book_confirms_the_isbn(database: Database) -> None:
    isbn, provider, confidence = found(ask(database, Catalogue("one"), Catalogue("two", RIGHT)))
    assert (isbn, provider) == (LISTED, "two")
    assert confidence is not None
    assert confidence > LISTED_CONFIDENCE


def test_a_contradiction_in_any_catalogue_means_that_the_isbn_is_not_taken(database: Database) -> None:
    for catalogues in ((Catalogue("one"), Catalogue("two", WRONG)), (Catalogue("one", WRONG), Catalogue("two", RIGHT))):
        resolution = ask(database, *catalogues)
        assert (resolution.outcome, resolution.candidate) == (BookOutcome.NOT_FOUND, None)
        assert "9780525657606: " in resolution.reason
        assert "has it for “A Burning” by Megha Majumdar" in resolution.reason


def test_another_volume_or_a_summary_under_the_isbn_is_a_contradiction(database: Database) -> None:
    for title in ("Summary of Hamnet", "Hamnet 2", "Hamnet: The Graphic Novel"):
        resolution = ask(database, Catalogue("one", replace(RIGHT, title=title)))
        assert resolution.candidate is None, title


def test_the_next_isbn_of_the_list_is_tried(database: Database) -> None:
    resolution = ask(database, Catalogue("one", WRONG), query=replace(QUERY, isbns=(LISTED, OTHER)))
    assert found(resolution) == (OTHER, LIST, LISTED_CONFIDENCE)


def test_a_catalogue_that_cannot_answer_defers_the_book(database: Database) -> None:
    away = Catalogue("two", away=Unavailable("its quota is used up", temporary=True))
    resolution = ask(database, Catalogue("one"), away)
    assert (resolution.outcome, resolution.reason) == (BookOutcome.DEFERRED, "two: its quota is used up")


def test_a_paid_catalogue_is_not_asked_about_a_confirmed_isbn(database: Database) -> None:
    paid = Catalogue("paid", kind=ProviderKind.PAID)
    ask(database, Catalogue("one", RIGHT), paid)
    assert paid.looked_up == []
    ask(database, Catalogue("one"), paid)
    assert paid.looked_up == [LISTED]


def test_a_definite_no_is_not_checked_again_until_the_list_changes(database: Database) -> None:
    catalogue = Catalogue("one", WRONG)
    cascade = Cascade(database, [catalogue], [catalogue])
    first = asyncio.run(cascade.ask(QUERY, cascade.revisions()))
    answers = {each.provider: (each.provider_revision, each.reason) for each in first.attempts}
    again = asyncio.run(cascade.ask(QUERY, cascade.revisions(), answers))
    assert (again.outcome, again.candidate, catalogue.looked_up) == (BookOutcome.NOT_FOUND, None, [LISTED])
    changed = asyncio.run(cascade.ask(replace(QUERY, isbns=(OTHER,)), cascade.revisions(), answers))
    assert found(changed) == (OTHER, LIST, LISTED_CONFIDENCE)


def test_a_list_of_ones_own_is_resolved_by_its_isbns(database: Database, tmp_path: Path) -> None:
    listed = (
        f'{HEADER}2020-06\tHamnet\tMaggie O\'Farrell\t="9780525657606"\n2020-06\tDevolution\tMax Brooks\t0-525-65869-1\n'
        "2020-06\tThe Vanishing Half\tBrit Bennett\t9780316420044\n2020-06\tBeach Read\tEmily Henry\t9.78198E+12\n"
    )
    catalogue = "title\tauthor\tisbn13\n28 Summers\tElin Hilderbrand\t9780316420044\n"
    run_all(database, pipeline(database, tmp_path, listed, catalogue), [JUNE])
    books = rows(database, "select title, outcome, isbn13, provider, confidence from generated_book order by book_id")
    assert [tuple(book.values()) for book in books] == [
        ("Hamnet", "resolved", "9780525657606", LIST, LISTED_CONFIDENCE),
        ("Devolution", "not_found", None, None, None),
        ("The Vanishing Half", "not_found", None, None, None),
        ("Beach Read", "not_found", None, None, None),
    ]
    noted = rows(database, "select position, part, reason from set_aside order by position")
    assert [(each["position"], each["part"]) for each in noted] == [(3, "isbn"), (4, "isbn"), (5, "isbn")]
    assert "its check digit is 1" in noted[0]["reason"]
    assert noted[1]["reason"].endswith("9780316420044: local-catalog has it for “28 Summers” by Elin Hilderbrand")
    assert "a spreadsheet has rounded" in noted[2]["reason"]


def test_an_isbn_that_lists_state_for_two_books_is_taken_for_neither(database: Database, tmp_path: Path) -> None:
    listed = (
        f"{HEADER}2020-06\tHamnet\tMaggie O'Farrell\t{LISTED}\n2020-07\tDevolution\tMax Brooks\t{LISTED}\n"
        f"2020-06\tHamnet: A Novel\tMaggie O'Farrell\t{OTHER}\n"
    )
    world = pipeline(database, tmp_path, listed, "title\tauthor\tisbn13\n")
    run_all(database, world, [JUNE, JULY])
    books = rows(database, "select title, isbn13 from generated_book order by title desc")
    assert [(book["title"], book["isbn13"]) for book in books] == [("Hamnet", OTHER), ("Devolution", None)]
    reasons = rows(database, "select reason from set_aside order by position")
    assert {each["reason"] for each in reasons} == {f"{LISTED} stands beside other books of this list, too"}


def test_a_month_from_before_the_check_is_resolved_by_the_next_run_without_a_search(
    database: Database, tmp_path: Path
) -> None:
    world = pipeline(
        database, tmp_path, f"{HEADER}2020-06\tHamnet\tMaggie O'Farrell\t{LISTED}\n", "title\tauthor\tisbn13\n"
    )
    run_all(
        database, replace(world, resolve=replace(world.resolve, cascade=_without_isbns(world.resolve.cascade))), [JUNE]
    )
    assert rows(database, "select outcome from generated_book") == [{"outcome": "not_found"}]
    run_all(database, world, [JUNE], run_id="run-2")
    assert rows(database, "select isbn13, provider from generated_book") == [{"isbn13": LISTED, "provider": LIST}]
    attempts = rows(database, "select provider, outcome from resolution_attempt order by attempt_id")
    assert [tuple(each.values()) for each in attempts] == [("local-catalog", "not_found"), (LIST, "found")]


def test_an_isbn_of_a_list_that_a_service_has_under_another_book_is_named_later(
    database: Database, tmp_path: Path
) -> None:
    world = pipeline(
        database, tmp_path, f"{HEADER}2020-06\tHamnet\tMaggie O'Farrell\t{LISTED}\n", "title\tauthor\tisbn13\n"
    )
    run_all(database, world, [JUNE])
    with database.transaction() as tx:
        right = Stated("isbndb", "edition", "metadata", LISTED, edition_facts(RIGHT))
        claims.store(tx, [right], "run-2")
        assert wrong_listed_isbns(tx) == Counted(0, 1)
        wrong = Stated("google-books", "edition", "metadata", LISTED, edition_facts(WRONG))
        claims.store(tx, [wrong], "run-2")
        found = wrong_listed_isbns(tx)
    assert found == Counted(1, 1, (f"synthetic:hamnet:maggie ofarrell {LISTED}: google-books has “A Burning”",))


class _Before(Cascade):
    """The cascade as it was before lists were checked."""

    async def ask(self, query: BookQuery, *more: object) -> Resolution:
        return await super().ask(replace(query, isbns=()), *more)  # type: ignore[arg-type]


def _without_isbns(cascade: Cascade) -> Cascade:
    return _Before(cascade.database, cascade.resolvers)
