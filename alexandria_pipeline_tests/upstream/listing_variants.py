"""The forms in which a model lists a book: misspellings, case, subtitles, series, and forms of the author's name."""

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


def listing_variant(work: Work, rng: Random, *, shorten: bool) -> tuple[str, str]:
    """(title, author) as listed. `shorten`: the main title alone identifies the work, so the subtitle may be left out."""
    title = _with_parts(work, rng, shorten=shorten)
    if rng.random() < ARTICLE and title.lower().startswith(("the ", "a ")) and len(title_key(title)) > 1:
        title = title.split(" ", 1)[1]
    if rng.random() < 0.3 and " and " in title:
        title = title.replace(" and ", " & ", 1)
    if rng.random() < MISSPELT:
        title = misspelt(title, rng)
    if rng.random() < RECASED:
        title = rng.choice((str.upper, str.lower, str.title))(title)
    return title, _author(work, rng)


def _with_parts(work: Work, rng: Random, *, shorten: bool) -> str:
    title = work.title
    if work.subtitle and (not shorten or rng.random() > SUBTITLE * 3):
        title = f"{title}: {work.subtitle}"
    elif not work.subtitle and work.origin is Origin.REAL and rng.random() < SUBTITLE:
        title = f"{title}: {rng.choice(('A Novel', 'A Novel', 'A Thriller'))}"
    if work.series and rng.random() < SERIES:
        name, number = work.series
        title = f"{title} {rng.choice(('({0}, #{1})', '({0}, Book {1})', '({0} #{1})')).format(name, number)}"
    return title


def _author(work: Work, rng: Random) -> str:
    people = list(work.authors)
    if len(people) > 1 and rng.random() < 0.3:
        people = people[:1]
    if rng.random() >= AUTHOR:
        return rng.choice((" and ", " and ", ", ", " with ")).join(people)
    form = rng.choice((last_first, initials, without_accents, str.upper))
    if rng.random() < 0.1:
        return misspelt(" and ".join(people), rng)
    return ("; " if form is last_first else " and ").join(map(form, people))
