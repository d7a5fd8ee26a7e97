"""Lines of a dump as rows: unusual types and characters give the same rows as the usual ones."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from alexandria_pipeline.operations.dump_import.lines import ParsedBlock, parse_block
from alexandria_pipeline.operations.dump_import.options import EVERYTHING
from alexandria_pipeline_tests import dumps

RECORDS = [dumps.edition(number, seed=3) for number in range(1, 200)]


def parsed(kind: str, key: str, *records: dict[str, Any]) -> ParsedBlock:
    return parse_block("dump", b"".join(dumps.line(kind, key, 1, each) for each in records), 1, EVERYTHING)


def edition_row(**fields: Any) -> list[str]:
    block = parsed("edition", "/books/OL1M", {"title": "The Glass Orchard", "isbn_13": ["9781402894626"], **fields})
    return block.rows["edition"][0].split("\t")


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
    assert row[14:19] == ["Glass Orchard\\\\", "a b", "", "Quill Press", ""]
    assert row[19] == "x\\ny\\\\"


def test_an_isbn_10_of_the_same_book_gives_no_second_row() -> None:
    both = parsed("edition", "/books/OL1M", {"title": "T", "isbn_13": ["9780306406157"], "isbn_10": ["0306406152"]})
    ten = parsed("edition", "/books/OL1M", {"title": "T", "isbn_10": ["0-306-40615-2", "0306406152"]})
    assert [row.split("\t")[2] for row in both.rows["edition"] + ten.rows["edition"]] == ["9780306406157"] * 2


def test_wrong_and_placeholder_isbns_are_left_out() -> None:
    block = parsed(
        "edition",
        "/books/OL1M",
        {"title": "T", "isbn_13": ["9780306406158", "9780000000002"], "isbn_10": ["1111111111"]},
    )
    assert block.rows["edition"] == []
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
