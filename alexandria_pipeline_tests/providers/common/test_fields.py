"""Wire fields in all the forms seen, and in forms nobody has seen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.records import ContributorRole, EditionFormat, PartialDate
from alexandria_pipeline.providers.common import fields
from alexandria_pipeline.providers.common.contributors import contributors
from alexandria_pipeline.providers.common.search_terms import path_segment, surname, title_words
from alexandria_pipeline_tests.providers.service import JSON


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("eng", "en"), ("en", "en"), ("en_US", "en"), ("en-GB", "en"), ("English", "en"), (" english ", "en"),
        ("English (US)", "en"), ("/languages/ger", "de"), ({"key": "/languages/fre"}, "fr"), (["eng"], "en"),
        ([{"key": "/languages/spa"}], "es"), ("Spanish; Castilian", "es"), ("Brazilian Portuguese", "pt"), ("zh-Hans", "zh"),
        ("中文", "zh"), (["eng", "fre"], None), ("English, Spanish", None), ("und", None), ("mul", None), ("", None),
        (None, None), (7, None), (["eng", None], "en"),
    ],
)  # fmt: skip
def test_languages(value: Any, code: str | None) -> None:
    assert fields.language(value) == code


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (1992, "1992"), ("1992", "1992"), (1992.0, "1992"), ("1992-06", "1992-06"), ("1992-06-05", "1992-06-05"),
        ("1992-06-05T00:00:00+02:00", "1992-06-05"), ("2013-08-20 00:00:00", "2013-08-20"), ("19920605", "1992-06-05"),
        ("+1965-08-01T00:00:00Z", "1965-08-01"), ("Jul 24, 2019", "2019-07-24"), ("July 2019", "2019-07"),
        ("24 July 2019", "2019-07-24"), ("September 2, 2002", "2002-09-02"), ("2001 May 3", "2001-05-03"),
        ("c1995", "1995"), ("[1995]", "1995"), ("1995?", "1995"), ("1998, c1995", "1998"), ("Spring 2001", "2001"),
        ("06/2015", "2015-06"), ("6/1/2015", "2015"), ("13/1/2015", "2015-01-13"), ("1/13/2015", "2015-01-13"),
        ("2015-00-00", "2015"), ("2015-02-30", "2015-02"), ("0354-11-13", "0354-11-13"), ("1940's", None), ("199?", None),
        ("19--", None), ("0000-00-00", None), ("0101-01-01", None), ("1900-01-01", None), ("9999", None),
        (1420070400, None), ("-0044-03-15", None), ("", None), (True, None), ([1992], None), (float("inf"), None),
    ],
)  # fmt: skip
def test_dates(value: Any, date: str | None) -> None:
    found = fields.partial_date(value)
    assert (str(found) if found else None) == date


@given(st.dates())
def test_any_day_is_read_as_written(day: Any) -> None:
    found = fields.partial_date(day.isoformat())
    assert found in {PartialDate(day.year, day.month, day.day), None}
    assert found is not None or not 200 <= day.year <= 2199 or (day.month, day.day) == (1, 1)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Hardcover", EditionFormat.HARDCOVER), ("School & Library Binding", EditionFormat.HARDCOVER),
        ("Mass Market Paperback", EditionFormat.PAPERBACK), ("Trade Paperback", EditionFormat.PAPERBACK),
        ("Kindle Edition", EditionFormat.EBOOK), ("[electronic resource] /", EditionFormat.EBOOK),
        ("Audio Cassette", EditionFormat.AUDIO), ("MP3 CD", EditionFormat.AUDIO), ("Paperback with audio CD", EditionFormat.AUDIO),
        ("CD-ROM", EditionFormat.OTHER), ("Board book", EditionFormat.OTHER), ("Unknown Binding", EditionFormat.UNKNOWN),
        (["", "Hardcover"], EditionFormat.HARDCOVER), (None, EditionFormat.UNKNOWN), ({}, EditionFormat.UNKNOWN),
    ],
)  # fmt: skip
def test_formats(words: Any, kind: EditionFormat) -> None:
    assert fields.edition_format(words) is kind


def test_texts_are_one_clean_line_each() -> None:
    assert fields.text("  Tom &amp;#39;s\x00\n Cabin \ud800") == "Tom 's Cabin"
    assert fields.text(1984) == "1984"
    fillers: tuple[Any, ...] = ("~autofilled~", "", "null", None, True, 1.5, [])
    assert [fields.text(filler) for filler in fillers] == [None] * 7
    assert fields.texts(["a", None, "a", "~autofilled~", " b"]) == ("a", "b")
    assert fields.texts("a") == ("a",)
    assert fields.texts(10**5000) == ()


def test_prose_loses_its_mark_up_and_keeps_its_paragraphs() -> None:
    assert fields.plain_text("<p>A &lt;i&gt;b&lt;/i&gt; &amp; c</p><br>1 < 2<!-- x -->") == "A b & c\n1 < 2"
    assert fields.plain_text({"value": "x"}) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [(397, 397), (397.0, 397), ("397", 397), ("397 p.", 397), ("397 pages", 397), (0, 0), (-1, None), (1.5, None),
     ("xii, 397 p.", None), (2**31, None), ("9" * 5000, None), (True, None), (float("nan"), None), (None, None)],
)  # fmt: skip
def test_numbers(value: Any, number: int | None) -> None:
    assert fields.whole_number(value) == number


@given(JSON)
def test_no_value_makes_a_reader_raise(value: Any) -> None:
    for read in (
        fields.text, fields.texts, fields.plain_text, fields.whole_number, fields.decimal_number, fields.language,
        fields.partial_date, fields.edition_format, fields.isbns, fields.web_address, contributors,
    ):  # fmt: skip
        read(value)
    contributors(value, halves=True)


@given(st.text())
def test_what_is_read_can_be_stored(value: str) -> None:
    for line in (fields.text(value), fields.plain_text(value)):
        assert line is None or "\x00" not in line
        assert line is None or line.encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Doe, Jane (Illustrator)", [("Doe, Jane", "illustrator")]),
        ("Doe, Jane, ed.", [("Doe, Jane", "editor")]),
        ("Smith, Ed", [("Smith, Ed", "unknown")]),
        ("translated by Jane Doe", [("Jane Doe", "translator")]),
        ("Tolkien, J. R. R. (John Ronald Reuel)", [("Tolkien, J. R. R. (John Ronald Reuel)", "unknown")]),
        ("King, Stephen; Straub, Peter", [("King, Stephen", "unknown"), ("Straub, Peter", "unknown")]),
        (
            "Brad Meltzer (Author), Chris Eliopoulos (Artist)",
            [("Brad Meltzer", "author"), ("Chris Eliopoulos", "illustrator")],
        ),
        ("Hal Duncan and Wendy Okonkwo (Introduction)", [("Hal Duncan", "unknown"), ("Wendy Okonkwo", "other")]),
        (
            "Richard Pevear & Larissa Volokhonsky (Translators)",
            [("Richard Pevear", "translator"), ("Larissa Volokhonsky", "translator")],
        ),
        ("Jan and Stan Berenstain (Author)", [("Jan and Stan Berenstain", "author")]),
        (["~autofilled~", "Unknown", "", None, "1941-"], []),
    ],
)
def test_roles_are_taken_off_names(value: Any, expected: list[tuple[str, str]]) -> None:
    assert [(person.name, person.role.value) for person in contributors(value)] == expected


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        (["Herbert", "Frank"], ["Herbert, Frank"]),
        (["Le Guin", "Ursula K."], ["Le Guin, Ursula K."]),
        (["King,", "Stephen", "Straub,", "Peter"], ["King, Stephen", "Straub, Peter"]),
        (["Alex Haley", "Malcolm X"], ["Alex Haley", "Malcolm X"]),
        (["Stephen King", "Peter Straub"], ["Stephen King", "Peter Straub"]),
        (["Voltaire"], ["Voltaire"]),
    ],
)
def test_names_cut_in_two_entries_are_one_person(entries: list[str], names: list[str]) -> None:
    assert [person.name for person in contributors(entries, halves=True)] == names
    assert all(person.role is ContributorRole.UNKNOWN for person in contributors(entries, halves=True))


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("The Martian (Series, #3)", "Martian"), ("Educated: A Memoir", "Educated"), ("Catch-22", "Catch 22"),
        ("Mistborn: The Final Empire", "Mistborn The Final Empire"), ("Les Misérables", "Misérables"), ("罪と罰", "罪と罰"),
        ("Harry Potter and the Sorcerer's Stone (Harry Potter, #1)", "Harry Potter and the Sorcerer's Stone"),
        ("Fathers & Sons: A Novel", "Fathers and Sons"), ("???", "???"), ("", ""),
    ],
)  # fmt: skip
def test_search_words_are_those_of_the_main_title(title: str, words: str) -> None:
    assert title_words(title) == words


def test_the_surname_is_what_every_catalogue_has() -> None:
    assert surname("Gabriel García Márquez") == "Márquez"
    assert surname("Tolkien, J. R. R.") == "Tolkien"
    assert surname("") == surname("Unknown") == ""


@given(st.text(min_size=1))
def test_no_text_leaves_its_path_segment(text: str) -> None:
    segment = path_segment(text)
    assert not set(segment) & set("/?# \\")
    assert segment not in {".", ".."}
    assert segment.isascii()
