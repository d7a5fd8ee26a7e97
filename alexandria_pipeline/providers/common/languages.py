"""Languages: reads the codes and names that services use as ISO 639-1 codes.

`languages.tsv` is the table: the ISO 639-1 code, then the other codes (ISO 639-2 in both of its forms, because MARC and
Open Library use the bibliographic one) and names, in lower case. Historical and regional languages (`grc`, `frm`, `gsw`,
`yue`) have the code of the modern language that their readers use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

MAX_LENGTH: Final = 80
MAX_LISTED: Final = 10
_TITLE_LANGUAGE: Final = re.compile(r"[(\[]\s*(?:in\s+)?([^\W\d]+)(?:[- ]language)?\s+edition\s*[)\]]", re.IGNORECASE)


def language(value: object) -> str | None:
    """The ISO 639-1 code of a field's value; None if the value is unknown or names several languages.

    Accepts "eng", "en", "en_US", "English", "/languages/eng", {"key": …}, and a list of these.
    """
    if isinstance(value, dict):
        value = value.get("key")
    if isinstance(value, (list, tuple)):
        listed = {code for each in value if (code := language(each)) is not None}
        return listed.pop() if len(listed) == 1 and len(value) < MAX_LISTED else None
    if not isinstance(value, str) or len(value) > MAX_LENGTH:
        return None
    names = re.split(r"[,;/|&+]|\band\b", value.strip().lower().removeprefix("/languages/"))
    codes = {_code(name) for name in names if name.strip()}
    return codes.pop() if len(codes) == 1 else None


def language_of_title(title: str) -> str | None:
    """The ISO 639-1 code of the language that a title names: "es" for "Rehenes del Pasado (Spanish Edition)"."""
    match = _TITLE_LANGUAGE.search(title)
    return _codes().get(match[1].lower()) if match and len(match[1]) > 3 else None


def _code(name: str) -> str | None:
    """The code of one name. A tag ("en-GB") has its language first; a phrase ("Brazilian Portuguese") has it last."""
    plain = re.sub(r"\([^()]*+\)|\[[^\[\]]*+\]", "", name).strip(" .'\"")
    parts = re.split(r"[-_\s]", plain)
    return _codes().get(plain) or _codes().get(parts[0] if len(parts[0]) <= 3 else parts[-1])


@cache
def _codes() -> Mapping[str, str]:
    """Every known code and name, in lower case, with its ISO 639-1 code."""
    table = (resources.files(__package__) / "languages.tsv").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines()[1:])
    return {name: code for code, names in rows for name in (code, *names.split())}


BIBLIOGRAPHIC: Final = frozenset(
    "alb arm baq bur chi cze dut fre geo ger gre ice mac mao may per rum slo tib wel".split()
)
"""The codes of ISO 639-2 that differ between its two forms, in the bibliographic one, which MARC uses."""


def marc_code(code: str | None) -> str | None:
    """The MARC code ("ger") of an ISO 639-1 code ("de"); None for an unknown one."""
    return _marc_codes().get(code or "")


@cache
def _marc_codes() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, code in _codes().items():
        if len(name) == 3 and name.isascii() and (code not in found or name in BIBLIOGRAPHIC):
            found[code] = name
    return found
