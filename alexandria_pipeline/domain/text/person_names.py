"""Names of people: taking an author line apart, and telling whether two names can be one person.

What a contributor did, and how much an agreeing name is worth, is decided in `domain.evidence`.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from alexandria_pipeline.domain.text.normalise import normalise

PARTICLES: Final = frozenset(
    "van von der den vom zu zum zur de del della dello di da do dos das du des la le les el al ibn bin bint ter ten "
    "op st saint af av".split()
)
SUFFIXES: Final = frozenset(
    "jr junior sr ii iii iv 2nd 3rd 4th phd md mfa esq dds obe cbe mbe kbe bsc msc ma ba".split()
)
HONORIFICS: Final = frozenset("dr prof professor sir dame rev mr mrs by".split())
NICKNAMES: Final = {
    short: full
    for full, shorts in {
        "william": "bill billy will wm willie",
        "robert": "bob bobby rob",
        "richard": "dick rick rich",
        "james": "jim jimmy jamie",
        "john": "jack johnny",
        "charles": "charlie chuck chas",
        "thomas": "tom tommy thos",
        "michael": "mike mick",
        "edward": "ed eddie ted",
        "elizabeth": "liz beth betty lizzie",
        "margaret": "maggie peggy meg",
        "stephen": "steve steven",
        "anthony": "tony",
        "joseph": "joe",
        "katherine": "kate kathy katharine catherine kathryn",
        "lawrence": "larry laurence",
        "geoffrey": "jeff jeffrey jeffery",
        "theodore": "theo",
        "francis": "frank",
        "henry": "harry hal",
        "patricia": "pat patty tricia",
        "susan": "sue susie",
        "deborah": "debbie deb debra",
        "george": "geo",
    }.items()
    for short in shorts.split()
}

# Contributors who are named in the author line without having written the book.
_HELPERS: Final = re.compile(r"\b(?:translat|illustrat|narrat|read by|foreword|introduction|photograph)", re.IGNORECASE)
_HELPER_PREFIX: Final = re.compile(r"^\s*(?:translated|illustrated|narrated|read)\s+by\s+", re.IGNORECASE)
_BRACKETS: Final = re.compile(r"[(\[{<（【][^)\]}>）】]*(?:[)\]}>）】]|$)")
_NICKNAME_IN_QUOTES: Final = re.compile(r"[\"“”]+[^\"“”]+[\"“”]+")
_BETWEEN_PEOPLE: Final = re.compile(r"\s*(?:[;|；、]|\s/\s|[&＆]|\b(?:and|with|und)\b)\s*", re.IGNORECASE)
_DATES: Final = re.compile(r"\b(?:b|d|c|ca|f|fl|born|died)\.\s*(?=\d{4})|\d{3,4}\s*[-–—]\s*(?:\d{3,4})?|\b\d{4}\b")
UNKNOWN_AUTHOR: Final = frozenset(
    "unknown|unknown author|author unknown|not known|not available|not specified|no author|author|none|null|n a|tbd"
    "|autofilled".split("|")
)
"""What catalogues and models write if no author is known, normalised."""

# An author line that names no person, although it may be the author that a book states ("Anonymous").
_NO_PERSON: Final = UNKNOWN_AUTHOR | {"", "na", "anonymous", "anon", "various", "various authors", "others"}


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name in normalised words: "Ursula K. Le Guin" is surname "le guin", given ("ursula", "k")."""

    surname: str
    given: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.given, *self.surname.split())

    @property
    def core(self) -> str:
        """The last word of the surname without particles: what every catalogue agrees on."""
        return next((word for word in reversed(self.surname.split()) if word not in PARTICLES), self.surname)


class NameAgreement(IntEnum):
    """How well two names agree, best highest."""

    DIFFERENT = 0
    SURNAME = 1  # one side has no given name
    MISSPELT = 2  # surname a letter off, given names equal
    INITIALS = 3
    NEAR = 4  # nickname, misspelt given name, or the order of the name turned round
    FULL = 5


