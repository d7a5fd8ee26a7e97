"""Every pattern of the package reads its worst texts in linear time, so that no text from outside can stop a process.

Patterns are found in the sources (arguments of `re` functions, names and how they are used) and in the modules (compiled from data
files). The worst texts repeat a sample of each repeated part of the pattern, with and without a beginning that the pattern accepts,
and end with something that it does not. A pattern fails when four times as much text takes more than eight times as long (linear is
4, quadratic 16), from 500 to 2,000 characters and from there to 8,000, and when 100 kB would then take more than 50 ms. Time is CPU time
of this process, best of three, so that a busy machine fails nothing.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from re import _constants as opcodes  # type: ignore[attr-defined] # what `sre_parse` was before 3.11; only the shape is read
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

import pytest

import alexandria_pipeline

pytestmark = pytest.mark.slow("measures each pattern of the package")

SIZES: Final = (500, 2_000, 8_000)  # characters
GROWTH: Final = 8  # times, from one size to the next
LIMIT: Final = 0.05 * (8_000 / 100_000) ** 2  # seconds of CPU for the last size, if 100 kB may take 50 ms

PACKAGE: Final = Path(alexandria_pipeline.__file__).parent
FUNCTIONS: Final = {"compile", "sub", "subn", "search", "match", "fullmatch", "split", "findall", "finditer"}
ANCHORED: Final = {"match", "fullmatch"}
LETTERS: Final = ("a", "A", "1", " ", "-", ".", ",", "(", ":", "'", "é", "\n")


def _uses(tree: ast.Module) -> dict[str, set[str]]:
    """The methods that a module calls on each name, or on the names of a loop over it: {"_WORD": {"sub", "search"}}."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in FUNCTIONS and isinstance(node.value, ast.Name):
            found.setdefault(node.value.id, set()).add(node.attr)
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.comprehension):
            methods = set[str]().union(*(found.get(name, ()) for name in _names(node.target)))
            for name in _names(node.iter):
                found[name] = found.get(name, set()) | methods
    return found


def _names(node: ast.AST) -> list[str]:
    return [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]


def _patterns() -> dict[tuple[str, int], tuple[str, set[str]]]:
    """Each pattern with its flags, one place where it stands, and the methods by which it is used."""
    found: dict[tuple[str, int], tuple[str, set[str]]] = {}

    def add(pattern: re.Pattern[Any], place: str, methods: set[str]) -> None:
        if isinstance(pattern.pattern, str):
            earlier = found.get((pattern.pattern, pattern.flags))
            found[pattern.pattern, pattern.flags] = (place, methods | (earlier[1] if earlier else set()))

    for info in pkgutil.walk_packages([str(PACKAGE)], "alexandria_pipeline."):
        module = importlib.import_module(info.name)
        uses = _uses(ast.parse(Path(str(module.__file__)).read_text("utf-8")))
        for name, value in vars(module).items():
            for pattern in _inside(value):
                add(pattern, f"{info.name}.{name}", uses.get(name) or {"search"})
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in FUNCTIONS - {"compile"}
            ):
                is_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
                if is_re and node.args and (text := _written(node.args[0])) is not None:
                    place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                    add(re.compile(text, _flags(node)), place, {node.func.attr})
    return found


def _written(pattern: ast.expr) -> str | None:
    """A pattern in the source; in an f-string, "x" stands for each value. None for a name, which the modules have."""
    if isinstance(pattern, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "x" for part in pattern.values]
        return "".join(map(str, parts))
    return pattern.value if isinstance(pattern, ast.Constant) and isinstance(pattern.value, str) else None


def _flags(call: ast.Call) -> re.RegexFlag:
    """The flags that a call of a function of `re` states, by name or as its argument."""
    given = [word.value for word in call.keywords if word.arg == "flags"] + call.args[1:]
    names = [each for argument in given for each in ast.walk(argument) if isinstance(each, ast.Attribute)]
    flags = re.NOFLAG
    for name in names:
        if isinstance(name.value, ast.Name) and name.value.id == "re":
            flags |= getattr(re, name.attr)
    return flags


