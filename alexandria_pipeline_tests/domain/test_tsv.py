"""Tab-separated files that people write: every line is a row, is skipped with a reason, or is blank."""

from __future__ import annotations

import hashlib
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alexandria_pipeline.domain.errors import ListFormatError
from alexandria_pipeline.domain.tsv import (
    MAX_AUTHOR_LENGTH,
    MAX_EXCERPT_LENGTH,
    MAX_TITLE_LENGTH,
    clean_text,
    excerpt,
    listing_problem,
    read_table,
)

if TYPE_CHECKING:
    from alexandria_pipeline.domain.records import TsvFile

REQUIRED = ("month", "title", "author")
HEADER = b"month\ttitle\tauthor\n"
GOOD = "2020-06\tA BURNING\tMegha Majumdar"


def read(*lines: str | bytes, header: bytes = HEADER) -> TsvFile:
    encoded = [line.encode() if isinstance(line, str) else line for line in lines]
    return read_table("list.tsv", header + b"\n".join(encoded) + b"\n", REQUIRED)


def titles(table: TsvFile) -> list[str]:
    return [row["title"] for _, row in table.rows]


def the_reason(table: TsvFile) -> str:
    (skipped,) = table.skipped
    return skipped.reason


class TestUsableFiles:
    def test_rows_have_line_numbers_and_stripped_values(self) -> None:
        table = read(GOOD, "", " 2020-07 \t DEVOLUTION \tMax Brooks  ")
        assert table.rows == (
            (2, {"month": "2020-06", "title": "A BURNING", "author": "Megha Majumdar"}),
            (4, {"month": "2020-07", "title": "DEVOLUTION", "author": "Max Brooks"}),
        )
        assert table.skipped == ()
        assert table.name == "list.tsv"

    def test_the_digest_is_that_of_the_bytes(self) -> None:
        data = HEADER + GOOD.encode()
        assert read_table("list.tsv", data, REQUIRED).digest == hashlib.sha256(data).hexdigest()

    @pytest.mark.parametrize(
        "data",
        [
            HEADER + GOOD.encode(),
            b"\xef\xbb\xbf" + HEADER + GOOD.encode() + b"\n",
            (HEADER.decode() + GOOD).replace("\n", "\r\n").encode() + b"\r\n",
            HEADER + GOOD.encode() + b"\r\n",
            (HEADER.decode() + GOOD).replace("\n", "\r").encode() + b"\r",
            b'"month"\t Title \tAUTHOR\t\t\n' + GOOD.encode() + b"\t\t\t",
            b"\n\n" + HEADER + b"\n   \t \n" + GOOD.encode(),
        ],
        ids=["plain", "byte order mark", "CRLF", "mixed ends", "old Mac", "header in another case", "blank lines"],
    )
    def test_encoding_and_line_ends_do_not_matter(self, data: bytes) -> None:
        table = read_table("list.tsv", data, REQUIRED)
        assert [row for _, row in table.rows] == [
            {"month": "2020-06", "title": "A BURNING", "author": "Megha Majumdar"}
        ]
        assert table.skipped == ()

    def test_extra_columns_are_read_in_any_order(self) -> None:
        table = read("9780525658696\tMegha Majumdar\tA BURNING\t2020-06", header=b"ISBN13\tauthor\ttitle\tmonth\n")
        assert table.rows[0][1]["isbn13"] == "9780525658696"

    def test_optional_columns_at_the_end_may_be_missing(self) -> None:
        table = read(GOOD, header=b"month\ttitle\tauthor\tisbn13\tsource\n")
        assert table.rows[0][1] == {
            "month": "2020-06", "title": "A BURNING", "author": "Megha Majumdar", "isbn13": "", "source": "",
        }  # fmt: skip

    def test_a_header_alone_is_a_list_without_rows(self) -> None:
        assert read().rows == ()