@lru_cache(maxsize=8_192)
def people(author: str) -> tuple[PersonName, ...]:
    """Everybody an author line names as an author, in order; () when it names nobody."""
    line = _NICKNAME_IN_QUOTES.sub(" ", html.unescape(author).replace('""', '"').strip('" '))
    pieces = [piece for piece in _BETWEEN_PEOPLE.split(line) if piece.strip()]
    authors = [piece for piece in pieces if not _HELPERS.search(piece)]
    plain = [_HELPER_PREFIX.sub("", _BRACKETS.sub(" ", piece)) for piece in authors or pieces]
    names = [name for piece in plain for name in _split_commas(piece)]
    found = [person for name in names if (person := _person(name)) is not None]
    if len(found) == 2 and len(pieces) == 2 and _shares_surname(found, line):
        found[0] = PersonName(found[1].surname, (found[0].surname,))
    return tuple(dict.fromkeys(found))


def _shares_surname(found: list[PersonName], line: str) -> bool:
    """ "Faye and Jonathan Kellerman": the first is a given name only, and the surname is said once."""
    return (
        not found[0].given
        and " " not in found[0].surname
        and bool(found[1].given)
        and ";" not in line
        and "," not in line
    )


def _split_commas(piece: str) -> list[str]:
    """Tell "Last, First" from "First Last, First Last"; the answer has "Last, First" with one comma, others with none."""
    parts = [part for part in piece.split(",") if normalise(_DATES.sub(" ", part))]
    parts = [part for part in parts if not set(normalise(part).split()) <= SUFFIXES]
    words = [normalise(part).split() for part in parts]
    if len(parts) == 2:
        if len(words[0][-1]) == 1 and len(words[1]) == 1 and len(words[1][0]) > 1:
            return [" ".join(parts)]  # "J. A, Jance": the comma is a slip for a full stop
        return [",".join(parts)] if _is_inverted(words[0], words[1]) else parts
    if len(parts) > 2 and len(parts) % 2 == 0 and all(len(surname) == 1 for surname in words[::2]):
        return [",".join(parts[place : place + 2]) for place in range(0, len(parts), 2)]
    return parts


def _is_inverted(before: list[str], after: list[str]) -> bool:
    """One word before the comma, or nothing but a given name and initials after it."""
    after = [word for word in _without_titles(after) if word not in PARTICLES]
    return len(before) == 1 or before[0] in PARTICLES or len(after) < 2 or len(after[-1]) == 1


def _person(name: str) -> PersonName | None:
    surname_part, comma, given_part = _DATES.sub(" ", name).partition(",")
    if normalise(name) in _NO_PERSON:
        return None
    words = _without_titles(normalise(surname_part).split())
    if comma:
        given = _without_titles(normalise(given_part).split())
        while given and len(given) > 1 and given[-1] in PARTICLES:
            words.insert(0, given.pop())
        return PersonName(" ".join(words), tuple(given)) if words else None
    if not words:
        return None
    start = len(words) - 1
    while start > 1 and words[start - 1] in PARTICLES:
        start -= 1
    hyphenated = re.search(r"(\w+)\s*[-‐‑]\s*\w+\W*$", surname_part)
    if hyphenated and start > 1 and words[start - 1] == normalise(hyphenated[1]):
        start -= 1
    if words[0] in PARTICLES and start == 1:
        start = 0
    return PersonName(" ".join(words[start:]), tuple(words[:start]))


def _without_titles(words: list[str]) -> list[str]:
    while len(words) > 1 and words[-1] in SUFFIXES:
        words = words[:-1]
    while len(words) > 1 and words[0] in HONORIFICS:
        words = words[1:]
    return words


def author_key(author: str) -> str:
    """What to look an author up by: the last word of the first person's surname; "" when nobody is named."""
    found = people(author)
    return found[0].core if found else ""


def same_person(a: PersonName, b: PersonName) -> bool:
    """Whether two names can be one person; a bare surname agrees with any given name."""
    return compare_names(a, b) is not NameAgreement.DIFFERENT


