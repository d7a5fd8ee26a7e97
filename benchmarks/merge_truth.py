"""Merging, measured: how often the served value is the true one. `library_facts.py` draws what five services state.

    python benchmarks/merge_truth.py --books FILE [--count 2000] [--seed 7] [--other-rates SEED]

It also prints how good each source is for a field as far as agreement shows it, without the truth: the share of its values that at
least two other sources give, among those about which at least two other sources agree.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from library_facts import STATES, WRONG, Book, Sources, read

from alexandria_pipeline.domain.merging.claims import Claim
from alexandria_pipeline.domain.merging.hints import of_isbn, of_listing
from alexandria_pipeline.domain.merging.merge import merge
from alexandria_pipeline.domain.merging.rules import publisher_key
from alexandria_pipeline.domain.merging.texts import series_key
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.titles import title_key


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--books", type=Path, required=True)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--other-rates", type=int, help="the services exchange their rates of error, so that none has the expected ones"
    )
    options = parser.parse_args()
    if options.other_rates is not None:
        random.Random(options.other_rates).shuffle(rates := list(WRONG.values()))  # noqa: S311 - repeatable
        WRONG.update(dict(zip(WRONG, rates, strict=True)))
    books = read(options.books, options.count, options.seed)
    right, all_of = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    agree, seen = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for each in books:
        claims = _claims(each)
        served = merge("edition", claims, hints=_hints(each.book)).values
        for name in STATES:
            cell = (name, each.support(name))
            all_of[cell] += 1
            right[cell] += name in served and _is_right(each.book, name, served[name])
            _agreement(name, claims, agree, seen)
    print("| field | most sources | as many | not outvoted |\n|---|---|---|---|")
    for name in STATES:
        most, tie = (name, "majority"), (name, "tie")
        both = (right[most] + right[tie]) / max(1, all_of[most] + all_of[tie])
        print(f"| {name} | {_share(right[most], all_of[most])} | {_share(right[tie], all_of[tie])} | {both:.3f} |")
    print("\n| field | source | agrees |\n|---|---|---|")
    for (name, source), count in sorted(seen.items()):
        print(f"| {name} | {source} | {_share(agree[name, source], count)} |")


def _claims(each: Sources) -> list[Claim]:
    return [
        Claim(stated.provider, name, value, record)
        for record, stated in enumerate(each.stated, start=1)
        if stated.kind == "edition"
        for name, value in stated.facts
    ]


def _hints(book: Book) -> list[Claim]:
    return [*of_listing(book.title.upper(), ", ".join(book.authors)), *of_isbn(book.isbn13)]


def _agreement(name: str, claims: list[Claim], agree: Counter[tuple[str, str]], seen: Counter[tuple[str, str]]) -> None:
    keys = {claim.provider: _key(name, claim.value) for claim in claims if claim.field == name}
    for source, key in keys.items():
        others = Counter(found for other, found in keys.items() if other != source).most_common(1)
        if others and others[0][1] > 1:
            seen[name, source] += 1
            agree[name, source] += key == others[0][0]


def _key(name: str, value: Any) -> Hashable:
    match name:
        case "title":
            return title_key(value)
        case "published":
            return str(value)[:4]
        case "publisher":
            return publisher_key(value)
        case "series":
            return series_key(value["name"])
        case "authors":
            return frozenset(
                " ".join(sorted(normalise(one["name"]).split()))
                for one in value
                if one["role"] in {"author", "unknown"}
            )
    return str(value)


def _is_right(book: Book, name: str, value: Any) -> bool:
    match name:
        case "title":
            return normalise(value) == normalise(book.title)
        case "authors":
            return sorted(map(normalise, value)) == sorted(map(normalise, book.authors))
        case "published":
            return bool(value[:4] == book.published[:4])
        case "publisher":
            return publisher_key(value) in set(map(publisher_key, book.publisher))
        case "series":
            return book.series is not None and series_key(value["name"]) == series_key(book.series[0])
        case "subjects":
            return {normalise(one["name"]) for one in value} <= set(map(normalise, book.subjects))
    return bool(value == getattr(book, name))


def _share(part: int, of: int) -> str:
    return f"{part / of:.3f} ({of})" if of else "–"


if __name__ == "__main__":
    main()
