"""How often the author list of a book is right when booksellers give different ones.

    PYTHONPATH=. .venv/bin/python benchmarks/author_lists.py CLAIMS.txt CHECKED.txt --half dev

CLAIMS has lines "shop, ISBN, title, authors" and CHECKED lines "ISBN, authors" between tabs: the book data of truth discovery (Yin, Han and
Yu, 2007; checked by Dong, Berti-Equille and Srivastava, 2009), as in joesingo/truthdiscovery, commit 8c4d6c8, truthdiscovery/examples/books (read on
2026-11-27). A list is right if it has the same people, by surname and first letter. Every second book is for development (`dev`).
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

from alexandria_pipeline.domain.merging.author_lists import apart
from alexandria_pipeline.domain.merging.claims import Claim
from alexandria_pipeline.domain.merging.merge import merge
from alexandria_pipeline.domain.merging.texts import person


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("claims", type=Path)
    parser.add_argument("checked", type=Path)
    parser.add_argument("--half", choices=("dev", "held-out", "all"), default="all")
    parser.add_argument("--show", action="store_true", help="prints the lists that are wrong")
    options = parser.parse_args()
    by_isbn: dict[str, dict[str, str]] = defaultdict(dict)
    for shop, isbn, _, authors in _rows(options.claims):
        by_isbn[isbn].setdefault(shop, authors)
    checked = sorted(_rows(options.checked))
    wanted = {"dev": checked[::2], "held-out": checked[1::2], "all": checked}[options.half]
    right = 0
    for isbn, authors in wanted:
        truth = _people(authors.split(";"))
        claims = [
            Claim(shop, "authors", [{"name": text, "role": "unknown"}], number)
            for number, (shop, text) in enumerate(sorted(by_isbn[isbn].items()), 1)
            if text.strip()
        ]
        served = merge("edition", claims, fields={"authors"}).values.get("authors", [])
        right += _people(served) == truth
        if options.show and _people(served) != truth:
            print(isbn, "|", authors, "|", "; ".join(served))
    print(f"{options.half}: {right} of {len(wanted)} lists are right")


def _people(names: list[str]) -> set[str]:
    return {person(one) for name in names if name.strip() for one, _ in apart(name.strip(), "author")}


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


if __name__ == "__main__":
    main()
