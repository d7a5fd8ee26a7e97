"""`alexandria reviewers`: who may decide on near misses in the browser."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Annotated

import typer
from argon2 import PasswordHasher

from alexandria_pipeline.cli.output import say, say_exactly
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.reviewers import NAME, parse_reviewers, written
from alexandria_pipeline.settings import load_settings

MIN_PASSWORD = 10  # characters

app = typer.Typer(no_args_is_help=True, help="Reviewers: who may decide on near misses in the browser, at /review.")

Name = Annotated[str, typer.Argument(help="Name of the person; stored with every decision.", metavar="NAME")]


@app.command()
def add(name: Name) -> None:
    """Asks for a password and prints the line for `.env`, with all reviewers of today and this one."""
    if not NAME.fullmatch(name):
        raise InvalidValue(f"{name!r} is not a name of up to 60 letters, digits and . @ + - _ without spaces")
    reviewers = {**_present(), name: PasswordHasher().hash(_password())}
    say("Put this line into .env in the place of an earlier one, and start `alexandria serve` again:", err=True)
    say_exactly(f"ALEXANDRIA_REVIEWERS='{written(reviewers)}'")


@app.command("list")
def list_reviewers() -> None:
    """Prints the names of the reviewers."""
    names = list(_present())
    say("\n".join(names) if names else "No reviewers: the pages of the review are read-only.")


def _present() -> dict[str, str]:
    given = load_settings().reviewers
    return dict(parse_reviewers(given.get_secret_value())) if given else {}


def _password() -> str:
    """The password: asked for twice on a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        password = getpass("Password: ")
        if getpass("The same again: ") != password:
            raise InvalidValue("the two passwords differ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < MIN_PASSWORD:
        raise InvalidValue(f"the password must have at least {MIN_PASSWORD} characters")
    return password
