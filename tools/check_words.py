"""Rejects the words that the glossary retires, in names, docstrings, comments, messages and documents.

The words are the last table of docs/glossary.md, so that there is one list for people and for this check. In tests and
benchmarks, string literals are not searched: they are data, such as book titles.
"""

from __future__ import annotations

import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent
GLOSSARY: Final = "docs/glossary.md"
SECTION: Final = "## Words that are not used"

FOLDERS: Final = ("alexandria_pipeline", "alexandria_pipeline_tests", "benchmarks", "deploy", "docs", "tools")
TOP_LEVEL: Final = ("*.md", "*.yaml", "*.yml", "*.toml", "Makefile", "Dockerfile")
SUFFIXES: Final = frozenset(
    {".py", ".sql", ".rq", ".md", ".html", ".j2", ".yaml", ".yml", ".toml", ".sh", ".js", ".css"}
)
DATA: Final = ("alexandria_pipeline_tests/", "benchmarks/")

NOT_SEARCHED: Final = {
    "alexandria_pipeline/storage/sql/migrations": "shipped migrations are never edited",
    "alexandria_pipeline_tests/payloads": "responses of services, restated",
    "tools/check_words.py": "its exceptions name the words",
    "alexandria_pipeline/providers/sample": "a list and a catalogue of real books",
}

BETWEEN: Final = "\0"  # between the pieces of a file; no word goes over it

# Names that are contracts, and words of other people. They are removed before the search.
ALLOWED: Final = {
    "set_aside": "table; a column of catalog_load",
    "set-aside": "command",
    "told_at": "column of quota_usage",
    "q.told": "column of quota_usage",
    "told = %(reported)s": "column of quota_usage",
    '"told"': "metadata of the check call_accounting",
    '"says"': "member of `alexandria rollout status --json`",
    '"said"': "member of enriched_works.metadata",
    "0006-what-a-title-says-more": "file name of a decision, which links refer to",
    '"nobody"': "an account of the operating system",
    "SHUT_RDWR": "a constant of the module socket",
    "illustrated|told": "an author line of the New York Times: as told by ...",
}


class Rule(NamedTuple):
    """A retired word as a pattern, and what to write instead."""

    pattern: re.Pattern[str]
    instead: str


class Text(NamedTuple):
    """A piece of a file that is searched: the line on which it begins, and its text."""

    line: int
    text: str


def rules(glossary: str) -> list[Rule]:
    """The rules of the glossary's last table. Raises ValueError if there is none."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in glossary.partition(SECTION)[2].splitlines()
        if line.startswith("| ")
    ][1:]
    found = [
        Rule(_pattern(form), f"{name}: write {instead}")
        for name, instead, forms in rows
        for form in re.findall(r"`([^`]+)`", forms)
    ]
    if not found:
        raise ValueError(f"{GLOSSARY} has no table below {SECTION!r}")
    return found


def _pattern(form: str) -> re.Pattern[str]:
    """A form of the glossary as a pattern for whole words. A cell cannot contain "|", so (?:a,b) means a or b there."""
    alternatives = re.sub(r"\(\?:([^()]*)\)", lambda group: f"(?:{group[1].replace(',', '|')})", form)
    spaced = alternatives.replace(" ", r"\s+")
    return re.compile(rf"\b(?:{spaced})\b", re.IGNORECASE)


def findings(path: str, text: str, retired: list[Rule]) -> Iterator[str]:
    """A message for each retired word in a file."""
    pieces: Iterable[Text] = [Text(1, text)]
    if path.endswith(".py"):
        pieces = _pieces_of_python(text, strings=not path.startswith(DATA))
    if path == GLOSSARY:
        pieces = [Text(1, text.partition(SECTION)[0])]
    listed = list(pieces)
    plain = _plain(BETWEEN.join(piece.text for piece in listed))
    if not any_of(tuple(retired)).search(plain):
        return
    for pattern, instead in retired:
        for match in pattern.finditer(plain):
            piece = listed[plain.count(BETWEEN, 0, match.start())]
            begin = plain.rfind(BETWEEN, 0, match.start()) + 1
            line = piece.line + plain.count("\n", begin, match.start())
            yield f"{path}:{line}: {' '.join(match[0].split())!r} is retired ({instead})"


@cache
def any_of(retired: tuple[Rule, ...]) -> re.Pattern[str]:
    """A pattern for all words: most files have none of them."""
    return re.compile("|".join(f"(?:{rule.pattern.pattern})" for rule in retired), re.IGNORECASE)


def _plain(text: str) -> str:
    """The text without allowed names, and with the words of names apart: "takenBack" and "taken_back" become "taken back"."""
    for name in ALLOWED:
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![a-z])", " ", text)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ")


def _pieces_of_python(text: str, *, strings: bool) -> Iterator[Text]:
    """Names, comments and docstrings, and other strings if `strings`. Comments on consecutive lines are one piece."""
    lines = iter(text.splitlines(keepends=True))
    comment: list[str] = []
    begins = 0
    starts_statement = True
    for token in tokenize.generate_tokens(lambda: next(lines, "")):
        if token.type == tokenize.COMMENT:
            begins = begins or token.start[0]
            comment.append(token.string.lstrip("#"))
            continue
        if comment and token.type != tokenize.NL:
            yield Text(begins, "\n".join(comment))
            comment, begins = [], 0
        if token.type == tokenize.NAME or (token.type == tokenize.STRING and (strings or starts_statement)):
            yield Text(token.start[0], token.string)
        starts_statement = token.type in {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.NL} and (
            starts_statement or token.type != tokenize.NL
        )


def searched() -> Iterator[Path]:
    """The files that are searched."""
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.suffix in SUFFIXES]
    files += [file for form in TOP_LEVEL for file in ROOT.glob(form)]
    for file in sorted(files):
        name = file.relative_to(ROOT).as_posix()
        if file.is_file() and not any(name == each or name.startswith(f"{each}/") for each in NOT_SEARCHED):
            yield file


def main() -> int:
    """Prints every finding; 1 if there is one."""
    retired = rules((ROOT / GLOSSARY).read_text("utf-8"))
    found = [
        message
        for file in searched()
        for message in findings(file.relative_to(ROOT).as_posix(), file.read_text("utf-8"), retired)
    ]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
