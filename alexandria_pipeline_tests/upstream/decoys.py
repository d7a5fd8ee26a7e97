"""Decoys: records that bear a work's title and a valid number, and are not the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alexandria_pipeline_tests.upstream import names
from alexandria_pipeline_tests.upstream.isbn_numbers import Numbers, placeholder
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


def decoys_of(work: Work, throw: Random, numbers: Numbers) -> list[Edition]:
    """The decoys of a work; neighbours have none."""
    if work.origin is not Origin.REAL:
        return []
    return [
        _decoy(work, kind, throw.choice(forms), by, throw, numbers)
        for kind, odds, forms, by in _FORMS
        if throw.random() < odds
    ]


def _decoy(work: Work, kind: Kind, form: str, by: str, throw: Random, numbers: Numbers) -> Edition:
    hack = f"{throw.choice(names.GIVEN)} {throw.choice(names.FAMILY)}"
    if by == "hack" and throw.random() < 0.3:
        hack = throw.choice(names.GUIDE_HOUSES)
    authors = {"author": work.authors, "hack": (hack,), "both": (hack, *work.authors)}[by]
    other = f"The {throw.choice(names.ADJECTIVES)} {throw.choice(names.NOUNS)}"
    own = kind in {Kind.PLACEHOLDER, Kind.BOX_SET, Kind.SAMPLER, Kind.CALENDAR}
    pages = work.editions[0].pages if kind is Kind.PLACEHOLDER else throw.randint(24, 160)
    return Edition(
        placeholder(throw) if kind is Kind.PLACEHOLDER else numbers.invented("en", throw), kind, work.number,
        form.format(t=work.title, a=work.authors[0], n=other), authors, f"{min(2025, work.year + throw.randint(0, 2))}-{throw.randint(1, 12):02d}",
        "en", throw.choice((Form.PAPERBACK, Form.PAPERBACK, Form.EBOOK)), throw.choice(names.HOUSES if own else names.GUIDE_HOUSES), pages,
    )  # fmt: skip
