"""Titles with mark-up of five kinds, shown to people: none of it works."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from alexandria_pipeline.cli.output import new_table
from alexandria_pipeline.domain.text.display import for_chat, for_page, for_terminal
from alexandria_pipeline.monitoring import page as status_page
from alexandria_pipeline.monitoring.pages import rendering as library_pages

ESCAPE = "\x1b[31mred\x1b]8;;https://evil.example\x07link"
HOSTILE = [
    "[/]",
    "[bold]x[/bold] [/",
    ESCAPE,
    "abc\u202egpj.exe",
    "\x9b31m",
    "line\u2028line",
    "[link=https://evil.example]x[/link]",
]


@pytest.mark.parametrize("title", HOSTILE)
def test_a_table_shows_a_title_as_it_is_without_control_characters(title: str) -> None:
    table = new_table("", "title")
    table.add_row(title)
    shown = io.StringIO()
    Console(file=shown, width=150, force_terminal=True, color_system="truecolor").print(table)
    assert for_terminal(title) in shown.getvalue()
    assert "evil.example\x1b" not in shown.getvalue()


@given(st.text())
def test_no_control_character_reaches_a_terminal(text: str) -> None:
    shown = for_terminal(text)
    assert len(shown) == len(text)
    assert not any(unicodedata.category(each) == "Cc" and each not in "\n\t" for each in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize(
    "title",
    ["@everyone", "<!channel>", "<https://evil.example|our report>", "[our report](https://evil.example)", "```x```"],
)
def test_nothing_works_in_a_chat(title: str) -> None:
    shown = for_chat(f"The book {title} has no ISBN")
    assert title not in shown
    for syntax in ("@everyone", "<!", "<https", "](", "```"):
        assert syntax not in shown


def test_harmless_text_is_unchanged() -> None:
    text = "Ünïcödé — 中文, العربية: 100 % (a) [b]\n\tnext"
    assert for_chat(text) == for_terminal(text) == text


def test_a_page_shows_no_control_character_and_keeps_its_direction() -> None:
    assert for_page("Ci\x1b[31mrce\x9b \u202eecriC\u2066\n\tx\u2028") == "Ci[31mrce ecriC\n\tx"
    assert for_page("\u200fעברית") == "\u200fעברית"
    for page in (status_page, library_pages):
        assert vars(page)["_environment"]().from_string("{{ a }}{{ b }}").render(a="<b>\u202e", b=1) == "&lt;b&gt;1"
