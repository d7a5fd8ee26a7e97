"""The pages of the library: what they show, how they are found, and that nothing from outside is taken for HTML."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.providers.covers import Picture, PictureType
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.monitoring.conftest import serving
from alexandria_pipeline_tests.world import JULY, JUNE, LIST, pipeline, rows, run_all

HALF = "9780525536291"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def library(client: httpx.Client, database: Database, tmp_path: Path) -> httpx.Client:
    run_all(
        database, pipeline(database, tmp_path, LIST.replace("THE VANISHING HALF", "The Vanishing Half")), [JUNE, JULY]
    )
    return client


class _Page(HTMLParser):
    """The links and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def page(client: httpx.Client, path: str) -> _Page:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return _Page(answer.text)


def test_every_link_leads_to_a_page(library: httpx.Client) -> None:
    seen, open_ = set(), ["/", "/library"]
    while open_:
        path = open_.pop()
        if path in seen or path.startswith("#"):
            continue
        seen.add(path)
        if path.startswith("/api/"):
            assert library.get(path).status_code == 200, path
        else:
            open_ += page(library, path).links
    assert {"/months/2020-06", "/months/2020-07"} < seen
    assert len([path for path in seen if path.startswith("/works/")]) == 4


@pytest.mark.parametrize("query", ["vanishing hal", "bennett", HALF, "0-525-53629-9"])
def test_a_search_finds_the_work(library: httpx.Client, query: str) -> None:
    for part in ({}, {"part": "1"}):
        answer = library.get("/library", params={"q": query, **part})
        assert "The Vanishing Half" in answer.text
        assert "Hamnet" not in answer.text
        assert ("<html" in answer.text) is (not part)


def test_a_work_shows_its_facts_with_sources_and_its_searches(library: httpx.Client, database: Database) -> None:
    (key,) = (row["work_key"] for row in rows(database, "select work_key from enriched_works where isbn13 = %s", HALF))
    text = page(library, f"/works/{key}").text
    for wanted in ("The Vanishing Half", "Brit Bennett", HALF, "from local-catalog", "2020-06", "found"):
        assert wanted in text


def test_a_month_shows_each_book_or_the_reason(library: httpx.Client) -> None:
    text = page(library, "/months/2020-06").text
    assert "2 of 3 books have an ISBN" in text
    assert "no ISBN found" in text
    for path in ("/months/2020-08", "/months/x", "/works/none", "/authors/none", "/works/%00"):
        assert library.get(path).status_code == 404


def test_texts_from_outside_are_escaped(library: httpx.Client, database: Database) -> None:
    rows(database, "update enriched_works set title = %s, description = %s returning 1", HOSTILE, HOSTILE)
    rows(database, "update generated_book set title = title || %s returning 1", HOSTILE)
    key = rows(database, "select work_key from enriched_works limit 1")[0]["work_key"]
    for path in ("/library", f"/works/{key}", "/months/2020-06", f"/library?q={HOSTILE}", f"/library?part=1&q={HALF}"):
        answer = library.get(path)
        assert HOSTILE not in answer.text
        assert "&lt;script&gt;" in answer.text
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_an_author_has_works(library: httpx.Client, database: Database) -> None:
    rows(
        database,
        "with a as (insert into enriched_authors (name, name_key, author_key, biography) values ('Brit Bennett', 'b', 'k:1', 'Writes.')"
        " returning author_id) insert into work_authors (work_id, author_id) select work_id, author_id from a, enriched_works"
        " where isbn13 = %s returning 1",
        HALF,
    )
    (key,) = (row["work_key"] for row in rows(database, "select work_key from enriched_works where isbn13 = %s", HALF))
    assert "/authors/k:1" in page(library, f"/works/{key}").links
    text = page(library, "/authors/k:1").text
    assert "Writes." in text
    assert "The Vanishing Half" in text


class _OneCover:
    """Covers of which only that of HALF can be had."""

    async def picture(self, isbn13: Isbn13) -> Picture | None:
        return Picture(b"\xff\xd8\xffpicture", PictureType.JPEG) if isbn13 == HALF else None

    async def close(self) -> None: ...


def test_pages_show_covers_of_this_server_or_none(library: httpx.Client, database: Database) -> None:
    key = rows(database, "select work_key from enriched_works where isbn13 = %s", HALF)[0]["work_key"]
    paths = "/months/2020-06", f"/works/{key}", "/library?q=vanishing"
    assert not any("<img" in library.get(path).text for path in paths)
    assert library.get(f"/covers/{HALF}").status_code == 404
    with serving(database, covers=_OneCover()) as client:
        for path in paths:
            answer = client.get(path)
            assert f'src="/covers/{HALF}"' in answer.text
            assert "img-src 'self'" in answer.headers["content-security-policy"]
        picture = client.get(f"/covers/{HALF}")
        assert (picture.content, picture.headers["content-type"]) == (b"\xff\xd8\xffpicture", "image/jpeg")
        assert picture.headers["content-security-policy"].startswith("default-src 'none'")
        missing = client.get("/covers/9780062868930")
        assert (missing.status_code, missing.headers["content-type"]) == (404, "image/gif")
        for name in ("9780525536290", "..%2f..%2fetc%2fpasswd", "x"):
            assert client.get(f"/covers/{name}").status_code == 404