@lru_cache(maxsize=8_192)
def compare_names(a: PersonName, b: PersonName) -> NameAgreement:
    """How well two names agree; symmetric."""
    if "".join(a.words) == "".join(b.words):
        return NameAgreement.FULL
    if len(a.words) > 1 and sorted(a.words) == sorted(b.words):
        return NameAgreement.NEAR
    given_a, given_b = _given_beside(a, b), _given_beside(b, a)
    if given_a is None or given_b is None:
        return _with_misspelt_surname(a, b)
    return _compare_given(given_a, given_b)


def _given_beside(person: PersonName, other: PersonName) -> tuple[str, ...] | None:
    """The given names of `person` once the surname is cut where `other` cuts it; None when the surnames differ."""
    if "".join(person.surname.split()) == "".join(other.surname.split()) or person.core == other.core:
        longest = max(person.surname.split(), other.surname.split(), key=len)
        words = person.words
        return words[: -len(longest)] if words[-len(longest) :] == tuple(longest) else person.given
    return None


def _compare_given(a: tuple[str, ...], b: tuple[str, ...]) -> NameAgreement:
    if not a or not b:
        return NameAgreement.SURNAME
    if "".join(a) == "".join(b):
        return NameAgreement.FULL
    pairs = [_compare_given_word(one, other) for one, other in zip(a, b, strict=False)]
    if all(pairs):
        return pairs[0]
    shorter, longer = sorted((a, b), key=len)
    if len(shorter) < len(longer) and longer[-len(shorter) :] == shorter and len(shorter[0]) > 1:
        return NameAgreement.NEAR  # known by the middle name: "F. Scott Fitzgerald"
    if _run_together(a, b) or _run_together(b, a):
        return NameAgreement.INITIALS
    return NameAgreement.DIFFERENT


def _run_together(initials: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """ "JK" is "Joanne Kathleen"; a single initial says nothing here."""
    return len(initials[0]) > 1 and initials[0] == "".join(word[0] for word in names)


def _compare_given_word(a: str, b: str) -> NameAgreement:
    if a == b:
        return NameAgreement.FULL
    if a[0] == b[0] and (len(a) == 1 or len(b) == 1):
        return NameAgreement.INITIALS
    shorter, longer = sorted((a, b), key=len)
    if NICKNAMES.get(a, a) == NICKNAMES.get(b, b) or (len(shorter) >= 3 and longer.startswith(shorter)):
        return NameAgreement.NEAR
    if len(shorter) >= 5 and OSA.distance(a, b, score_cutoff=1) <= 1:
        return NameAgreement.NEAR
    return NameAgreement.MISSPELT if _is_slip(a, b) else NameAgreement.DIFFERENT


def _with_misspelt_surname(a: PersonName, b: PersonName) -> NameAgreement:
    """Surnames a letter or two apart are one person only when the given names say so too."""
    if not _is_slip(a.core, b.core):
        return NameAgreement.DIFFERENT
    same_given = bool(a.given) and bool(b.given) and _compare_given(a.given, b.given) >= NameAgreement.NEAR
    spelt_out = same_given and (max(map(len, a.given)) > 1 or len(a.given) > 1)
    return NameAgreement.MISSPELT if spelt_out else NameAgreement.DIFFERENT


def _is_slip(a: str, b: str) -> bool:
    """Whether one name is the other with a slip of the pen, or two in a longer one.

    Of four letters one may be missing or out of place, for one that is another makes another name ("Ford", "Lord").
    """
    shorter, longer = sorted((a, b), key=len)
    distance = OSA.distance(a, b, score_cutoff=2)
    if distance == 1:
        slipped = len(longer) > len(shorter) or sorted(a) == sorted(b)
        return len(shorter) >= 5 or (len(shorter) == 4 and a[0] == b[0] and slipped)
    return distance == 2 and len(shorter) >= 6 and a[0] == b[0]
