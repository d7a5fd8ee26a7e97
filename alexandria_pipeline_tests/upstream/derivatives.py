"""Derivatives: records that have the title of a work and a valid ISBN, but are not editions of the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alexandria_pipeline_tests.upstream import names
from alexandria_pipeline_tests.upstream.invented_isbns import Numbers, placeholder
from alexandria_pipeline_tests.upstream.model import Edition, Form, Kind, Origin, Work

if TYPE_CHECKING:
    from random import Random

# (kind, probability, titles, author: the author of the work, an invented one, or both)
_FORMS: Final = (
    (Kind.STUDY_GUIDE, 0.16, ("{t} Study Guide", "Study Guide: {t} by {a}", "{t}: A Guide for Book Clubs"), "other"),
    (
        Kind.SUMMARY,
        0.22,
        ("Summary of {t} by {a}", "Summary: {t}", "{t} by {a}: Summary & Analysis", "SUMMARY of {a}'s {t}"),
        "other",
    ),
    (Kind.WORKBOOK, 0.07, ("Workbook for {t}", "{t} Workbook"), "other"),
    (Kind.COMPANION, 0.07, ("The {t} Companion", "A Reader's Companion to {t}"), "other"),
    (Kind.BOX_SET, 0.10, ("{t} Box Set", "{t} / {n} (2 Book Set)", "{a} Collection: {t}, {n}"), "author"),
    (Kind.SAMPLER, 0.06, ("{t}: Free Preview", "{t} - Chapter Sampler"), "author"),
    (Kind.CALENDAR, 0.04, ("{t} 2021 Wall Calendar", "{t}: 16-Month Calendar"), "author"),
    (Kind.GRAPHIC_NOVEL, 0.07, ("{t}: The Graphic Novel", "{t} (Graphic Novel)"), "both"),
    (Kind.SCREENPLAY, 0.03, ("{t}: The Screenplay", "{t}: The Shooting Script"), "author"),
    (Kind.PLACEHOLDER, 0.05, ("{t}",), "author"),
)


def derivatives_of(work: Work, rng: Random, numbers: Numbers) -> list[Edition]:
    """The derivatives of a work. Neighbours have none."""
    if work.origin is not Origin.REAL:
        return []
    return [
        _derivative(work, kind, rng.choice(forms), by, rng, numbers)
        for kind, probability, forms, by in _FORMS
        if rng.random() < probability
    ]


def _derivative(work: Work, kind: Kind, form: str, by: str, rng: Random, numbers: Numbers) -> Edition:
    other_author = f"{rng.choice(names.GIVEN)} {rng.choice(names.FAMILY)}"
    if by == "other" and rng.random() < 0.3:
        other_author = rng.choice(names.GUIDE_PUBLISHERS)
    authors = {"author": work.authors, "other": (other_author,), "both": (other_author, *work.authors)}[by]
    second_title = f"The {rng.choice(names.ADJECTIVES)} {rng.choice(names.NOUNS)}"
    same_publisher = kind in {Kind.PLACEHOLDER, Kind.BOX_SET, Kind.SAMPLER, Kind.CALENDAR}
    pages = work.editions[0].pages if kind is Kind.PLACEHOLDER else rng.randint(24, 160)
    return Edition(
        isbn13=placeholder(rng) if kind is Kind.PLACEHOLDER else numbers.invented("en", rng),
        kind=kind,
        work=work.number,
        title=form.format(t=work.title, a=work.authors[0], n=second_title),
        authors=authors,
        published=f"{min(2025, work.year + rng.randint(0, 2))}-{rng.randint(1, 12):02d}",
        language="en",
        form=rng.choice((Form.PAPERBACK, Form.PAPERBACK, Form.EBOOK)),
        publisher=rng.choice(names.PUBLISHERS if same_publisher else names.GUIDE_PUBLISHERS),
        pages=pages,
    )
