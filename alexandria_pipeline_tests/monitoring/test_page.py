"""The page: what is on it, that nothing in it can be anything but text, and that its colours can be read."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.monitoring import grid, page
from alexandria_pipeline.monitoring.figures import presentable
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.monitoring import MonthProgress
from alexandria_pipeline_tests.monitoring.conftest import NOW, serving
from alexandria_pipeline_tests.monitoring.months import NEXT_ATTEMPT, put, put_all
from alexandria_pipeline_tests.world import rows

VOID = {"meta", "br", "input"}


class Read(HTMLParser):
    """The page as a browser takes it: tags opened and closed in order, the cells of the grid, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.cells: list[dict[str, str | None]] = []
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self._in_grid = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self._in_grid = dict(attrs).get("id") == "grid" if tag == "table" else self._in_grid
        if tag == "td" and self._in_grid:
            self.cells.append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def _read(client: httpx.Client) -> Read:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    seen = Read(answer.text)
    assert seen.open == []
    return seen


def test_the_grid_has_300_cells_each_in_words(database: Database) -> None:
    put_all(database)
    put(database, "2026-09", "completed", books=10, resolved=10)
    with serving(database) as client:
        seen = _read(client)
    assert len(seen.cells) == 300
    labels = [cell["title"] or "" for cell in seen.cells]
    first = Month(2000, 1)
    assert sorted(label[:7] for label in labels) == [str(first + number) for number in range(300)]
    assert (labels[0][:7], labels[-1][:7]) == ("2024-01", "2000-12"), "the latest year is on top"
    cells_by_month = {label[:7]: (label[9:], cell["class"]) for label, cell in zip(labels, seen.cells, strict=True)}
    assert cells_by_month["2020-12"] == ("completed, 19 of 20 books resolved (95 %)", "r5 s-completed")
    assert cells_by_month["2020-11"] == ("completed, 20 of 40 books resolved (50 %)", "r1 s-completed")
    assert cells_by_month["2020-10"] == ("in processing", "s-processing")
    assert cells_by_month["2020-09"] == ("waits for a retry", "s-retry")
    assert cells_by_month["2020-07"] == ("failed", "s-failed")
    assert cells_by_month["2020-06"] == ("pending", "s-pending")
    assert cells_by_month["2019-01"] == ("not in the queue", "s-none")
    assert all(label in seen.words for label in labels), "the sentence is there without the title, too"
    assert "2026-09: completed, 10 of 10 books resolved (100 %)" in seen.words


def test_what_a_person_wants_to_know_is_there(database: Database) -> None:
    put_all(database)
    rows(
        database,
        "insert into api_call (service, method, url, outcome, cost_usd) values ('gemini', 'POST', 'u', 'answered', 1.5) returning 1",
    )
    rows(
        database,
        "insert into quota_usage (service, day, used) values ('isbndb', (now() at time zone 'UTC')::date, 6_500) returning 1",
    )
    with serving(database) as client:
        words = _read(client).words
    assert "65.0 % 39 of 60" in words
    assert "$1.50" in words
    assert "6,500 of 13,000 calls (plan: 15,000)" in words
    assert "2020-10 since 2026-11-20 10:00 UTC run run-of-2020-10, process 7 on <b>there</b>" in words
    assert "2020-07 failed no generator answered" in words
    assert f"2020-09 attempt 2 of 5, next {NEXT_ATTEMPT:%Y-%m-%d %H:%M} UTC" in words
    assert "Phase validation : 0 of 5 months of today started." in words
    for phase in ("validation", "scale", "historical", "current"):
        assert f"{phase} ahead" in words


def test_before_the_first_month_nothing_has_started(client: httpx.Client) -> None:
    words = _read(client).words
    assert "The rollout has not started." in words
    assert "Next: 2020-12, 2020-11, 2020-10, 2020-09, 2020-08." in words
    assert "No run is working on a month." in words
    assert "No service has been asked yet." in words


def test_an_operators_word_is_shown(database: Database) -> None:
    rows(
        database,
        "insert into rollout_decision (kind, decided_by, why, decided_at) values ('hold', 'ann', '<img src=x onerror=alert(1)>', %s) returning 1",
        NOW - timedelta(hours=1),
    )
    with serving(database) as client:
        seen = _read(client)
    assert "held by ann since 2026-11-23 11:00 UTC: <img src=x onerror=alert(1)>" in seen.words
    assert "has not started" not in seen.words
    assert seen.tags["img"] == 0


