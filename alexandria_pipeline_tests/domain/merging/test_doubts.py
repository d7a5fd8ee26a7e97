"""Values that are damaged, placeholders, or of another edition lose against as many others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from alexandria_pipeline.domain.merging.claims import Claim
from alexandria_pipeline.domain.merging.hints import of_isbn
from alexandria_pipeline.domain.merging.merge import merge

FETCHED = datetime(2026, 11, 27, tzinfo=UTC)
ISBN = "9780316556347"


def _served(field: str, bad: Any, good: Any, isbn13: str = ISBN, **others: Any) -> Any:
    """What is served if the source that usually wins states the bad value. `others`: fields of both answers."""
    claims = [
        Claim("open-library", field, bad, 1, fetched_at=FETCHED),
        Claim("internet-archive", field, good, 2, fetched_at=FETCHED),
        *(Claim("open-library", name, values[0], 1, fetched_at=FETCHED) for name, values in others.items()),
        *(Claim("internet-archive", name, values[1], 2, fetched_at=FETCHED) for name, values in others.items()),
    ]
    served = merge("edition", claims, hints=of_isbn(isbn13)).values.get(field)
    assert served == merge("edition", claims[::-1], hints=of_isbn(isbn13)).values.get(field)
    return served


@pytest.mark.parametrize(
    ("field", "bad", "good"),
    [
        ("published", "1929-03-04", "2018-04-10"),
        ("published", "2031", "2018"),
        ("published", "2017", "2018-04-10"),
        ("pages", 16, 393),
        ("pages", 999, 393),
        ("pages", 1, 393),
        ("publisher", "Baker & Taylor", "Little, Brown"),
        ("publisher", "Publisher not identified", "Little, Brown"),
        ("publisher", "New York", "Little, Brown"),
        ("publisher", "https://example.org", "Little, Brown"),
        ("series", {"name": "Penguin Classics", "position": None}, {"name": "Harker", "position": None}),
        ("series", {"name": "Oprah's Book Club", "position": "52"}, {"name": "Harker", "position": None}),
        ("series", {"name": "Saga", "position": None}, {"name": "Harker", "position": "3"}),
        ("title", "Circe \ufffd", "Circe"),
        ("title", "9780316556347", "Circe"),
    ],
)
def test_a_doubtful_value_loses_against_a_sound_one(field: str, bad: Any, good: Any) -> None:
    assert _served(field, bad, good) == good


def test_years_of_prefixes_of_isbns() -> None:
    assert _served("published", "2001-05-06", "2021", "9798600000001") == "2021"
    assert _served("published", "2001-05-06", "2021", ISBN) == "2001-05-06"


def test_an_answer_about_another_book_is_doubted() -> None:
    titles = ["Persuasion", "Circe"]
    hints = [Claim("list", "title", "CIRCE", rank="hint"), *of_isbn(ISBN)]
    claims = [
        Claim(source, field, value, record)
        for record, source in enumerate(("open-library", "internet-archive"))
        for field, value in (("title", titles[record]), ("pages", (251, 393)[record]))
    ]
    merged = merge("edition", claims, hints=hints)
    assert (merged.values["title"], merged.values["pages"]) == ("Circe", 393)


def test_a_value_of_another_field_is_doubted() -> None:
    author = [{"name": "Madeline Miller", "role": "author"}]
    assert _served("publisher", "Madeline Miller", "Little, Brown", authors=[author, author]) == "Little, Brown"
    assert _served("pages", 2018, 393, published=["2018", "2018"]) == 393
    circe = {"name": "Circe", "position": None}
    assert _served("series", circe, {"name": "Harker", "position": None}, title=["Circe", "Circe"])["name"] == "Harker"


def test_the_script_of_the_title_decides_on_the_language() -> None:
    assert _served("language", "en", "ru", title=["Война и мир", "Война и мир"]) == "ru"


def test_the_series_in_a_title_decides() -> None:
    saga, harker = {"name": "Saga", "position": "1"}, {"name": "Harker", "position": "3"}
    assert _served("series", saga, harker, title=["Circe (Harker, #3)", "Circe"]) == harker


def test_a_doubtful_value_is_served_where_nothing_better_is() -> None:
    claims = [Claim("open-library", "pages", 999, 1), Claim("isbndb", "publisher", "Baker & Taylor", 2)]
    assert merge("edition", claims).values == {"pages": 999, "publisher": "Baker & Taylor"}
    two = [*claims, Claim("isbndb", "pages", 999, 2), Claim("wikidata", "pages", 393, 3)]
    assert merge("edition", two, hints=of_isbn(ISBN)).values["pages"] == 999
