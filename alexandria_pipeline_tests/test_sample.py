"""The sample that ships with the package: whole, valid, and failing its checks only where it means to."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

import pytest

from alexandria_pipeline.domain.isbn import Isbn13, is_placeholder
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.reading_list import OWN_COLUMNS
from alexandria_pipeline.domain.records import GenerationRequest, TsvFile
from alexandria_pipeline.domain.tsv import clean_text, listing_problem, read_table
from alexandria_pipeline.providers import sample
from alexandria_pipeline.providers.curated_list.client import CuratedList

MONTHS = [Month(2020, number) for number in range(1, 13)]
SOURCES = {"post45-nyt", "wikidata", "openlibrary"}


@pytest.fixture(scope="module")
def books() -> TsvFile:
    return read(sample.LIST, OWN_COLUMNS)


@pytest.fixture(scope="module")
def editions() -> TsvFile:
    return read(sample.CATALOGUE, ("title", "author", "isbn13", "date"))


def read(name: str, required: tuple[str, ...]) -> TsvFile:
    return read_table(name, sample.path(name).read_bytes(), (*required, "source", "source_id"))


def book_key(row: dict[str, str]) -> tuple[str, str]:
    return row["title"].casefold(), re.sub(r"\W", "", row["author"]).casefold()


def test_nothing_is_skipped(books: TsvFile, editions: TsvFile) -> None:
    assert books.skipped == editions.skipped == ()
    for _, row in books.rows + editions.rows:
        assert listing_problem(row["title"], row["author"]) is None
        assert clean_text(row["title"]) == row["title"]
        assert row["author"]
        assert row["source"] in SOURCES
        assert row["source_id"]


def test_the_list_has_every_month_of_2020_and_no_book_twice(books: TsvFile) -> None:
    assert sorted({Month.parse(row["month"]) for _, row in books.rows}) == MONTHS
    assert max(Counter(book_key(row) for _, row in books.rows).values()) == 1
    listed = [(row["month"], row["title"].casefold()) for _, row in books.rows]
    assert listed == sorted(listed)


def test_the_list_serves_as_a_curated_list() -> None:
    generator = CuratedList(sample.path(sample.LIST))
    assert generator.unavailable() is None
    assert generator.refused_rows() == ()
    request = GenerationRequest(Month(2020, 8), limit=20, prompt_variant="baseline")
    parsed = generator.parse(asyncio.run(generator.generate(request)), request)
    assert len(parsed.listings) >= 18
    assert parsed.skipped == ()


def test_every_isbn_is_valid_and_stands_once(editions: TsvFile) -> None:
    isbns = [row["isbn13"] for _, row in editions.rows]
    assert [Isbn13.parse(isbn) for isbn in isbns] == isbns
    assert not any(is_placeholder(Isbn13.parse(isbn)) for isbn in isbns)
    assert max(Counter(isbns).values()) == 1
    assert all(re.fullmatch(r"\d{4}(-\d{2}){0,2}", row["date"]) for _, row in editions.rows)


def test_ten_months_are_wholly_in_the_catalogue_and_two_are_not(books: TsvFile, editions: TsvFile) -> None:
    known = {book_key(row) for _, row in editions.rows}
    unknown = [(row["month"], row["title"]) for _, row in books.rows if book_key(row) not in known]
    assert unknown == [("2020-03", "WEATHER"), ("2020-11", "THE SENTINEL"), ("2020-11", "WHITE IVY")]
    total = Counter(row["month"] for _, row in books.rows)
    assert 0.90 <= 1 - 1 / total["2020-03"] < 0.95
    assert 1 - 2 / total["2020-11"] < 0.90
    assert len(unknown) / total.total() < 0.05


def test_the_catalogue_holds_more_than_the_answers(books: TsvFile, editions: TsvFile) -> None:
    """Same title by another author, other books of the same author: without them any guess would be right."""
    listed = {book_key(row) for _, row in books.rows}
    others = [row for _, row in editions.rows if book_key(row) not in listed]
    assert len(others) > len(listed)
    assert any(row["title"].casefold() in {title for title, _ in listed} for row in others)


def test_the_attribution_names_every_source_and_licence() -> None:
    text = sample.path("ATTRIBUTION.md").read_text(encoding="utf-8")
    for part in (*SOURCES, "CC BY 4.0", "CC0", "New York Times Hardcover Fiction Bestsellers", "Major Literary Prizes"):
        assert part in text
