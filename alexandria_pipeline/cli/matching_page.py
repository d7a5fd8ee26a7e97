"""Writes docs/matching.md: how a candidate is accepted or rejected, with examples that the matcher itself decides.

`python -m alexandria_pipeline.cli.matching_page` rewrites the file. `page()` returns its text; a test compares both.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.verdict import Verdict, judge
from alexandria_pipeline.domain.matching.weights import THRESHOLDS, WeightRow, weight_rows
from alexandria_pipeline.domain.records import BookQuery, Candidate, Contributor, ContributorRole, PartialDate

PAGE: Final = Path(__file__).parents[2] / "docs" / "matching.md"
COMMAND: Final = ".venv/bin/python -m alexandria_pipeline.cli.matching_page"

_HEAD: Final = f"""\
# How a candidate is decided

A service answers a question for a book with candidates: editions with title, people, year, language and more. The matcher decides which
of them, if any, is an edition of the book. A wrong ISBN stays in the database and a missing one can be found later, so it rejects when in doubt.

This page is made by `{COMMAND}` from the matcher and its table. Do not edit it.

```mermaid
flowchart TD
    book[book: title, author, year] --> taken["both titles and all names<br/>are taken apart"]
    answer[candidates of one service] --> taken
    taken --> level["one level for each of title, extra, company,<br/>author, year, language, kind, format"]
    level --> sum["sum of the weights of the levels<br/>= odds that the candidate is right"]
    sum --> enough{{"best candidate:<br/>{THRESHOLDS["accept"]} % or more?"}}
    enough -->|no, below {THRESHOLDS["low"]} %| rejected[rejected]
    enough -->|"no, {THRESHOLDS["low"]} % or more"| review["rejected, and shown in<br/>alexandria review list"]
    enough -->|yes| rival{{"another work within<br/>{THRESHOLDS["gap"]} decibans?"}}
    rival -->|yes| ambiguous[rejected: ambiguous]
    rival -->|no| edition["best edition of the work: language asked for,<br/>print, plain title, ISBN of the list, nearest year"]
    edition --> sure{{"every level in the<br/>sure set, {THRESHOLDS["high"]} % or more?"}}
    sure -->|yes| accepted[accepted]
    sure -->|no| probable["accepted as probable:<br/>the cascade asks further services"]
```

## The evidence

| evidence | question |
|---|---|
| title | How do the titles relate: same, misspelt, one without its subtitle, another volume, different? |
| extra | Does the record add something to the title that is neither genre, form, series nor a name? |
| company | Is another person named before or beside the author? |
| author | How do the names relate: the same, initials, a nickname, misspelt, only a translator, different? |
| year | How far is the year of the record from the year in which the book was listed? |
| language | Is the record, or its title, in the language asked for? |
| kind | Do words, publisher or people point to a summary, study guide, box set, sampler or adaptation? |
| format | Print, e-book or recording; this only chooses among editions. |

`alexandria explain MONTH` shows these lines for every book, and `alexandria evaluate FILE` measures the matcher on cases of your own.

## Examples

Evidence without weight is left out here.
"""

_WEIGHTS: Final = """
## The weights

Decibans: ten make the odds ten times as high, minus ten a tenth. *right* and *wrong* are the candidates of the labelled data that show the level.
Weights marked *rule* are not estimated: no number of other agreements may outweigh them, or they only choose among editions
([decision 7](decisions/0007-weights-of-evidence.md)). Figures on held-out data are in
`benchmarks/RESULTS.md`.
"""

_EXAMPLES: Final = (
    ("The book, with its subtitle and another year", "Educated", "Tara Westover", 2018,
     ("Educated: A Memoir", "Tara Westover", 2019, "Random House")),
    ("A misspelt title and initials", "The Curios Incident of the Dog", "M. Haddon", 2003,
     ("The Curious Incident of the Dog", "Mark Haddon", 2003, "Doubleday")),
    ("A summary with the title in front", "Educated", "Tara Westover", 2018,
     ("Educated: Summary and Analysis", "Tara Westover", 2018, "Instaread")),
    ("Another volume of the series", "Saga, Volume 2", "Brian K. Vaughan", 2013,
     ("Saga, Volume 3", "Brian K. Vaughan", 2014, "Image Comics")),
    ("The same title by another author", "The Prize", "Daniel Yergin", 1990,
     ("The Prize", "Jill Bialosky", 2015, "Counterpoint")),
)  # fmt: skip
_ISBN: Final = Isbn13("9780306406157")


def page() -> str:
    """The text of docs/matching.md."""
    return "\n".join([_HEAD.rstrip("\n"), *_examples(), _WEIGHTS.rstrip("\n"), *_weights(), ""])


def _examples() -> Iterator[str]:
    for heading, title, author, year, (offered, by, published, publisher) in _EXAMPLES:
        people = (Contributor(by, ContributorRole.AUTHOR),)
        candidate = Candidate("isbndb", _ISBN, offered, people, published=PartialDate(published), publisher=publisher)
        verdict = judge(BookQuery(title, author, year), [candidate])
        yield f"\n**{heading}.** Asked: *{title}*, {author}, {year}. Offered: *{offered}*, {by}, {published}, {publisher}.\n"
        yield "| evidence | seen | decibans |\n|---|---|---:|"
        for line in verdict.evidence:
            if not line.points:
                continue
            yield f"| {line.name} | {line.detail} | {line.points:+d} |"
        total = sum(line.points for line in verdict.evidence)
        yield f"| **sum** | **{_answer(verdict)}** | **{total:+d}** |"


def _answer(verdict: Verdict) -> str:
    if verdict.accepted:
        return f"accepted, {verdict.certainty}, {verdict.confidence} %"
    return f"rejected: {(verdict.reason or '').replace('_', ' ')}, {verdict.confidence} %"


def _weights() -> Iterator[str]:
    for evidence, rows in groupby(weight_rows(), lambda row: row.evidence):
        if evidence == "prior":
            continue
        yield f"\n**{evidence}**\n\n| level | right | wrong | decibans | |\n|---|---:|---:|---:|---|"
        yield from map(_weight, sorted(rows, key=_by_weight))


def _by_weight(row: WeightRow) -> tuple[int, str]:
    return -row.decibans, row.level


def _weight(row: WeightRow) -> str:
    note = " rule" if row.by_rule else ""
    return f"| {row.level} | {row.right:,} | {row.wrong:,} | {row.decibans:+d} | {_bar(row.decibans)}{note} |"


def _bar(decibans: int) -> str:
    """A bar for a weight, one square for two decibans: filled for, empty against."""
    return ("■" if decibans > 0 else "□") * round(min(abs(decibans), 40) / 2)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
