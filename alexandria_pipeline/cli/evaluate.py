"""`alexandria evaluate`: precision and recall of the matcher on labelled cases of the user's own. Needs no database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from alexandria_pipeline.cli.output import AsJson, cell, new_table, print_json, print_table, say

_COLUMNS = (
    "cases",
    "right",
    "wrong",
    "missed",
    "rightly_refused",
    "sure_and_wrong",
    "precision",
    "recall",
    "pairs",
    "pairs_right",
)


def evaluate(
    file: Annotated[
        Path, typer.Argument(help="Labelled cases, one JSON object a line.", exists=True, dir_okay=False, readable=True)
    ],
    as_json: AsJson = False,
) -> None:
    """Compares the matcher's answers with labelled cases; names bad lines and skips them."""
    from alexandria_pipeline.operations import evaluate as evaluation  # noqa: PLC0415 - only needed here

    with file.open(encoding="utf-8", errors="replace") as lines:
        cases, bad = evaluation.read_cases(lines)
    for one in bad:
        say(f"{file}, line {one.line}: skipped, {one.reason}", err=True)
    answer = evaluation.evaluate(cases)
    if as_json:
        print_json(answer)
        return
    table = new_table("", "kind", *(name.replace("_", " ") for name in _COLUMNS))
    for kind, figures in answer["by_kind"].items():
        table.add_row(kind, *(cell(figures[name]) for name in _COLUMNS))
    table.add_section()
    table.add_row("all", *(cell(answer[name]) for name in _COLUMNS))
    print_table(table)
    for failure in answer["failures"]:
        _print_failure(failure)


def _print_failure(failure: dict[str, Any]) -> None:
    say(f"{failure['id']} ({failure['kind']}): {_listing(failure['asked'])}")
    say(f"    answer {_isbn(failure['answer'])}, right {_isbn(failure['right'])}")
    for line in failure["evidence"]:
        say(f"    {line['points']:+d} {line['name']}: {line['detail']}")


def _listing(asked: dict[str, Any] | list[dict[str, Any]]) -> str:
    listings = asked if isinstance(asked, list) else [asked]
    return " = ".join(f"{one['title']} / {one['author']}" for one in listings)


def _isbn(answer: object) -> str:
    if isinstance(answer, bool):
        return "same book" if answer else "different books"
    values = answer if isinstance(answer, list) else [answer]
    return " or ".join("none" if value is None else str(value) for value in values)
