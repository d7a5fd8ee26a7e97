"""Book lists of AI models: their forms, skipped entries, refusals, and that any other text is a SourceError."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.generation.reply_parser import read_book_list
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, ParsedReply

JUNE = GenerationRequest(Month(2020, 6), limit=20, prompt_variant="baseline")
GOOD = {"title": "The Vanishing Half", "author": "Brit Bennett"}
THREE = [
    GOOD,
    {"title": "Mexican Gothic", "author": "Silvia Moreno-Garcia"},
    {"title": "Luster", "author": "Raven Leilani"},
]
NAMES = [book["title"] for book in THREE]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["title", "author", "books"]), inner),
    max_leaves=12,
)


def read(text: str, request: GenerationRequest = JUNE) -> ParsedReply:
    return read_book_list(text, "gemini", request)


def titles(text: str) -> list[str]:
    return [listing.title for listing in read(text).listings]


def reasons(text: str) -> list[tuple[int, str]]:
    return [(row.position, row.reason) for row in read(text).skipped]


ARRAY = json.dumps(THREE)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"books": THREE}),
        json.dumps({"Books": THREE, "note": "all of them"}),
        ARRAY,
        json.dumps([{"books": THREE}]),
        json.dumps({"notable_books": THREE, "sources": []}),
        f"```json\n{ARRAY}\n```",
        f"```\n{json.dumps({'books': THREE}, indent=2)}",
        f"Here are [as asked] the books:\n{ARRAY}\nThat is all {{really}}.",
        "\ufeff" + ARRAY,
        "\n".join(map(json.dumps, THREE)),
        ARRAY[:-1] + ",]",
        '{"books": ' + ARRAY + ', "note": oops}',
        json.dumps({"books": THREE, "error": "there may be more"}),
    ],
)
def test_every_form_of_the_list_is_read(text: str) -> None:
    assert titles(text) == NAMES


def test_a_listing_has_a_position_and_no_isbn() -> None:
    reply = read(json.dumps([{**GOOD, "isbn": "9780525536291", "isbn13": 9780525536291}, 5, THREE[1]]))
    assert [(x.provider, x.position, x.isbns) for x in reply.listings] == [("gemini", 1, ()), ("gemini", 3, ())]
    assert [(x.source, x.position, x.month) for x in reply.skipped] == [("gemini 2020-06", 2, Month(2020, 6))]


def test_complete_books_before_a_truncation_are_used() -> None:
    for cut in range(len(ARRAY)):
        _assert_complete_books_are_used(ARRAY[:cut])


def _assert_complete_books_are_used(text: str) -> None:
    complete = [name for name, book in zip(NAMES, THREE, strict=True) if json.dumps(book) in text]
    if not complete:
        with pytest.raises(SourceError):
            read(text)
        return
    assert titles(text) == complete
    begun = text.rstrip(", ").endswith("}") or text == ARRAY
    assert reasons(text) == ([] if begun else [(len(complete) + 1, "the reply is cut off within this book")])


def test_a_broken_book_does_not_affect_other_books() -> None:
    text = f'{{"books": [{json.dumps(GOOD)}, {{"title": "A "bad" one", "author": "X"}}, {json.dumps(THREE[2])}]}}'
    assert titles(text) == [NAMES[0], NAMES[2]]
    assert reasons(text) == [(2, "this book is not valid JSON")]


@pytest.mark.parametrize(
    ("book", "reason"),
    [
        ({"author": "Nobody"}, "the title is missing"),
        ({"title": "  ", "author": "Nobody"}, "the title is missing"),
        ({"title": "N/A", "author": "Nobody"}, "the title is missing"),
        ({"title": None}, "the title is missing"),
        ({"title": True}, "the title is missing"),
        ({"title": "?!"}, "the title has no letter or digit"),
        ({"title": "x" * 501}, "the title has 501 characters"),
        ({"title": "x", "author": "y" * 301}, "the author has 301 characters"),
        ("The Vanishing Half by Brit Bennett", "the entry is not an object"),
        (["The Vanishing Half"], "the entry is not an object"),
        (None, "the entry is not an object"),
    ],
)
def test_a_bad_book_is_skipped_with_its_reason(book: Any, reason: str) -> None:
    reply = read(json.dumps({"books": [book, GOOD]}))
    assert [x.title for x in reply.listings] == [GOOD["title"]]
    assert reply.skipped[0].reason.startswith(reason)
    assert reply.skipped[0].excerpt


@pytest.mark.parametrize(
    ("book", "expected"),
    [
        ({"title": 1984, "author": "George Orwell"}, ("1984", "George Orwell")),
        ({"Title": "Emma", "Authors": ["Jane Austen", {"name": "B. Second"}]}, ("Emma", "Jane Austen and B. Second")),
        ({"title": "Emma", "author": {"name": "Jane Austen"}}, ("Emma", "Jane Austen")),
        ({"title": "Emma", "author": "Unknown"}, ("Emma", "")),
        ({"title": "Unknown", "author": None}, ("Unknown", "")),
        ({"title": " Love &amp;\tWar\u0000 ", "author": "A\ud800B"}, ("Love & War", "A B")),
    ],
)
def test_text_is_cleaned(book: dict[str, Any], expected: tuple[str, str]) -> None:
    listing = read(json.dumps({"books": [book]})).listings[0]
    assert (listing.title, listing.author) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"error": "I cannot list them"}', "the model refuses: I cannot list them"),
        ('```json\n{"error": {"message": "no"}}\n```', "the model refuses: no"),
        ('{"refusal": "no", "books": []}', "the model refuses: no"),
        ('{"books": []}', "the reply lists no books"),
        ("```[]```", "the reply lists no books"),
        ("  ", "the reply is empty"),
        ("I am sorry {but} no.", "the reply is not a list of books"),
        ('{"books": [{"title": "The Van', "cut off before its first book ends"),
        ('{"books": null}', "the reply is not a list of books"),
        ('"a string"', "the reply is not a list of books"),
        ("null", "the reply is not a list of books"),
        ("1" * 5000, "the reply is not a list of books"),
        ("[" * 100_000, "the reply is not a list of books|cut off"),
        ('[{"title": ""}, {"author": "x"}, 3]', r"none of the 3 listed books can be used: the title is missing \(2\)"),
    ],
)
def test_text_without_a_book_is_an_error_with_a_reason(text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(text)


@pytest.mark.parametrize(("count", "used"), [(40, 40), (41, 41), (50, 50), (51, 50), (120, 50)])
def test_a_list_of_more_than_twice_the_limit_is_used_up_to_fifty(count: int, used: int) -> None:
    reply = read(json.dumps([{"title": f"Book {number}", "author": "A"} for number in range(count)]))
    assert (len(reply.listings), len(reply.skipped)) == (used, count - used)
    assert [row.position for row in reply.skipped] == list(range(used + 1, count + 1))


def test_entries_after_the_maximum_are_skipped_as_one_row() -> None:
    reply = read(json.dumps([GOOD, *[1] * 200_000]))
    assert len(reply.listings) == 1
    assert len(reply.skipped) == 1000
    assert "199,001 more entries" in reply.skipped[-1].reason


@given(st.text() | json_values.map(json.dumps))
def test_any_text_is_a_list_or_a_source_error(text: str) -> None:
    with suppress(SourceError):
        assert read(text).listings


@given(before=st.lists(json_values, max_size=5), after=st.lists(json_values, max_size=5))
def test_a_usable_book_among_unusable_ones_is_read(before: list[Any], after: list[Any]) -> None:
    good = {"title": "Zzyzx Road", "author": "Only Me"}
    reply = read(json.dumps({"books": [*before, good, *after]}))
    assert ("Zzyzx Road", "Only Me") in [(x.title, x.author) for x in reply.listings]
    assert len(reply.listings) + len(reply.skipped) == len(before) + len(after) + 1


@given(before=st.lists(json_values, max_size=3), after=st.lists(json_values, max_size=3), cut=st.integers(0, 40))
def test_a_usable_book_before_damaged_text_is_read(before: list[Any], after: list[Any], cut: int) -> None:
    head = json.dumps({"books": [*before, {"title": "Zzyzx Road", "author": "Only Me"}]})[:-2]
    tail = "".join(f", {json.dumps(each)}" for each in after)
    assert "Zzyzx Road" in titles(head + tail[: max(0, len(tail) - cut)])