def _inside(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    """The compiled patterns in a value of a module: itself, or in its containers and records."""
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 3 and isinstance(value, dict):
        for each in [*value, *value.values()]:
            yield from _inside(each, depth + 1)
    elif depth < 3 and type(value) in (list, tuple, set, frozenset):
        for each in value:
            yield from _inside(each, depth + 1)
    elif depth < 3 and type(value).__module__.startswith("alexandria_pipeline"):
        for name in getattr(type(value), "__dataclass_fields__", ()):
            yield from _inside(getattr(value, name, None), depth + 1)


def _sample(items: Any) -> str:
    """A short text that these parts of a pattern accept, look-arounds left out."""
    text = ""
    for code, argument in items:
        if code is opcodes.LITERAL:
            text += chr(argument)
        elif code is opcodes.NOT_LITERAL:
            text += "a" if argument != ord("a") else "b"
        elif code is opcodes.ANY:
            text += "a"
        elif code is opcodes.IN:
            text += _member(argument)
        elif code is opcodes.BRANCH:
            text += _sample(argument[1][0])
        elif code is opcodes.SUBPATTERN:
            text += _sample(argument[-1])
        elif code is opcodes.ATOMIC_GROUP:
            text += _sample(argument)
        elif code in (opcodes.MAX_REPEAT, opcodes.MIN_REPEAT, opcodes.POSSESSIVE_REPEAT):
            text += _sample(argument[2]) * max(1, min(argument[0], 50))
    return text


def _member(items: Any) -> str:
    """A character of a set."""
    negated = any(code is opcodes.NEGATE for code, _ in items)
    samples = {
        "CATEGORY_DIGIT": "1",
        "CATEGORY_SPACE": " ",
        "CATEGORY_WORD": "a",
        "CATEGORY_NOT_SPACE": "a",
        "CATEGORY_NOT_WORD": "-",
        "CATEGORY_NOT_DIGIT": "a",
    }
    for code, argument in items:
        if code is opcodes.LITERAL and not negated:
            return chr(argument)
        if code is opcodes.RANGE and not negated:
            return chr(argument[0])
        if code is opcodes.CATEGORY and not negated:
            return samples[str(argument)]
    taken = re.compile(
        "[" + "".join(re.escape(chr(argument)) for code, argument in items if code is opcodes.LITERAL) + "\0]"
    )
    return next(letter for letter in ("a", " ", "1", "-", "é", "§") if not taken.match(letter))


def _repeats(items: Any) -> Iterator[str]:
    """A sample of every part that may be repeated many times, at any depth."""
    for code, argument in items:
        if code in (opcodes.MAX_REPEAT, opcodes.MIN_REPEAT, opcodes.POSSESSIVE_REPEAT):
            if argument[1] > 20 and (sample := _sample(argument[2])):
                yield sample
            yield from _repeats(argument[2])
        elif code is opcodes.BRANCH:
            for branch in argument[1]:
                yield from _repeats(branch)
        elif code is opcodes.SUBPATTERN:
            yield from _repeats(argument[-1])
        elif code is opcodes.ATOMIC_GROUP:
            yield from _repeats(argument)


def _seconds(pattern: re.Pattern[str], method: str, text: str) -> float:
    run = getattr(pattern, method)
    begun = time.process_time()
    if method in ("sub", "subn"):
        run("", text)
    elif method == "finditer":
        list(run(text))
    else:
        run(text)
    return time.process_time() - begun


def _slow(pattern: re.Pattern[str], methods: set[str]) -> str:
    """The text that takes too long; empty if none does."""
    tree = parser.parse(pattern.pattern, pattern.flags)
    repeated = list(dict.fromkeys(_repeats(tree)))
    whole = _sample(tree)
    units = list(
        dict.fromkeys([*repeated, *("".join(pair) for pair in pairwise(repeated)), whole, whole[:1], *LETTERS])
    )
    method = next(iter(sorted(methods & ANCHORED))) if methods <= ANCHORED else next(iter(sorted(methods - ANCHORED)))
    for unit in filter(None, units):
        for start in dict.fromkeys(("", whole)):
            before = 0.0
            for size in SIZES:
                text = start + unit * (size // len(unit)) + "\0"
                taken = min(_seconds(pattern, method, text) for _ in range(3))
                if taken < GROWTH * before:
                    break
                before = taken
            else:
                if taken > LIMIT:
                    return f"{method} on {start!r} + {unit!r} × {size // len(unit)}: {taken:.4f} s"
    return ""


def test_every_pattern_is_linear() -> None:
    patterns = _patterns()
    assert len(patterns) > 100
    slow = {
        f"{place}: {text[:60]}": reason
        for (text, flags), (place, methods) in patterns.items()
        if (reason := _slow(re.compile(text, flags), methods))
    }
    assert slow == {}


def test_patterns_of_calls_are_read_with_their_values_and_flags() -> None:
    calls = (
        ast.parse(text, mode="eval").body
        for text in ('re.sub(rf"{a}+ b", "", t, flags=re.I | re.S)', "re.search(p, t)")
    )
    found = [(_written(call.args[0]), _flags(call)) for call in calls if isinstance(call, ast.Call)]
    assert found == [("x+ b", re.IGNORECASE | re.DOTALL), (None, re.NOFLAG)]


def test_a_slow_pattern_would_be_found() -> None:
    for text in (r"\s+$", r"(\w+,)*x", r"<[^>]*>$"):
        assert _slow(re.compile(text), {"search"}), text
