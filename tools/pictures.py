"""Makes the pictures of the README from the running product: `make pictures`.

Processes two months of the sample in a new home, starts `alexandria serve`, and takes pictures with Chromium, light and dark and at
the width of a telephone. Chromium is searched on the PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
MONTHS = "2020-07...2020-08"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip


def main() -> None:
    """Takes every picture."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit(f"no browser: install one of {', '.join(BROWSERS)}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ALEXANDRIA_HOME"] = f"{folder}/home"
        _alexandria("run", MONTHS)
        try:
            with _serving() as address:
                _take_all(browser, address, Path(folder))
        finally:
            _alexandria("db", "stop")


def _take_all(browser: str, address: str, folder: Path) -> None:
    work = re.search(r'href="(/works/[^"]+)"', _get(f"{address}/months/2020-08"))
    assert work is not None  # noqa: S101 - the sample has books
    for name, path, size, dark in (
        ("backfill", "/", "1200,1100", False),
        ("month", "/months/2020-08", "1200,900", False),
        ("work", work[1], "1200,900", True),
        ("search-narrow", "/library?q=the", "390,800", False),
    ):
        options = ["--blink-settings=preferredColorScheme=0"] if dark else []
        target = PICTURES / f"{name}.png"
        command = [
            browser,
            *QUIET,
            *options,
            f"--user-data-dir={folder}/browser",
            f"--window-size={size}",
            f"--screenshot={target}",
        ]
        subprocess.run([*command, f"{address}{path}"], check=True, capture_output=True)  # noqa: S603 - fixed words and a found program
        print(target)


@contextmanager
def _serving() -> Iterator[str]:
    with subprocess.Popen([_command(), "serve", "--port", "0"], stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        try:
            assert server.stdout is not None  # noqa: S101 - it is a pipe
            address = re.search(r"http://\S+", server.stdout.readline())
            assert address is not None  # noqa: S101 - the command prints it first
            yield address[0]
        finally:
            server.terminate()


def _get(address: str) -> str:
    with urllib.request.urlopen(address) as answer:  # noqa: S310 - our own server
        return str(answer.read().decode())


def _alexandria(*arguments: str) -> None:
    subprocess.run([_command(), *arguments], check=True)  # noqa: S603


def _command() -> str:
    return str(Path(sys.executable).parent / "alexandria")


if __name__ == "__main__":
    main()
