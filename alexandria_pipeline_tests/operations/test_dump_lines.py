"""Lines of a dump as rows: unusual types and characters give the same rows as the usual ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.isbn import Isbn13, is_placeholder
from alexandria_pipeline.operations.dump_import import fields
from alexandria_pipeline.operations.dump_import.author_names import AuthorNames, write_names
from alexandria_pipeline.operations.dump_import.fields import ITEM, PART
from alexandria_pipeline.operations.dump_import.lines import ParsedBlock, parse_block
from alexandria_pipeline.operations.dump_import.options import EVERYTHING
from alexandria_pipeline_tests import dumps

RECORDS = [dumps.edition(number, seed=3) for number in range(1, 200)]


def parsed(kind: str, key: str, *records: dict[str, Any]) -> ParsedBlock:
    return parse_block("dump", b"".join(dumps.line(kind, key, 1, each) for each in records), 1, EVERYTHING)


def edition_row(**values: Any) -> list[str]:
    """The row of an edition, without authors and so in the new table."""
    block = parsed("edition", "/books/OL1M", {"title": "The Glass Orchard", "isbn_13": ["9781402894626"], **values})
    return fields.copy_text(block.rows["new"]).removesuffix("\n").split("\t")


@pytest.mark.parametrize(
    "unusual",
    [
        lambda record: {"title": {"type": "/type/text", "value": record["title"]}},
        lambda record: {"authors": [record["authors"][0]["key"]]},
        lambda record: {"languages": record["languages"][0]},
        lambda record: {"publishers": record["publishers"][0]},
        lambda _: {"notes": "a backslash, so that the texts are cleaned and escaped: \\"},
        lambda _: {"series": None},
    ],
)
def test_a_field_of_an_unusual_type_is_read_alike(unusual: Any) -> None:
    rows = parsed("edition", "/books/OL1M", *RECORDS).rows["edition"]
    assert parsed("edition", "/books/OL1M", *(each | unusual(each) for each in RECORDS)).rows["edition"] == rows


def test_texts_are_in_single_spaces_and_escaped() -> None:
    row = edition_row(
        title=" Glass\t \nOrchard\\ ", subtitle="a\x1e b", publishers=["Quill  Press"], subjects=["x", "y\\"]
    )
    assert row[12:17] == ["Glass Orchard\\\\", "a b", "Quill Press", "", "x\\ny\\\\"]


def test_an_isbn_10_of_the_same_book_gives_no_second_row() -> None:
    both = parsed("edition", "/books/OL1M", {"title": "T", "isbn_13": ["9780306406157"], "isbn_10": ["0306406152"]})
    ten = parsed("edition", "/books/OL1M", {"title": "T", "isbn_10": ["0-306-40615-2", "0306406152"]})
    assert [row.split("\t")[0] for row in both.rows["new"] + ten.rows["new"]] == ["9780306406157"] * 2


def test_wrong_and_placeholder_isbns_are_left_out() -> None:
    block = parsed(
        "edition",
        "/books/OL1M",
        {"title": "T", "isbn_13": ["9780306406158", "9780000000002"], "isbn_10": ["1111111111"]},
    )
    assert block.rows["new"] == block.rows["edition"] == []
    assert block.counts["editions without an ISBN"] == 1


def test_a_work_with_unusual_types_is_read_alike() -> None:
    usual = {
        "title": "W",
        "authors": [{"author": {"key": "/authors/OL7A"}}],
        "subjects": ["S"],
        "first_publish_date": "1971",
    }
    odd = {"title": {"value": "W"}, "authors": ["/authors/OL7A"], "subjects": "S", "first_publish_date": 1971}
    rows = parsed("work", "/works/OL5W", usual, odd).rows["work"]
    assert rows == ["5\t1\tW\t{7}\t1971\tS"] * 2


def test_json_that_is_no_object_is_rejected() -> None:
    block = parse_block("dump", b"/type/edition\t/books/OL1M\t1\tx\t" + orjson.dumps([1]) + b"\n", 1, EVERYTHING)
    assert [each.reason for each in block.rejected] == ["the JSON is no object"]


def test_the_names_of_authors_are_found_by_number(tmp_path: Path) -> None:
    with (tmp_path / "names").open("w+b") as file:
        write_names(file, [b"7\t-12\tMira Okonedo\n", b"3\t5\tJos\xc3\xa9 \\\\ \\b\n"])
        names = AuthorNames(file.fileno())
    assert names.of(["7"]) == (-12, f"Mira Okonedo{PART}{PART}7")
    assert names.of(["3", "7"]) == (5, f"José \\ \b{PART}{PART}3{ITEM}Mira Okonedo{PART}{PART}7")
    assert names.of([]) == (0, "")
    assert [names.of(["7", unknown]) for unknown in ("1", "8", "99999999")] == [None] * 3
    assert AuthorNames().of(["7"]) is None


DATES = st.one_of(
    st.builds(
        "{}{} {}{}".format,
        st.sampled_from(["", "5 ", "05 ", "31 "]),
        st.sampled_from("Jan January Febr May Mayo Sept Dez December jun Marvel".split()),
        st.sampled_from(["", "1, ", "07, ", "29, ", "5th, ", "5 "]),
        st.sampled_from(["1900", "1970", "1988", "0150", "2199", "2200", "19880"]),
    ),
    st.integers(0, 99999).map(str),
    st.text("0123456789-/., c[]?", max_size=10),
)


@given(DATES)
def test_the_usual_dates_are_read_as_by_all_rules(written: str) -> None:
    assert fields.date_number(written) == fields.any_date_number(written)


@given(st.integers(0, 10**9 - 1), st.sampled_from(["978", "979", ""]), st.sampled_from("0123456789X"), st.booleans())
def test_the_usual_isbns_are_read_as_by_all_rules(body: int, start: str, check: str, right: bool) -> None:
    written = f"{start}{body:09}{check}"
    if right:
        written = dumps.isbn13(body) if start else dumps.isbn10(dumps.isbn13(body))
    expected = Isbn13.find(written) or ""
    assert fields.isbns([written], []) == ([] if not expected or is_placeholder(expected) else [expected])