def test_hostile_text_stays_text(database: Database) -> None:
    put_all(database)
    with serving(database) as client:
        html, seen = client.get("/").text, _read(client)
    assert '<script>alert(1)</script> & "quotes" at postgresql://me:***@host/db' in seen.words
    assert "geheim" not in html
    assert seen.tags["script"] == 1
    assert not {"b", "img", "link", "iframe", "form"} & set(seen.tags)
    assert seen.tags["style"] == 1
    assert not any(name.startswith("on") or name in ("style", "src") for name in seen.attributes)
    links = set(re.findall(r'href="([^"]*)"', html))
    assert all(re.fullmatch(r"/library|/months/\d{4}-\d{2}", link) for link in links)


def test_the_policy_allows_the_style_and_the_script_of_the_page_and_nothing_else(client: httpx.Client) -> None:
    answer = client.get("/")
    for tag in ("style", "script"):
        (style,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert "url(" not in style
    assert "@import" not in style
    assert "://" not in answer.text


# The colours.


def _luminance(colour: str) -> float:
    digits = colour * 2 if len(colour) == 3 else colour
    digits = "".join(each * 2 for each in colour) if len(colour) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _schemes() -> dict[str, dict[str, str]]:
    light, dark = page.style().split("@media (prefers-color-scheme: dark)")
    return {name: dict(re.findall(r"--(\w+): #([0-9a-f]+)", css)) for name, css in (("light", light), ("dark", dark))}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read(scheme: str) -> None:
    colours = _schemes()[scheme]
    for band in range(len(grid.BANDS)):
        assert _contrast(colours[f"r{band}"], colours[f"i{band}"]) >= 4.5
    for ink in ("ink", "faint", "warn", "good"):
        assert _contrast(colours[ink], colours["panel"]) >= 4.5


@pytest.mark.parametrize(("scheme", "darker"), [("light", True), ("dark", False)])
def test_more_is_always_further_from_the_background(scheme: str, darker: bool) -> None:
    """A sequence of lightness is one for every kind of eye."""
    colours = _schemes()[scheme]
    levels = [_luminance(colours[f"r{band}"]) for band in range(len(grid.BANDS))]
    assert all((low > high) is darker for low, high in pairwise(levels))


# The pure parts.


@given(st.integers(1, 60), st.integers(0, 60))
def test_a_band_never_flatters(books: int, resolved: int) -> None:
    resolved = min(books, resolved)
    state = MonthProgress(
        Month(2020, 1), "completed", books, resolved, 0, 0, 0, None, None, None, None, None, None, NOW
    )
    cell = grid.historical({state.month: state})[4].cells[0]
    band = int(cell.classes[1])
    assert 100 * resolved >= grid.BANDS[band] * books
    assert band == len(grid.BANDS) - 1 or 100 * resolved < grid.BANDS[band + 1] * books
    assert int(cell.text) * books <= 100 * resolved


def test_the_legend_names_every_band() -> None:
    assert [band.meaning for band in grid.legend()] == [
        "0 to below 50 %", "50 to below 75 %", "75 to below 85 %", "85 to below 90 %", "90 to below 95 %", "95 % and more",
    ]  # fmt: skip


@given(st.text(max_size=400))
def test_an_error_is_shown_cut(text: str) -> None:
    shown = presentable(text, 100)
    assert shown is not None
    assert len(shown) <= 100


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (None, None),
        ("postgresql://me:pass word@h", "postgresql://me:pass word@h"),
        ("at https://user:s3cr:et@host/x and amqp://:k@y", "at https://user:***@host/x and amqp://:***@y"),
        ("https://host/path?q=a@b", "https://host/path?q=a@b"),
    ],
)
def test_passwords_of_addresses_are_taken_out(address: str | None, shown: str | None) -> None:
    assert presentable(address) == shown


def test_the_page_links_to_dagster(database: Database) -> None:
    with serving(database, dagster_url='http://localhost:3045/"><b>') as client:
        assert '<a href="http://localhost:3045/&#34;&gt;&lt;b&gt;">Dagster</a>' in client.get("/").text
