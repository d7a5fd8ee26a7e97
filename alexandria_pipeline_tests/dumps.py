"""Makes dumps in Open Library's format, with invented records: any size, the same for the same seed.

Editions of works with authors, dates in every shape, ISBN-10 and ISBN-13, damaged lines, keys that occur twice, redirects,
deletions and works without editions. `alexandria_pipeline_tests/operations` and `benchmarks/catalog.py` import them.

    python -m alexandria_pipeline_tests.dumps FOLDER --editions 1000000 [--plain] [--seed 1] [--damage 0.001]
"""

from __future__ import annotations

import argparse
import gzip
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

SYLLABLES: Final = (
    "ba be bo bra ca ce co da de dor du el en fa fe fi gar ge ha hel hi in ka ke kin la le lin lo ma mar me mi mo na ne no or pa pe "
    "per ra re ri ro sa se sil so sta ta te tho ti to tra un va ve vi wa we win za zo"
).split()
OPENERS: Final = (
    "The|A|The Last|The Secret|Return to|Beyond the|History of|In the|Letters from|Winter in|Under|My".split("|")
)
SUBJECTS: Final = (
    "Fiction",
    "History",
    "Juvenile fiction",
    "Biography",
    "Poetry",
    "Cookery",
    "Science",
    "Travel",
    "Law",
    "Economics",
)
PUBLISHERS: Final = 4_000
MONTHS: Final = "January February March April May June July August September October November December".split()
MODIFIED: Final = "2024-05-01T10:11:12.131415"


@dataclass(frozen=True, slots=True)
class Dump:
    """The files of a dump; `total` editions are whole and have an ISBN."""

    editions: Path
    works: Path
    authors: Path
    total: int


def word(rng: random.Random, least: int = 2, most: int = 4) -> str:
    return "".join(rng.choices(SYLLABLES, k=rng.randint(least, most))).capitalize()


def author_name(number: int, seed: int) -> str:
    rng = random.Random(f"{seed}a{number}")
    return f"{word(rng)} {word(rng, 2, 3)}"


