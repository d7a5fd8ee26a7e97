"""Pictures of covers from a host that answers well, slowly, wrongly, and without end."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.operations.covers import Covers
from alexandria_pipeline.providers.covers import BY_ISBN_REQUESTS, MAX_BYTES, CoverFetcher, Missing, Picture

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (200).to_bytes(4, "big") + (300).to_bytes(4, "big") + b"rest"
ONE_PIXEL = b"GIF89a" + (1).to_bytes(2, "little") * 2 + b"rest"
ISBN = Isbn13.parse("9780525536291")


class Host(ThreadingHTTPServer):
    """A host of pictures; it counts the requests by path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: Counter[str] = Counter()
        self.ended = threading.Event()

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def url(self, path: str) -> str:
        return f"http://{self.name}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked[path] += 1
        status, content = {
            "/cover.png": (200, PNG), "/page": (200, b"<html><script>alert(1)</script></html>"), "/pixel": (200, ONE_PIXEL), "/empty": (200, b""),
            "/busy": (503, b""), "/packed": (200, gzip.compress(PNG)),
        }.get(path, (200 if path in {"/slow", "/huge"} else 302 if "/to" in path else 404, b""))  # fmt: skip
        self.send_response(status)
        if path == "/packed":
            self.send_header("Content-Encoding", "gzip")
        if path.startswith("/to-"):
            places = {"/to-cover": "/cover.png", "/to-file": "file:///etc/passwd", "/to-self": "/to-self"}
            self.send_header("Location", places.get(path, "http://127.0.0.2/cover.png"))
        self.end_headers()
        if path == "/slow":
            self.server.ended.wait(60)
        try:
            for part in [content] if path != "/huge" else iter(lambda: PNG * 1_000, None):
                self.wfile.write(part)
        except ConnectionError:
            pass

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as host:
        thread = threading.Thread(target=host.serve_forever)
        thread.start()
        yield host
        host.ended.set()
        host.shutdown()
        thread.join()


def fetched(host: Host, path: str, seconds: float = 60, **options: Any) -> Picture | Missing:
    async def fetch() -> Picture | Missing:
        fetcher = CoverFetcher("test", **{"hosts": [host.name], "seconds": seconds, **options})
        try:
            return await fetcher.fetch(host.url(path))
        finally:
            await fetcher.close()

    return asyncio.run(fetch())


@pytest.mark.parametrize("path", ["/cover.png", "/to-cover"])
def test_a_picture_is_returned_with_the_type_of_its_content(host: Host, path: str) -> None:
    found = fetched(host, path)
    assert isinstance(found, Picture)
    assert (found.content, found.type) == (PNG, "image/png")


@pytest.mark.parametrize(
    ("path", "reason", "for_now"),
    [
        ("/page", "no picture", False), ("/pixel", "no picture", False), ("/empty", "no picture", False), ("/none", "status 404", False),
        ("/packed", "an encoding that was not requested", False),
        ("/busy", "status 503", True), ("/huge", f"larger than {MAX_BYTES:,} bytes", False), ("/to-self", "too many redirects", False),
        ("/to-other", "127.0.0.2 is not one of those", False), ("/to-file", "is not one of those", False),
    ],
)  # fmt: skip
def test_anything_else_is_missing_with_its_reason(host: Host, path: str, reason: str, for_now: bool) -> None:
    found = fetched(host, path)
    assert isinstance(found, Missing)
    assert reason in found.reason
    assert found.for_now is for_now


def test_a_slow_host_is_given_up(host: Host) -> None:
    assert fetched(host, "/slow", seconds=0.2) == Missing("no picture within 0 s", for_now=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://covers.openlibrary.org/b/id/1-L.jpg", "https://covers.openlibrary.org.evil.example/1.jpg", "https://a@archive.org/1.jpg",
        "https://archive.org:8443/1.jpg", "https://169.254.169.254/latest", "file:///etc/passwd", "https://[::1]/", "", "nonsense",
    ],
)  # fmt: skip
def test_only_known_hosts_are_called(host: Host, url: str) -> None:
    async def fetch() -> Picture | Missing:
        return await CoverFetcher("test").fetch(url)

    found = asyncio.run(fetch())
    assert isinstance(found, Missing)
    assert "is not one of those for covers" in found.reason


def pictures(
    host: Host, folder: Path, cover: dict[str, Any] | None, requests: int, max_bytes: int = 10**6
) -> list[Picture | None]:
    """The answers to requests for one ISBN, from a new cache in this folder."""

    async def ask() -> list[Picture | None]:
        fetcher = CoverFetcher("test", [host.name], by_isbn=host.url("/isbn/{}"))
        covers = Covers(folder, max_bytes, fetcher, lambda _: cover)
        try:
            return [*await asyncio.gather(*(covers.picture(ISBN) for _ in range(requests)))]
        finally:
            await covers.close()

    return asyncio.run(ask())


def test_a_cover_is_fetched_once_and_kept(host: Host, tmp_path: Path) -> None:
    cover = {"url": host.url("/cover.png"), "source": "open-library"}
    for _ in range(2):
        assert [found and found.content for found in pictures(host, tmp_path / "covers", cover, 20)] == [PNG] * 20
    assert host.asked == {"/cover.png": 1}


def test_a_cover_that_may_not_be_shown_is_not_fetched_and_that_there_is_none_is_kept(
    host: Host, tmp_path: Path
) -> None:
    cover = {"url": host.url("/cover.png"), "source": "isbndb"}
    for _ in range(2):
        assert pictures(host, tmp_path, cover, 3) == [None] * 3
    assert host.asked == {f"/isbn/{ISBN}": 1}


def test_a_host_that_is_busy_is_asked_again_later(host: Host, tmp_path: Path) -> None:
    cover = {"url": host.url("/busy"), "source": "open-library"}
    assert pictures(host, tmp_path, cover, 2) == [None, None]
    assert host.asked == {"/busy": 1, f"/isbn/{ISBN}": 1}
    assert pictures(host, tmp_path, cover, 1) == [None]
    assert host.asked["/busy"] == 2


def test_the_folder_has_a_limit_and_may_be_lost(host: Host, tmp_path: Path) -> None:
    cover = {"url": host.url("/cover.png"), "source": "open-library"}
    for number in range(20):
        (tmp_path / f"97800000000{number:02}").write_bytes(PNG * 10)
    assert pictures(host, tmp_path, cover, 1, max_bytes=len(PNG) * 55)[0] is not None
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= len(PNG) * 55
    (tmp_path / "file").write_text("not a folder")
    assert pictures(host, tmp_path / "file", cover, 1)[0] is not None


def test_the_limit_of_covers_by_isbn_holds(host: Host) -> None:
    async def ask() -> list[Picture | Missing]:
        fetcher = CoverFetcher("test", [host.name], by_isbn=host.url("/isbn/{}"))
        try:
            return [await fetcher.by_isbn(ISBN) for _ in range(BY_ISBN_REQUESTS + 2)]
        finally:
            await fetcher.close()

    found = asyncio.run(ask())
    assert host.asked[f"/isbn/{ISBN}"] == BY_ISBN_REQUESTS
    assert [each.for_now for each in found if isinstance(each, Missing)][-3:] == [False, True, True]
