"""The `alexandria` command: the table of its commands and the entry point.

Each topic has a module, which is imported when one of its commands is used: `alexandria --help` imports none. A command
parses its arguments, calls an operation or a storage query, and prints the result.

Exit status: 0 for an answer (also "not found"), 1 for a failure, 2 for wrong arguments or settings.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

import click
import typer
from typer.core import TyperCommand, TyperGroup

from alexandria_pipeline.domain.errors import AlexandriaError, InvalidValue, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "run": (
        "run:run",
        "Processes months: lists, stores, resolves and checks their books. Exit status 1 unless all are completed.",
    ),
    "status": ("books:status", "Shows the months with their books, ISBNs and key figures."),
    "books": ("books:books", "Shows the books of a month with their ISBN, or the reason why they have none."),
    "show": (
        "library:show",
        "Shows every field of an edition, work or author: its value, its source, and what lost against it.",
    ),
    "lock": ("library:lock", "Locks a field to a value, or to nothing. Nothing overrides a lock but another one."),
    "works": ("library:works", "Works: shows one, joins two that are one, or keeps two apart."),
    "authors": ("library:authors", "Authors: shows one, joins two that are one, or keeps two apart."),
    "explain": (
        "review:explain",
        "Shows why each book has its ISBN or none: attempts with evidence, calls, and review decisions.",
    ),
    "reviewers": ("reviewers:app", "Reviewers: who may decide on near misses in the browser, at /review."),
    "set-aside": (
        "books:skipped_rows",
        "Shows skipped rows of lists, catalogues and replies, and listed ISBNs that were not used, with line and reason.",
    ),
    "report": (
        "report:report",
        "Shows books, calls, tokens, cost and time by month, phase, service and model, with a cost projection.",
    ),
    "export": (
        "export:export",
        "Writes works and their editions to files that other programs read, with a datapackage.json that describes them.",
    ),
    "serve": (
        "serve:serve",
        "Serves the status page, metrics for Prometheus, and the read API; see /openapi.json and /api/v1/openapi.json.",
    ),
    "resolve": (
        "services:resolve",
        "Searches the ISBN of one book and shows the evidence; stores nothing but the calls.",
    ),
    "fetch": (
        "services:fetch",
        "Requests one capability for one item, from each provider in order until one answers; stores nothing but the calls.",
    ),
    "providers": ("services:providers", "Shows which service offers which capability, and whether it is available."),
    "quota": (
        "services:quota",
        "Shows the calls of each service today, what is left, and the state of its circuit breaker.",
    ),
    "services": ("services:services", "The services that are called."),
    "rollout": ("rollout:app", "The backfill by phases: state, next months, and operator decisions."),
    "review": ("review:app", "Near misses: candidates that were nearly accepted, for a person to decide."),
    "catalog": ("catalog:catalog", "The local catalogue of editions."),
    "db": ("database:db", "The database: a local server, or the server of ALEXANDRIA_DATABASE_URL."),
    "evaluate": (
        "evaluate:evaluate",
        "Compares the matcher's answers with labelled cases; names bad lines and skips them.",
    ),
    "doctor": (
        "doctor:doctor",
        "Checks settings, keys, services, database, clocks, models, quotas, disk and ports. Exit status 1 on a fault.",
    ),
}
"""Each command: the function or Typer app in this package, and its help. A test compares the help with the docstrings."""


class LazyCommands(TyperGroup):
    """The group of all commands. It imports a command when the command runs, and none for the list of commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the interface of click
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the interface of click
        """A command with its name and help only, for the list of commands."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1]) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that runs. Unknown names are refused as `click` does it."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else None, rest


def load(name: str) -> click.Command:
    """Imports a command."""
    module, attribute = COMMANDS[name][0].split(":")
    target = getattr(import_module(f"alexandria_pipeline.cli.{module}"), attribute)
    if isinstance(target, typer.Typer):
        return typer.main.get_group(target)
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name)(target)
    return typer.main.get_command(single)


app = LazyCommands(
    name="alexandria",
    help="Fills a book database, month by month.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"max_content_width": 150},
)


def main() -> None:
    """Runs the command; prints an expected error as one sentence."""
    try:
        app()
    except (SettingsError, InvalidValue) as error:
        _fail(error, 2)
    except AlexandriaError as error:
        _fail(error, 1)


def _fail(error: Exception, status: int) -> None:
    from alexandria_pipeline.cli.output import say  # noqa: PLC0415 - loads rich

    say(f"alexandria: {error}", err=True)
    raise SystemExit(status)


if __name__ == "__main__":
    main()