class TestUnusableFiles:
    @pytest.mark.parametrize("data", [b"", b"\n\r\n \t \n", b"\xef\xbb\xbf"])
    def test_empty(self, data: bytes) -> None:
        with pytest.raises(ListFormatError, match=r"list\.tsv is empty: its first line must name the columns month"):
            read_table("list.tsv", data, REQUIRED)

    def test_an_error_names_the_missing_and_the_existing_columns(self) -> None:
        with pytest.raises(ListFormatError) as caught:
            read_table("list.tsv", b"month;title;author\n2020-06;A;B\n", REQUIRED)
        message = str(caught.value)
        for part in ("list.tsv", "no column month and no column title and no column author", "month;title;author"):
            assert part in message
        assert "a tab between them" in message

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
    def test_utf_16(self, encoding: str) -> None:
        with pytest.raises(ListFormatError, match="save it as UTF-8"):
            read_table("list.tsv", (HEADER.decode() + GOOD).encode(encoding), REQUIRED)

    def test_a_header_in_latin_1(self) -> None:
        with pytest.raises(ListFormatError, match="save the list as UTF-8"):
            read_table("list.tsv", "month\ttitle\tauthor\tpréface\n".encode("latin-1"), REQUIRED)

    def test_repeated_columns(self) -> None:
        with pytest.raises(ListFormatError, match="several columns with the same name: title"):
            read_table("list.tsv", b"month\ttitle\tauthor\tTitle\n", REQUIRED)


class TestBadLines:
    def test_a_byte_that_is_not_utf_8(self) -> None:
        table = read("2020-02\tTHE GIRL WITH THE LOUDING VOICE\tAbi Daré".encode("latin-1"), GOOD)
        assert the_reason(table) == "byte 0xE9 at position 48, in column author, is not UTF-8: save the list as UTF-8"
        assert table.skipped[0].position == 2
        assert titles(table) == ["A BURNING"]

    def test_a_nul_byte(self) -> None:
        table = read("2020-06\tA BUR\0NING\tMegha Majumdar", GOOD)
        assert the_reason(table) == "NUL at position 14, in column title: remove it"
        assert titles(table) == ["A BURNING"]

    def test_other_control_characters(self) -> None:
        assert the_reason(read("2020-06\tA\x1bB\tC")).startswith("control character U+001B at position 10")
        assert the_reason(read("2020-06\tA\x92B\tC")).startswith("control character U+0092")
        assert the_reason(read("2020-06\tA\rB\tC")).startswith("control character U+000D")

    def test_a_tab_within_a_title(self) -> None:
        table = read("2020-06\tA\tBURNING\tMegha Majumdar", GOOD)
        assert the_reason(table) == "4 columns where the header has 3: a tab within a field?"
        assert titles(table) == ["A BURNING"]

    def test_too_few_columns(self) -> None:
        assert the_reason(read("2020-06\tA BURNING")) == "2 columns where the header has 3: is a tab missing?"

    def test_a_stray_quote_does_not_affect_the_next_line(self) -> None:
        table = read('2020-06\t"A BURNING\tMegha Majumdar', '2020-07\tDEVOLUTION"\tMax Brooks', GOOD)
        assert titles(table) == ['"A BURNING', 'DEVOLUTION"', "A BURNING"]
        assert table.skipped == ()

    def test_the_excerpt_can_be_printed(self) -> None:
        (skipped,) = read("2020-06\t\x1b[31m" + "x" * 2000 + "\tC").skipped
        assert len(skipped.excerpt) == MAX_EXCERPT_LENGTH
        assert skipped.excerpt.isprintable()
        assert skipped.excerpt.startswith("2020-06 | ")


@pytest.mark.parametrize(
    ("field", "title"),
    [
        ('"A BURNING"', "A BURNING"),
        ('"The ""Burning"" of A"', 'The "Burning" of A'),
        ('"A\tBURNING"', "A\tBURNING"),
        ('"Repent, Harlequin!" Said the Ticktockman', '"Repent, Harlequin!" Said the Ticktockman'),
        ('The "Burning" of A', 'The "Burning" of A'),
        ('"Burning" and "Freezing"', '"Burning" and "Freezing"'),
        ('"', '"'),
        ('""', ""),
        ("L'Étranger", "L'Étranger"),
        ("رجال في الشمس", "رجال في الشمس"),
        ("キッチン", "キッチン"),
        ("82년생 김지영", "82년생 김지영"),
        ("Emoji 📚 Book 👩‍🚀", "Emoji 📚 Book 👩‍🚀"),
    ],
)
def test_titles_in_quotes_and_in_every_script(field: str, title: str) -> None:
    table = read(f"2020-06\t{field}\tNobody", GOOD)
    assert titles(table) == [title, "A BURNING"]


