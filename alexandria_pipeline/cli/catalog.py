"""`alexandria catalog`: fills the local catalogue from dumps and files, shows it, and looks books up in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alexandria_pipeline.cli.catalog_questions import question_batches
from alexandria_pipeline.cli.context import opened_catalog
from alexandria_pipeline.cli.output import AsJson, counted, new_table, print_json, print_table, say
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.operations.processes import available_cores

if TYPE_CHECKING:
    from alexandria_pipeline.operations.dump_import.importer import ImportProgress, ImportResult

LONG_FILE = 400_000
"""Bytes of a file of questions from which several processes are quicker than one, which needs no time to start."""

catalog = typer.Typer(no_args_is_help=True, help="The local catalogue of editions.")


@catalog.command("import")
def import_(
    editions: Annotated[str, typer.Option(help="Dump of editions, .gz or plain; - is standard input.", metavar="FILE")],
    works: Annotated[str | None, typer.Option(help="Dump of works.", metavar="FILE")] = None,
    authors: Annotated[str | None, typer.Option(help="Dump of authors.", metavar="FILE")] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(help="Keep editions in this language (eng, en); und: those that name none. Repeatable."),
    ] = None,
    since: Annotated[
        int | None, typer.Option(help="Keep editions published in this year or later.", min=1000, max=2200)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replaces the imported catalogue by a dump of Open Library (https://openlibrary.org/developers/dumps).

    Questions go on meanwhile. The same command resumes an import that was stopped. Bad lines: alexandria set-aside.
    """
    from alexandria_pipeline.operations.dump_import.importer import import_dump  # noqa: PLC0415 - only needed here
    from alexandria_pipeline.operations.dump_import.options import ImportOptions  # noqa: PLC0415
    from alexandria_pipeline.operations.dump_import.reader import DumpFile  # noqa: PLC0415

    given = {"authors": authors, "works": works, "editions": editions}
    files = [DumpFile(role, path) for role, path in given.items() if path is not None]
    options = ImportOptions(frozenset(_language(each) for each in language or ()), since)
    with opened_catalog() as (_, database), _progress_bar() as show:
        result = import_dump(database, files, options, show)
    if as_json:
        print_json(asdict(result))
    else:
        _print_result(result)


@catalog.command("load")
def load(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files with title, author and isbn13: .tsv, .csv, .jsonl or MARC (.mrc).", metavar="FILE..."
        ),
    ],
) -> None:
    """Adds editions to the local catalogue. Bad rows are skipped and counted."""
    from alexandria_pipeline.operations.catalog import load_catalog, read_file  # noqa: PLC0415 - only needed here

    with opened_catalog() as (_, database):
        for file in files:
            loaded = load_catalog(database, file.name, read_file(file))
            if loaded is None:
                say(f"{file}: was loaded before; nothing to do.")
            else:
                say(
                    f"{file}: {counted(loaded.editions, 'edition')}, {loaded.added} of them new; {counted(loaded.skipped, 'row')} skipped"
                    + (" (see: alexandria set-aside)." if loaded.skipped else ".")
                )


@catalog.command("status")
def status(as_json: AsJson = False) -> None:
    """What the local catalogue holds: sources, editions, size on disk, age."""
    from alexandria_pipeline.storage.catalog import Catalog  # noqa: PLC0415 - only needed here

    with opened_catalog() as (_, database):
        found = Catalog(database)
        sources, sizes = found.sources(), found.sizes()
    if as_json:
        print_json({"editions": sum(row["editions"] for row in sources), "bytes": sizes, "sources": sources})
        return
    table = new_table("Local catalogue", "source", "kind", "editions", "rejected", "loaded")
    for row in sources:
        table.add_row(
            row["name"],
            row["kind"],
            f"{row['editions']:,}",
            f"{row['rejected']:,}",
            f"{row['loaded_at']:%Y-%m-%d %H:%M}",
        )
    print_table(table)
    say(f"Size on disk with indexes: files {sizes['file'] / 2**20:,.1f} MiB, dump {sizes['dump'] / 2**20:,.1f} MiB")


@catalog.command("drop")
def drop(name: Annotated[str, typer.Argument(help="A source that `alexandria catalog status` names.")]) -> None:
    """Removes the editions of a source from the local catalogue."""
    from alexandria_pipeline.storage.catalog import Catalog  # noqa: PLC0415 - only needed here

    with opened_catalog() as (_, database):
        if not Catalog(database).drop(name):
            raise InvalidValue(f"The catalogue has no source {name!r}; see: alexandria catalog status")
    say(f"{name}: dropped.")


@catalog.command("lookup")
def lookup(
    file: Annotated[
        str, typer.Argument(help='JSON lines {"title", "author", "year"?}; - is standard input.', metavar="FILE")
    ],
    as_json: AsJson = False,
) -> None:
    """Looks books up in the local catalogue: one line per question, in their order. Calls no service."""
    from alexandria_pipeline.operations.catalog_lookup import answers  # noqa: PLC0415 - only needed here

    with opened_catalog() as (settings, database):
        for batch in answers(database, question_batches(file, settings.language), _processes(file)):
            for answer in batch:
                if as_json:
                    sys.stdout.write(json.dumps(asdict(answer)) + "\n")
                else:
                    sys.stdout.write(f"{answer.isbn13 or '-':13}  {answer.confidence:3}  {answer.work or ''}\n")
            sys.stdout.flush()


def _processes(file: str) -> int:
    """One for a stream, whose reader may wait for each answer; one a core for a file of some thousand questions."""
    is_long = file != "-" and Path(file).is_file() and Path(file).stat().st_size > LONG_FILE
    return available_cores() if is_long else 1


def _language(name: str) -> str:
    from alexandria_pipeline.providers.common.languages import language  # noqa: PLC0415 - only needed here

    code = "und" if name.strip().lower() == "und" else language(name)
    if code is None:
        raise InvalidValue(
            f"{name!r} is no language: give a code such as eng or en, or und for editions that name none"
        )
    return code


@contextmanager
def _progress_bar() -> Iterator[Callable[[ImportProgress], None]]:
    """Shows file, bytes, lines a second and time left on standard error, when that is a terminal."""
    from rich.console import Console  # noqa: PLC0415 - only needed here
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[lines]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, tuple[TaskID, int]] = {}

        def show(now: ImportProgress) -> None:
            if now.file not in tasks:
                tasks[now.file] = bar.add_task(now.file, total=now.size, lines=""), now.lines
            task, before = tasks[now.file]
            lines = now.lines - before
            elapsed = bar.tasks[task].elapsed or 0
            rate = f"{lines:,} lines, {lines / elapsed:,.0f}/s" if elapsed else ""
            bar.update(
                task, completed=now.bytes_read, lines=rate + (f", {now.rejected:,} rejected" if now.rejected else "")
            )

        yield show


def _print_result(result: ImportResult) -> None:
    say(f"{result.editions:,} editions (one per ISBN) are in the catalogue" + (", resumed." if result.resumed else "."))
    for name, count in sorted(result.counts.items()):
        if name != "editions":
            say(f"{count:>14,}  {name}" + ("  (see: alexandria set-aside)" if name == "rejected" else ""))
