"""`alexandria show`, `lock`, `works` and `authors`: the library's fields with their sources, and which rows are one."""

from __future__ import annotations

import getpass
import json
from typing import Annotated, Any

import typer

from alexandria_pipeline.cli.context import opened_database
from alexandria_pipeline.cli.output import AsJson, cell, new_table, print_json, print_table, say
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.merging.claims import Judged, Lock
from alexandria_pipeline.operations import library
from alexandria_pipeline.operations.recompute import recompute

Named = Annotated[
    str, typer.Argument(help="An ISBN, the key of a work, or the key or name of an author.", metavar="NAME")
]
By = Annotated[str | None, typer.Option("--by", help="Who decides; default: your user name.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without this, only the result is shown.")]

works = typer.Typer(help="Works: shows one, joins two that are one, or keeps two apart.", no_args_is_help=True)
authors = typer.Typer(help="Authors: shows one, joins two that are one, or keeps two apart.", no_args_is_help=True)


def show(name: Named, as_json: AsJson = False) -> None:
    """Shows every field of an edition, work or author: its value, its source, and what lost against it."""
    with opened_database() as (_, database):
        shown = library.show(database, name)
    if as_json:
        print_json(shown)
        return
    say(f"{shown['kind']} {shown['key']}: completeness {shown['completeness']}, quality {shown['quality']}")
    table = new_table("", "field", "value", "source", "other sources")
    for field in shown["fields"]:
        others = "; ".join(f"{lost['source']}: {_short(lost['value'])}" for lost in field["lost"])
        source = field["source"] if isinstance(field["source"], str) else ", ".join(field["source"] or ())
        table.add_row(field["field"], cell(_short(field["value"])), source, cell(others))
    print_table(table)
    for field, detail in shown["conflicts"].items():
        say(f"The sources contradict each other: {field}: {detail}")


def lock(
    name: Named,
    field: Annotated[str, typer.Argument(help="The field, as `alexandria show` names it.")],
    value: Annotated[
        str | None, typer.Argument(help="The value: text, or JSON for a number, a list or an object.")
    ] = None,
    nothing: Annotated[bool, typer.Option("--nothing", help="Show no value.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Withdraw the lock.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Locks a field to a value, or to nothing. Nothing overrides a lock but another one."""
    if sum([value is not None, nothing, remove]) != 1:
        raise InvalidValue("give a value, --nothing or --remove")
    chosen = None if remove else Lock(nothing=True) if nothing else Lock(_value(str(value)))
    with opened_database() as (_, database):
        thing = library.lock(database, name, field, chosen, by or getpass.getuser())
    if as_json:
        print_json({"kind": thing.kind, "key": thing.key, "field": field, "locked": not remove})
        return
    say(f"{thing.kind} {thing.key}: {field} {'is free again' if remove else 'is locked'}")


@works.command("show")
def show_work(name: Named, as_json: AsJson = False) -> None:
    """The same as `alexandria show`."""
    show(name, as_json)


@works.command("merge")
def merge_works(left: Named, right: Named, yes: Yes = False, by: By = None, as_json: AsJson = False) -> None:
    """Joins two works. Shows both rows and the result; `--yes` joins them."""
    _judge("work", left, right, by, yes=yes, as_json=as_json)


@works.command("split")
def split_works(left: Named, right: Named, by: By = None, as_json: AsJson = False) -> None:
    """Keeps two works apart: withdraws what joined them, and no run joins them again."""
    _split("work", left, right, by, as_json=as_json)


@works.command("doubts")
def doubtful_works(as_json: AsJson = False) -> None:
    """Lists works that may be one: what speaks for it, and the guard that refuses. `merge` or `split` decides."""
    _doubts("work", as_json=as_json)


@works.command("recompute")
def recompute_works(
    processes: Annotated[
        int | None, typer.Option(min=1, help="Number of processes; default: one, or one per core for a large library.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Computes all works, editions and authors again from what the sources stated, as after an upgrade that changes rules."""
    with opened_database() as (_, database):
        counts = recompute(database, f"recomputed by {getpass.getuser()}", processes)
    if as_json:
        print_json(counts)
        return
    table = new_table("", "kind", "computed", "changed")
    for kind, each in counts.items():
        table.add_row(kind, str(each["computed"]), str(each["changed"]))
    print_table(table)


@authors.command("show")
def show_author(name: Named, as_json: AsJson = False) -> None:
    """The same as `alexandria show`."""
    show(name, as_json)


@authors.command("merge")
def merge_authors(left: Named, right: Named, yes: Yes = False, by: By = None, as_json: AsJson = False) -> None:
    """Joins two authors. Shows both rows and the result; `--yes` joins them."""
    _judge("author", left, right, by, yes=yes, as_json=as_json)


@authors.command("split")
def split_authors(left: Named, right: Named, by: By = None, as_json: AsJson = False) -> None:
    """Keeps two authors apart: withdraws what joined them, and no run joins them again."""
    _split("author", left, right, by, as_json=as_json)


@authors.command("doubts")
def doubtful_authors(as_json: AsJson = False) -> None:
    """Lists authors that may be one: what speaks for it, and the guard that refuses. `merge` or `split` decides."""
    _doubts("author", as_json=as_json)


def _doubts(kind: Judged, *, as_json: bool) -> None:
    with opened_database() as (_, database):
        found = library.doubts(database, kind)
    if as_json:
        print_json(found)
        return
    table = new_table("", "one", "other", "evidence", "refused by")
    for doubt in found:
        sides = (
            f"{doubt[f'{side}_title']} ({doubt[f'{side}_author'] or ''})\n{doubt[f'{side}_key']}"
            for side in ("left", "right")
        )
        table.add_row(*map(cell, sides), cell(doubt["rule"]), cell(doubt["guard"] or ""))
    print_table(table)


def _judge(kind: Judged, left: str, right: str, by: str | None, *, yes: bool, as_json: bool) -> None:
    with opened_database() as (_, database):
        shown = library.preview(database, kind, left, right)
        changed = library.judge(database, kind, left, right, "same", by or getpass.getuser()) if yes else []
    if as_json:
        print_json({**shown, "changed": changed})
        return
    table = new_table("", "field", shown["left"], shown["right"], "merged")
    for field in shown["fields"]:
        table.add_row(field["field"], *(cell(_short(field[side])) for side in ("left", "right", "merged")))
    print_table(table)
    say(f"Joined: {', '.join(changed)}" if yes else "Nothing was changed. Add --yes to join them.")


def _split(kind: Judged, left: str, right: str, by: str | None, *, as_json: bool) -> None:
    with opened_database() as (_, database):
        changed = library.judge(database, kind, left, right, "different", by or getpass.getuser())
    if as_json:
        print_json({"kind": kind, "kept_apart": changed})
        return
    say(f"Kept apart: {', '.join(changed)}")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