def test_ambiguous_quotes_are_read_with_the_number_of_columns() -> None:
    assert titles(read('2020-06\t"A BURNING\tMegha Majumdar"')) == ['"A BURNING']


class TestListingProblem:
    @pytest.mark.parametrize("title", ["1984", "رجال في الشمس", "キッチン", "Q", "é", "x" * MAX_TITLE_LENGTH])
    def test_a_title_needs_no_author(self, title: str) -> None:
        assert listing_problem(title, "") is None

    def test_problems(self) -> None:
        assert listing_problem("", "Anyone") == "the title is missing"
        assert listing_problem("x" * 2000, "") == "the title has 2,000 characters; the maximum is 500"
        assert (listing_problem("A", "x" * (MAX_AUTHOR_LENGTH + 1)) or "").startswith("the author has 301 characters")
        assert listing_problem("?! 📚", "Anyone") == "the title has no letter or digit"


def repr_short(value: str) -> str:
    return ascii(value[:20])


class TestCleanText:
    @pytest.mark.parametrize(
        ("value", "cleaned"),
        [
            ("Czerwi&#324;ski", "Czerwiński"),
            ("Czerwi&amp;#324;ski", "Czerwiński"),
            ("&" + "amp;" * 50_000, "&"),
            ("Crime &amp; Punishment", "Crime & Punishment"),
            ("R&notes and AT&T", "R&notes and AT&T"),
            ("  two\u00a0 words\u2028here ", "two words here"),
            ("E\u0301tranger", "Étranger"),
            ("\u202eTHE\u202c \u200bEND\ufeff\u00ad", "THE END"),
            ("\u2067رجال\u2069", "رجال"),
            ("می\u200cخواهم", "می\u200cخواهم"),
            ("क्\u200dष", "क्\u200dष"),
            ("👩\u200d🚀", "👩\u200d🚀"),
            ("Th\u200de\u200c E\u200d\u200dnd", "The End"),
            ("A&#0;B&#10;C", "A\N{REPLACEMENT CHARACTER}B C"),
            ("", ""),
        ],
        ids=repr_short,
    )
    def test_examples(self, value: str, cleaned: str) -> None:
        assert clean_text(value) == cleaned

    @given(st.text())
    @example("&amp;amp;lt;")
    @example("&#3\u200b24;")
    def test_cleaning_is_idempotent_and_leaves_nothing_invisible(self, value: str) -> None:
        cleaned = clean_text(value)
        assert clean_text(cleaned) == cleaned
        assert unicodedata.is_normalized("NFC", cleaned)
        assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in cleaned)
        assert not {"\u202e", "\u2066", "\u200b", "\ufeff"} & set(cleaned)


@given(st.text())
def test_excerpts_are_short_and_printable(text: str) -> None:
    assert len(excerpt(text)) <= MAX_EXCERPT_LENGTH
    assert excerpt(text).isprintable()


@given(st.binary())
@example(b"\xef\xbb\xbf\xc2\xa0\n")
@example(b"month\ttitle\tauthor\t\x00")
def test_arbitrary_bytes_are_a_table_or_an_error(data: bytes) -> None:
    with suppress(ListFormatError):
        read_table("list.tsv", data, REQUIRED)


LINES = st.lists(st.binary().map(lambda line: line.replace(b"\n", b"\t")) | st.just(GOOD.encode()))


@given(LINES)
def test_every_line_is_a_row_or_skipped_or_blank(lines: list[bytes]) -> None:
    table = read(*lines)
    rows, skipped = {number for number, _ in table.rows}, {row.position for row in table.skipped}
    assert not rows & skipped
    for number, line in enumerate(lines, start=2):
        if number not in rows | skipped:
            assert not line.decode().strip()


@given(LINES, st.integers(0, 20))
def test_a_valid_line_is_read_next_to_any_other(lines: list[bytes], at: int) -> None:
    at = min(at, len(lines))
    table = read(*lines[:at], GOOD, *lines[at:])
    assert (at + 2, dict(zip(REQUIRED, GOOD.split("\t"), strict=True))) in table.rows


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(str.strip).filter(lambda field: '"' not in field),
        min_size=3,
        max_size=3,
    ).filter(any)
)
def test_written_fields_are_read_unchanged(fields: list[str]) -> None:
    (row,) = read("\t".join(fields)).rows
    assert list(row[1].values()) == fields
