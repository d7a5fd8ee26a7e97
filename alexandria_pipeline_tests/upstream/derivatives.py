"""Decoys: records that bear a work's title and a valid number, and are not the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alexandria_pipeline_tests.upstream import names
from alexandria_pipeline_tests.upstream.invented_isbns import Numbers, placeholder
from alexandria_pipeline_tests.upstream.model import Edition, Form, Kind, Origin, Work

if TYPE_CHECKING:
    from random import Random

# (kind, how often, title, by whom: the author, a hack, the author with a hack)
_FORMS: Final = (
    (Kind.STUDY_GUIDE, 0.16, ("{t} Study Guide", "Study Guide: {t} by {a}", "{t}: A Guide for Book Clubs"), "hack"),
    (Kind.SUMMARY, 0.22, ("Summary of {t} by {a}", "Summary: {t}", "{t} by {a}: Summary & Analysis", "SUMMARY of {a}'s {t}"), "hack"),
    (Kind.WORKBOOK, 0.07, ("Workbook for {t}", "{t} Workbook"), "hack"),
    (Kind.COMPANION, 0.07, ("The {t} Companion", "A Reader's Companion to {t}"), "hack"),
    (Kind.BOX_SET, 0.10, ("{t} Box Set", "{t} / {n} (2 Book Set)", "{a} Collection: {t}, {n}"), "author"),
    (Kind.SAMPLER, 0.06, ("{t}: Free Preview", "{t} - Chapter Sampler"), "author"),
    (Kind.CALENDAR, 0.04, ("{t} 2021 Wall Calendar", "{t}: 16-Month Calendar"), "author"),
    (Kind.GRAPHIC_NOVEL, 0.07, ("{t}: The Graphic Novel", "{t} (Graphic Novel)"), "both"),
    (Kind.SCREENPLAY, 0.03, ("{t}: The Screenplay", "{t}: The Shooting Script"), "author"),
    (Kind.PLACEHOLDER, 0.05, ("{t}",), "author"),
)  # fmt: skip


def derivatives_of(work: Work, rng: Random, numbers: Numbers) -> list[Edition]:
    """The derivatives of a work; neighbours have none."""
    if work.origin is not Origin.REAL:
        return []
    return [
        _derivative(work, kind, rng.choice(forms), by, rng, numbers)
        for kind, odds, forms, by in _FORMS
        if rng.random() < odds
    ]


def _derivative(work: Work, kind: Kind, form: str, by: str, rng: Random, numbers: Numbers) -> Edition:
    hack = f"{rng.choice(names.GIVEN)} {rng.choice(names.FAMILY)}"
    if by == "hack" and rng.random() < 0.3:
        hack = rng.choice(names.GUIDE_HOUSES)
    authors = {"author": work.authors, "hack": (hack,), "both": (hack, *work.authors)}[by]
    other = f"The {rng.choice(names.ADJECTIVES)} {rng.choice(names.NOUNS)}"
    own = kind in {Kind.PLACEHOLDER, Kind.BOX_SET, Kind.SAMPLER, Kind.CALENDAR}
    pages = work.editions[0].pages if kind is Kind.PLACEHOLDER else rng.randint(24, 160)
    return Edition(
        placeholder(rng) if kind is Kind.PLACEHOLDER else numbers.invented("en", rng), kind, work.number,
        form.format(t=work.title, a=work.authors[0], n=other), authors, f"{min(2025, work.year + rng.randint(0, 2))}-{rng.randint(1, 12):02d}",
        "en", rng.choice((Form.PAPERBACK, Form.PAPERBACK, Form.EBOOK)), rng.choice(names.HOUSES if own else names.GUIDE_HOUSES), pages,
    )  # fmt: skip
