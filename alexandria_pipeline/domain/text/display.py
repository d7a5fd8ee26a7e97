"""Text from outside, made harmless where it is shown: in a terminal, in a chat, and on a page.

Stored text is not changed. HTML is escaped by the templates of the pages (`monitoring/page.py`).
"""

from __future__ import annotations

import re
import unicodedata

# They change the order in which a terminal or a chat shows the following text.
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KEPT = frozenset("\n\t")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_BREAK = "\N{ZERO WIDTH SPACE}"
_NOT_ON_A_PAGE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# The starts of mentions (@everyone, <!channel>), masked links ([text](address), <address|text>) and code blocks.
_CHAT_SYNTAX = {"@": f"@{_BREAK}", "<": f"<{_BREAK}", "](": f"]{_BREAK}(", "```": f"`{_BREAK}`{_BREAK}`"}


def for_terminal(text: str) -> str:
    """The text with control characters, escape codes and direction marks replaced; lines and tabs stay."""
    return "".join(_REPLACEMENT if _is_unsafe(character) else character for character in text)


def for_chat(text: str) -> str:
    """The text without anything that a chat would take for a mention, a masked link or a code block."""
    text = for_terminal(text)
    for syntax, harmless in _CHAT_SYNTAX.items():
        text = text.replace(syntax, harmless)
    return text


def for_page(text: str) -> str:
    """The text without control characters and without what changes the direction of the text after it; single marks stay."""
    return _NOT_ON_A_PAGE.sub("", text)


def _is_unsafe(character: str) -> bool:
    if character in _KEPT:
        return False
    return character in _BIDIRECTIONAL or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