def work_of(number: int, seed: int) -> tuple[str, int]:
    """The title and the author's number of a work."""
    rng = random.Random(f"{seed}w{number}")
    words = [rng.choice(OPENERS), *(word(rng) for _ in range(rng.randint(1, 3)))]
    return " ".join(words), rng.randint(1, max(1, number // 3))


def date_shape(rng: random.Random, year: int) -> str:
    month, day = rng.randint(1, 12), rng.randint(1, 28)
    return rng.choice((
        f"{year}", f"{MONTHS[month - 1]} {day}, {year}", f"{MONTHS[month - 1]} {year}", f"{year}-{month:02}-{day:02}", f"c{year}",
        f"{MONTHS[month - 1][:3]} {day:02}, {year}", f"[{year}?]", f"{day}/{month}/{year}", f"{day} {MONTHS[month - 1]} {year}", f"{year}.",
    ))  # fmt: skip


def isbn13(number: int) -> str:
    body = f"9780{number % 10**8 + 10**7:08}"
    return body + str(-sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(body)) % 10)


def isbn10(isbn: str) -> str:
    check = -sum(int(d) * (10 - i) for i, d in enumerate(isbn[3:12])) % 11
    return isbn[3:12] + ("X" if check == 10 else str(check))


def edition(number: int, seed: int) -> dict[str, Any]:
    """One edition's record; about 800 bytes of JSON, as real ones have."""
    rng = random.Random(f"{seed}e{number}")
    work = max(1, int(number / 1.4))
    title, author = work_of(work, seed)
    isbn, year = isbn13(number), rng.randint(1950, 2023)
    return {
        "type": {"key": "/type/edition"}, "key": f"/books/OL{number}M", "title": title,
        **({"subtitle": f"a {word(rng).lower()} of {word(rng)}"} if rng.random() < 0.3 else {}),
        "authors": [{"key": f"/authors/OL{author}A"}], "works": [{"key": f"/works/OL{work}W"}],
        "publishers": [f"{author_name(rng.randint(1, PUBLISHERS), 0).split()[0]} Press"], "publish_date": date_shape(rng, year),
        "isbn_10": [isbn10(isbn)], **({"isbn_13": [isbn]} if rng.random() < 0.8 else {}),
        "languages": [{"key": f"/languages/{rng.choices(('eng', 'fre', 'ger', 'spa'), (80, 8, 7, 5))[0]}"}],
        "number_of_pages": rng.randint(40, 900), "physical_format": rng.choice(("Paperback", "Hardcover", "Mass Market Paperback", "Audio CD")),
        "subjects": rng.sample(SUBJECTS, rng.randint(0, 3)), "covers": [rng.randint(1, 10**7)], "lccn": [str(rng.randint(10**7, 10**8))],
        "oclc_numbers": [str(rng.randint(10**7, 10**8))],
        "identifiers": {"goodreads": [str(rng.randint(1, 10**7))], "librarything": [str(rng.randint(1, 10**6))]},
        "source_records": ["marc:marc_loc_updates/v37.i01.records.utf8:4567890:1234"], "publish_country": "nyu", "pagination": "xii, 345 p. ;",
        "lc_classifications": ["PZ7.N647 Sab 1995"], "latest_revision": 7, "revision": 7,
        "created": {"type": "/type/datetime", "value": "2008-04-01T03:28:50.625462"}, "last_modified": {"type": "/type/datetime", "value": MODIFIED},
    }  # fmt: skip


def line(kind: str, key: str, revision: int, record: dict[str, Any]) -> bytes:
    return (
        b"\t".join((f"/type/{kind}".encode(), key.encode(), b"%d" % revision, MODIFIED.encode(), orjson.dumps(record)))
        + b"\n"
    )


def edition_lines(total: int, seed: int, damage: float) -> Iterator[bytes]:
    """`total` whole editions; beside them damaged lines, older revisions, and editions that were deleted or merged."""
    rng = random.Random(seed)
    for number in range(1, total + 1):
        record = edition(number, seed)
        whole = line("edition", f"/books/OL{number}M", 7, record)
        chance = rng.random()
        if chance < damage:
            yield rng.choice(
                (
                    whole[: len(whole) // 2] + b"\n",
                    b"\xff\xfe broken\n",
                    whole.replace(b'"title"', b'"titel"'),
                    b"/type/edition\t/books/1\n",
                )
            )
        elif chance < 2 * damage:
            yield line(
                "edition", f"/books/OL{number}M", 3, record | {"title": "Older Revision", "publish_date": "1901"}
            )
        elif chance < 3 * damage:
            key = f"/books/OL{total + number}M"
            yield line(
                "redirect", key, 2, {"key": key, "location": f"/books/OL{number}M", "type": {"key": "/type/redirect"}}
            )
        elif chance < 4 * damage:
            key = f"/books/OL{2 * total + number}M"
            yield line("delete", key, 2, {"key": key, "type": {"key": "/type/delete"}})
        yield whole


def work_lines(total: int, seed: int, damage: float) -> Iterator[bytes]:
    """The works of the editions; one in ten more has no edition, and some editions' works were merged into the next one."""
    rng = random.Random(seed + 1)
    for number in range(1, int(total / 1.4 * 1.1) + 2):
        title, author = work_of(number, seed)
        key = f"/works/OL{number}W"
        record: dict[str, Any] = {
            "key": key,
            "title": title,
            "authors": [{"author": {"key": f"/authors/OL{author}A"}}],
            "subjects": ["Fiction"],
        }
        if rng.random() < damage:
            yield line(
                "redirect",
                key,
                9,
                {"key": key, "location": f"/works/OL{number + 1}W", "type": {"key": "/type/redirect"}},
            )
        else:
            yield line(
                "work",
                key,
                3,
                record | {"first_publish_date": str(rng.randint(1900, 1949))} if number % 10 == 0 else record,
            )


def author_lines(total: int, seed: int) -> Iterator[bytes]:
    for number in range(1, int(total / 1.4 * 1.1 / 3) + 3):
        key = f"/authors/OL{number}A"
        yield line("author", key, 2, {"key": key, "name": author_name(number, seed), "type": {"key": "/type/author"}})


def make(folder: Path, total: int, *, seed: int = 1, damage: float = 0.001, packed: bool = True) -> Dump:
    """Writes the three files of a dump of `total` editions into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    ending = "txt.gz" if packed else "txt"
    files = {role: folder / f"ol_dump_{role}_2024-05-31.{ending}" for role in ("editions", "works", "authors")}
    lines = {
        "editions": edition_lines(total, seed, damage), "works": work_lines(total, seed, damage), "authors": author_lines(total, seed)
    }  # fmt: skip
    for role, path in files.items():
        with gzip.open(path, "wb", 3) if packed else path.open("wb") as target:
            target.writelines(lines[role])
    return Dump(files["editions"], files["works"], files["authors"], total)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--editions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--damage", type=float, default=0.001)
    parser.add_argument("--plain", action="store_true")
    given = parser.parse_args()
    make(given.folder, given.editions, seed=given.seed, damage=given.damage, packed=not given.plain)
