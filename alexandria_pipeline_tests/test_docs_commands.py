"""The commands in the documents: each one is a command with these options, and those of the tour are executed."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from alexandria_pipeline.cli.app import app
from alexandria_pipeline_tests.processes import Site, succeeds

ROOT = Path(__file__).parent.parent
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"])

BLOCK = re.compile(r"^```(?P<info>sh|console|bash)(?P<test> test)?\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(?:\.venv/bin/)?(alexandria [^`]+)`")
MONTH_PLACES = {"MONTH": "2020-08", "A...B": "2020-01...2020-02"}


def _lines(page: Path) -> list[str]:
    """The `alexandria` commands of a page, from its blocks and its text."""
    text = page.read_text("utf-8")
    blocks = [line.strip() for block in BLOCK.finditer(text) for line in block["text"].splitlines()]
    inline = INLINE.findall(BLOCK.sub("", text))
    found = [line.removeprefix(".venv/bin/") for line in [*blocks, *inline]]
    return [line for line in found if line.startswith("alexandria ")]


COMMANDS = sorted({(page.relative_to(ROOT).as_posix(), line) for page in PAGES for line in _lines(page)})


def _parse(command: click.Command, name: str, arguments: list[str], tmp: Path) -> None:
    """Parses as click does, level by level, without running anything."""
    if isinstance(command, click.Group):
        with command.make_context(name, arguments[:1], resilient_parsing=True) as context:
            below, sub, rest = command.resolve_command(context, arguments)
            assert sub is not None
            _parse(sub, below or "", rest, tmp)
        return
    command.make_context(name, arguments, resilient_parsing=False).close()


def _arguments(line: str, tmp: Path) -> list[str]:
    """The arguments with files and months in the place of their names. Of alternatives (csv|jsonl) the first is taken."""
    words = shlex.split(line, comments=True)[1:]
    file = tmp / "file"
    file.write_text("")
    words = [word.split("|")[0] for word in words if word not in {"&", ">", "…"}]
    return [
        str(file)
        if re.fullmatch(r"F|FILE|FILE\.\w+|[\w.]+\.(gz|dump|jsonl|mrc|csv)", word)
        else MONTH_PLACES.get(word, word)
        for word in words
    ]


def test_the_documents_have_commands() -> None:
    assert len(COMMANDS) > 30


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=lambda value: value if isinstance(value, str) else None)
def test_every_command_of_the_documents_exists_with_these_options(page: str, line: str, tmp_path: Path) -> None:
    arguments = _arguments(line, tmp_path)
    if arguments == ["--help"]:
        return
    try:
        _parse(app, "alexandria", arguments, tmp_path)
    except click.exceptions.NoArgsIsHelpError:
        return
    except click.UsageError as error:
        # In running text a command may stand without its arguments.
        if not (isinstance(error, click.MissingParameter) and len(arguments) <= 2):
            pytest.fail(f"{page}: {line}: {error.format_message()}")


@pytest.mark.slow("starts a database and processes four months")
def test_the_tour_is_executed(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "tour.md").read_text("utf-8")
    blocks = [block["text"] for block in BLOCK.finditer(text) if block["test"]]
    assert len(blocks) >= 5
    site = Site(tmp_path, "", variables={"ALEXANDRIA_HOME": str(tmp_path / ".alexandria"), "COLUMNS": "160"})
    lines = [line for block in blocks for line in block.splitlines()]
    try:
        shown = [_output(site, line) for line in lines]
    finally:
        succeeds(site, "alexandria", "db", "stop")
    assert "20 (100.0 %)" in shown[0]
    assert "Deadlock" in "".join(shown)
    assert "work_key,title,author" in "".join(shown)
    assert (tmp_path / "books.dump").stat().st_size > 10_000


def _output(site: Site, line: str) -> str:
    """What a line prints, as in a shell."""
    words = shlex.split(line)
    if words[0] == "alexandria":
        return succeeds(site, *words)
    return subprocess.run(words, cwd=site.folder, capture_output=True, text=True, check=True).stdout
