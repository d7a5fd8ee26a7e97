"""The dress in which a model lists a book: slips, case, subtitles, series, and the many ways to write a name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alexandria_pipeline_tests.upstream.model import Origin, Work
from alexandria_pipeline_tests.upstream.words import initials, last_first, misspelt, title_key, without_accents

if TYPE_CHECKING:
    from random import Random

MISSPELT: Final = 0.10
RECASED: Final = 0.10
SUBTITLE: Final = 0.12
SERIES: Final = 0.5
ARTICLE: Final = 0.05
AUTHOR: Final = 0.25


def dressed(work: Work, throw: Random, *, shorten: bool) -> tuple[str, str]:
    """(title, author) as listed. `shorten`: the main title alone names the work, so its subtitle may be left out."""
    title = _with_parts(work, throw, shorten=shorten)
    if throw.random() < ARTICLE and title.lower().startswith(("the ", "a ")) and len(title_key(title)) > 1:
        title = title.split(" ", 1)[1]
    if throw.random() < 0.3 and " and " in title:
        title = title.replace(" and ", " & ", 1)
    if throw.random() < MISSPELT:
        title = misspelt(title, throw)
    if throw.random() < RECASED:
        title = throw.choice((str.upper, str.lower, str.title))(title)
    return title, _author(work, throw)


def _with_parts(work: Work, throw: Random, *, shorten: bool) -> str:
    title = work.title
    if work.subtitle and (not shorten or throw.random() > SUBTITLE * 3):
        title = f"{title}: {work.subtitle}"
    elif not work.subtitle and work.origin is Origin.REAL and throw.random() < SUBTITLE:
        title = f"{title}: {throw.choice(('A Novel', 'A Novel', 'A Thriller'))}"
    if work.series and throw.random() < SERIES:
        name, number = work.series
        title = f"{title} {throw.choice(('({0}, #{1})', '({0}, Book {1})', '({0} #{1})')).format(name, number)}"
    return title


def _author(work: Work, throw: Random) -> str:
    people = list(work.authors)
    if len(people) > 1 and throw.random() < 0.3:
        people = people[:1]
    if throw.random() >= AUTHOR:
        return throw.choice((" and ", " and ", ", ", " with ")).join(people)
    form = throw.choice((last_first, initials, without_accents, str.upper))
    if throw.random() < 0.1:
        return misspelt(" and ".join(people), throw)
    return ("; " if form is last_first else " and ").join(map(form, people))
