"""Writes docs/licences.md: the licence of every package that the image installs (deploy/requirements.lock).

A test fails when the page is old, or when a licence is not among those that we accept (docs/licences.md states them).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "deploy" / "requirements.lock"
PAGE = ROOT / "docs" / "licences.md"

ACCEPTED = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Zlib|CC0|MPL|Mozilla|LGPL|Lesser General Public", re.IGNORECASE
)
"""Permissive licences, and those that ask only for the source of the package itself (LGPL, MPL)."""

OTHER_SYSTEMS = {"colorama": "BSD-3-Clause", "pyreadline3": "BSD-3-Clause", "pywin32": "PSF-2.0"}
"""Packages that the lock installs on Windows only, and their licences."""

HEAD = """# Licences

The packages that the image installs, and their licences. `make licences` writes this page from the installed packages. New
dependencies have a permissive licence, LGPL or MPL. alexandria_pipeline itself is under Apache-2.0.

| package | licence |
|---|---|
"""


def main() -> None:
    """Writes the page; exits with 1 when a licence is not accepted."""
    found = list(licences())
    PAGE.write_text(page(found), encoding="utf-8")
    refused = [f"{name}: {licence}" for name, licence in found if not ACCEPTED.search(licence)]
    if refused:
        sys.exit("not accepted: " + ", ".join(refused))


def page(found: list[tuple[str, str]]) -> str:
    """The text of the page."""
    return HEAD + "".join(f"| {name} | {licence} |\n" for name, licence in found)


def licences() -> Iterator[tuple[str, str]]:
    """The name and the licence of every package of the lock, by name."""
    names = re.findall(r"^([a-z0-9][\w.-]*)(?:\[[^\]]*\])?==", LOCK.read_text("utf-8"), re.MULTILINE)
    for name in sorted(names):
        try:
            yield name, _licence(metadata.metadata(name))
        except metadata.PackageNotFoundError:
            yield name, OTHER_SYSTEMS.get(name, "not installed here")


def _licence(of: metadata.PackageMetadata) -> str:
    """The SPDX expression, else the classifiers, else the first line of the text."""
    classifiers = [each.split(" :: ")[-1] for each in of.get_all("Classifier") or [] if each.startswith("License ::")]
    named = [each for each in classifiers if each != "OSI Approved"]
    text = _first(of, "License").strip().split("\n")[0][:60]
    return _first(of, "License-Expression") or ", ".join(named) or text or "not stated"


def _first(of: metadata.PackageMetadata, name: str) -> str:
    return str((of.get_all(name) or [""])[0])


if __name__ == "__main__":
    main()
