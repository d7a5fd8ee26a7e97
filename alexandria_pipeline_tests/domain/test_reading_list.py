"""The lists that people have: CSV of spreadsheets, exports of Goodreads and StoryGraph, JSON, with columns in any order."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.dates_in_lists import DateOrder, month_of
from alexandria_pipeline.domain.errors import ListFormatError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.reading_list import read_list

GOODREADS = (
    "Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,Publisher,Year Published,Date Read,Date Added,"
    'Bookshelves,My Review\r\n1,"Night Harbour (Harbour Cycle, #2)",Mara Ellison,"Ellison, Mara",Tomas Reyl,"=""1998400069""",'
    '"=""9781998400065""",4,Harbour,2020,2020/06/14,2020/05/01,,"Good.\r\nVery ""good""."\r\n'
    '2,Salt and Signal,Ines Okonjo,"Okonjo, Ines",,"=""""","=""""",0,,2019,,2020/07/02,to-read,\r\n'
)
STORYGRAPH = (
    "Title,Authors,Contributors,ISBN/UID,Format,Read Status,Date Added,Last Date Read,Dates Read,Read Count\n"
    'Night Harbour,"Mara Ellison, Tomas Reyl",,9781998400065,paperback,read,2020/05/01,2020/06/14,2020/06/01-2020/06/14,1\n'
    "Salt and Signal,Ines Okonjo,,,digital,to-read,2020/07/02,,,0\n"
)
SPREADSHEET = "Autor;ISBN;Titel;Datum\r\nMara Ellison;978-1-9984-0006-5;Nächtlicher Hafen;14.06.2020\r\n;;;\r\nInés Okonjo;;Señal;02.07.2020\r\n"
JSON_LIST = (
    '[{"authors": [{"name": "Mara Ellison"}, "Tomas Reyl"], "title": "Night Harbour", "isbn13": "9781998400065",'
    ' "publication_date": "2020-06-14"}, {"title": 1984, "author": "George Orwell", "month": "2020-06"}, 7]'
)
OWN = "title\tmonth\tauthor\nNight Harbour\t2020-06\tMara Ellison\n"


def rows(data: bytes) -> list[tuple[int, str, str, str, str]]:
    table = read_list("list", data)
    return [(line, row["month"], row["title"], row["author"], row.get("isbn13", "")) for line, row in table.rows]


def test_an_export_of_goodreads() -> None:
    assert rows(GOODREADS.encode()) == [
        (2, "2020-06", "Night Harbour (Harbour Cycle, #2)", "Mara Ellison", "9781998400065,1998400069"),
        (4, "2020-07", "Salt and Signal", "Ines Okonjo", ","),
    ]


def test_an_export_of_storygraph() -> None:
    assert rows(STORYGRAPH.encode("utf-8-sig")) == [
        (2, "2020-06", "Night Harbour", "Mara Ellison and Tomas Reyl", "9781998400065"),
        (3, "2020-07", "Salt and Signal", "Ines Okonjo", ""),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_spreadsheet_with_semicolons_in_every_encoding(encoding: str) -> None:
    assert rows(SPREADSHEET.encode(encoding)) == [
        (2, "2020-06", "Nächtlicher Hafen", "Mara Ellison", "978-1-9984-0006-5"),
        (4, "2020-07", "Señal", "Inés Okonjo", ""),
    ]


def test_a_json_list() -> None:
    table = read_list("list", JSON_LIST.encode())
    assert rows(JSON_LIST.encode()) == [
        (1, "2020-06", "Night Harbour", "Mara Ellison and Tomas Reyl", "9781998400065"),
        (2, "2020-06", "1984", "George Orwell", ""),
    ]
    assert [(row.position, row.reason) for row in table.skipped] == [
        (3, "the entry is not an object with a title and an author")
    ]
    assert rows(('{"books": ' + JSON_LIST + "}").encode()) == rows(JSON_LIST.encode())


def test_our_own_form_and_tabs_with_other_names() -> None:
    assert rows(OWN.encode()) == [(2, "2020-06", "Night Harbour", "Mara Ellison", "")]
    renamed = OWN.replace("month", "Date Read").replace("title", "Book Title")
    assert rows(renamed.encode()) == [(2, "2020-06", "Night Harbour", "Mara Ellison", "")]


def test_a_line_that_cannot_be_read_is_skipped_alone() -> None:
    text = 'title,author,month\n"Open,A,2020-06\nGood,B,2020-06\nToo,many,2020-06,columns\nLast,C,2020-06\n'
    table = read_list("list", text.encode())
    assert [row["title"] for _, row in table.rows] == ["Good", "Last"]
    assert [(row.position, row.reason.partition(":")[0]) for row in table.skipped] == [
        (2, "a quotation mark is not closed"), (4, "4 columns where the header has 3"),
    ]  # fmt: skip


def test_an_unreadable_date_stays_for_the_refusal() -> None:
    assert rows(b"title,author,date read\nA,B,soon\nC,D,\n") == [(2, "soon", "A", "B", ""), (3, "", "C", "D", "")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"title,isbn\nA,1\n", "no column author and no column date"),
        (b"name,writer\nA,B\n", "no column month"),
        (b"[1, 2", "begins like JSON, but is not"),
        (b'{"a": 1}', "without a list of books"),
        (b"", "is empty"),
    ],
)
def test_a_file_without_the_needed_columns_is_refused_with_what_it_has(data: bytes, words: str) -> None:
    with pytest.raises(ListFormatError, match=words):
        read_list("list.csv", data)


@pytest.mark.parametrize(
    ("value", "month"),
    [
        ("2020-06", "2020-06"), ("2020-06-14T10:00:00Z", "2020-06"), ("2020/6/1", "2020-06"), ("14.06.2020", "2020-06"),
        ("6/14/2020", "2020-06"), ("June 14, 2020", "2020-06"), ("14 Jun 2020", "2020-06"), ("06/2020", "2020-06"),
        ("2020/05/01-2020/06/14", "2020-06"), ("2020", None), ("2020-13-01", None), ("soon", None), ("", None),
    ],
)  # fmt: skip
def test_months_of_dates(value: str, month: str | None) -> None:
    assert month_of(value, DateOrder.MONTH_FIRST) == (Month.parse(month) if month else None)


@pytest.mark.parametrize(
    ("dates", "months"),
    [(["25/12/2020", "03/04/2020"], ["2020-12", "2020-04"]), (["12/25/2020", "03/04/2020"], ["2020-12", "2020-03"])],
)
def test_ambiguous_dates_follow_the_unambiguous_ones_of_the_file(dates: list[str], months: list[str]) -> None:
    text = "title,author,date\n" + "".join(f"T,A,{date}\n" for date in dates)
    assert [month for _, month, *_ in rows(text.encode())] == months


@given(st.binary(max_size=300) | st.text(alphabet='tiauhor,;"\n[]{}0159-', max_size=200).map(str.encode))
def test_any_bytes_are_rows_or_a_format_error(data: bytes) -> None:
    for head in (b"", b"title,author,date\n", b"title;author;date\n"):
        with suppress(ListFormatError):
            read_list("list", head + data)
