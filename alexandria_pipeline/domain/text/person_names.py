"""Names of people: taking an author line apart, and telling whether two names can be one person.

What a contributor did, and how much an agreeing name is worth, is decided in `domain.matching.evidence`.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from alexandria_pipeline.domain.text.normalise import DAMAGED, normalise
from alexandria_pipeline.domain.text.numerals import ROMAN

PARTICLES: Final = frozenset(
    "van von der den vom zu zum zur de del della dello di da do dos das du des la le les el al ibn bin bint ter ten "
    "op st saint af av".split()
)
SUFFIXES: Final = frozenset(
    "jr junior sr ii iii iv 2nd 3rd 4th phd md mfa esq dds obe cbe mbe kbe bsc msc ma ba psyd edd dvm dmin thd dphil mph mba lpc "
    "lcsw lmft rn rd facs jd llm ed eds".split()
)
"""Suffixes, degrees and letters of a profession behind a name."""

HONORIFICS: Final = frozenset("dr prof professor sir dame rev mr mrs by editor editors saint".split())
# Ranks and offices that library headings put behind a comma: "Tolstoy, Leo, graf", "Gregory, Saint, Bishop of Tours".
RANKS: Final = frozenset(
    "saint st sir dame graf grafin count countess baron baroness lord lady duke duchess prince princess king queen emperor pope "
    "bishop archbishop cardinal abbot abbess patriarch rabbi imam swami reverend freiherr viscount viscountess marquis earl".split()
)
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
        "david": "dave davey",
        "daniel": "dan danny",
        "andrew": "andy drew",
        "benjamin": "ben benny",
        "samuel": "sam sammy",
        "peter": "pete",
        "philip": "phil pip",
        "nicholas": "nick nicky nicolas",
        "matthew": "matt",
        "gregory": "greg gregg",
        "timothy": "tim",
        "kenneth": "ken kenny",
        "ronald": "ron ronnie",
        "donald": "don donnie",
        "douglas": "doug",
        "raymond": "ray",
        "gerald": "gerry jerry",
        "frederick": "fred freddie frederic",
        "albert": "al bert",
        "alexander": "alex sandy",
        "christopher": "chris kit",
        "jacob": "jake",
        "joshua": "josh",
        "leonard": "len lenny",
        "zachary": "zach zack",
        "leo": "lev lew leon",
        "rebecca": "becky",
        "barbara": "barb babs",
        "judith": "judy",
        "pamela": "pam",
        "jacqueline": "jackie",
        "jennifer": "jen jenny",
        "victoria": "vicky tori",
        "dorothy": "dot dottie",
        "virginia": "ginny",
        "eleanor": "ellie nell",
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
_HELPER_PREFIX: Final = re.compile(
    r"^ ?(?:translated|illustrated|narrated|read|edited|compiled|selected|written|retold) by ", re.IGNORECASE
)
# "KC Davis - introduction LPC": what follows a dash between spaces is a role.
_ROLE_BEHIND: Final = re.compile(r"(?<=\w) [-–—] .*$")
_BRACKETS: Final = re.compile(r"[(\[{<（【][^)\]}>）】]*(?:[)\]}>）】]|$)")
_NICKNAME_IN_QUOTES: Final = re.compile(r"[\"“”][^\"“”]+[\"“”]")
_BETWEEN_PEOPLE: Final = re.compile(r" ?(?:[;|；、]|(?<= )/ |[&＆]|\b(?:and|with|und)\b) ?", re.IGNORECASE)
_DATES: Final = re.compile(r"\b(?:b|d|c|ca|f|fl|born|died)\. ?(?=\d{3,4}\b)|\d{3,4} ?[-–—] ?(?:\d{3,4})?|\b\d{3,4}\b")
UNKNOWN_AUTHOR: Final = frozenset(
    "unknown|unknown author|author unknown|not known|not available|not specified|no author|author|none|null|n a|tbd"
    "|autofilled".split("|")
)
"""What catalogues and models write if no author is known, normalised."""

# An author line that names no person, although it may be the author that a book states ("Anonymous").
_NO_PERSON: Final = UNKNOWN_AUTHOR | {"", "na", "anonymous", "anon", "various", "various authors", "others"}

_PLAIN_PERSON: Final = re.compile(r"(?:[A-Z]\.|[A-Z][a-z]+)(?: (?:[A-Z]\.|[A-Z][a-z]+))+")
"""Most names: words of letters, and initials. It is taken apart at a fifth of the time, if it has none of these words."""
_SPECIAL_WORDS: Final = PARTICLES | SUFFIXES | HONORIFICS | {"and", "with", "und"}


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name in normalised words: "Ursula K. Le Guin" is surname "le guin", given ("ursula", "k")."""

    surname: str
    given: tuple[str, ...]
    words: tuple[str, ...] = field(init=False, compare=False)
    # The last word of the surname without particles: what every catalogue agrees on.
    core: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        surname = self.surname.split()
        core = next((word for word in reversed(surname) if word not in PARTICLES), self.surname)
        object.__setattr__(self, "words", (*self.given, *surname))
        object.__setattr__(self, "core", core)


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
    """All people whom an author line names as authors, in order; () if there are none."""
    if _PLAIN_PERSON.fullmatch(author):
        words = author.lower().replace(".", "").split(" ")
        if _SPECIAL_WORDS.isdisjoint(words) and " ".join(words) not in _NO_PERSON and not _HELPERS.search(author):
            return (PersonName(words[-1], tuple(words[:-1])),)
    return _people(author)


def _people(author: str) -> tuple[PersonName, ...]:
    line = " ".join(html.unescape(author).replace('""', '"').strip('" ').split())
    line = " ".join(_NICKNAME_IN_QUOTES.sub(" ", line).split())
    pieces = [piece for piece in _BETWEEN_PEOPLE.split(line) if piece.strip()]
    pieces = [_ROLE_BEHIND.sub("", piece) for piece in pieces]
    authors = [piece for piece in pieces if not _HELPERS.search(piece)]
    plain = [_HELPER_PREFIX.sub("", _BRACKETS.sub(" ", piece)) for piece in authors or pieces]
    names = [name for piece in plain for name in _split_commas(piece)]
    found = [person for name in names if (person := _person(name)) is not None]
    if len(found) == 2 and len(pieces) == 2 and _shares_surname(found, line):
        found[0] = PersonName(found[1].surname, (found[0].surname,))
    return tuple(dict.fromkeys(found))


def _shares_surname(found: list[PersonName], line: str) -> bool:
    """ "Faye and Jonathan Kellerman": the first is a given name only, and the surname stands once."""
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
    parts, orders = _without_ranks([part for part in parts if not _is_suffix(part)])
    if orders:
        return [*_split_commas(",".join(parts)), *orders]
    words = [normalise(part).split() for part in parts]
    if len(parts) == 2:
        if len(words[0][-1]) == 1 and len(words[1]) == 1 and len(words[1][0]) > 1:
            return [" ".join(parts)]  # "J. A, Jance": the comma is a slip for a full stop
        return [",".join(parts)] if _is_inverted(words[0], words[1]) else parts
    if len(parts) > 2 and len(parts) % 2 == 0 and all(len(surname) == 1 for surname in words[::2]):
        return [",".join(parts[place : place + 2]) for place in range(0, len(parts), 2)]
    return parts


def _is_suffix(part: str) -> bool:
    """ "Jr.", "M.D.", but not the initials of a given name: "Salinger, J. D."."""
    words = normalise(_DATES.sub(" ", part)).split()
    return set(words) <= SUFFIXES or (
        len(words) > 1 and "." in part and ". " not in part and "".join(words) in SUFFIXES - {"jd"}
    )


def _without_ranks(parts: list[str]) -> tuple[list[str], list[str]]:
    """The parts of a name without ranks, and names that stand in their place: "Dalai Lama XIV".

    A place belongs to the name: "Gregory, Saint, Bishop of Tours" is "Gregory of Tours".
    """
    if len(parts) < 2:
        return parts, []
    kept, places, orders = parts[:1], "", []
    for part in parts[1:]:
        words = normalise(_DATES.sub(" ", part)).split()
        if words[0] == "of" or (words[0] in RANKS and "of" in words[1:]):
            places = places or " ".join(words[words.index("of") :])
        elif words[-1] in ROMAN and len(words) > 2 and len(normalise(kept[0]).split()) > 1:
            orders.append(" ".join(words[:-1]))
        elif not set(words) <= RANKS:
            kept.append(part)
    return ([f"{kept[0]} {places}"] if places and len(kept) == 1 else kept), orders


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
    hyphenated = re.search(r"\b(\w+) ?[-‐‑] ?\w+\W?$", surname_part)
    if hyphenated and start > 1 and words[start - 1] == normalise(hyphenated[1]):
        start -= 1
    if words[0] in PARTICLES and start == 1:
        start = 0
    return PersonName(" ".join(words[start:]), tuple(words[:start]))


def _without_titles(words: list[str]) -> list[str]:
    while len(words) > 1 and words[-1] in SUFFIXES:
        words = words[:-1]
    while len(words) > 1 and words[0] in HONORIFICS and words != ["dr", words[-1]]:
        words = words[1:]
    if len(words) > 2 and words[0] == "st" and "of" in words:
        words = words[1:]
    return words


def author_key(author: str) -> str:
    """The key of an author: the last word of the first person's surname; "" if no person is named."""
    found = people(author)
    return found[0].core if found else ""


def same_person(a: PersonName, b: PersonName) -> bool:
    """Whether two names can be one person; a bare surname agrees with any given name."""
    return compare_names(a, b) is not NameAgreement.DIFFERENT


@lru_cache(maxsize=8_192)
def compare_names(a: PersonName, b: PersonName) -> NameAgreement:
    """How well two names agree; symmetric."""
    joined_a, joined_b = "".join(a.words), "".join(b.words)
    if joined_a == joined_b:
        return NameAgreement.FULL
    if DAMAGED in joined_a + joined_b:
        return NameAgreement.NEAR if fits_damaged(joined_a, joined_b) else NameAgreement.DIFFERENT
    if len(a.words) > 1 and sorted(a.words) == sorted(b.words):
        return NameAgreement.NEAR
    if _initials_behind(a, b) or _initials_behind(b, a):
        return NameAgreement.INITIALS
    agreement = _compare(a, b)
    if (
        agreement is NameAgreement.DIFFERENT
        and _compare(_romanised_name(a), _romanised_name(b)) > NameAgreement.MISSPELT
    ):
        return NameAgreement.MISSPELT
    return agreement


def fits_damaged(a: str, b: str) -> bool:
    """Whether two texts agree if each damaged place stands for one to three letters; symmetric. One side may be damaged."""
    damaged, whole = (a, b) if DAMAGED in a else (b, a)
    if DAMAGED in whole or len(damaged.replace(DAMAGED, "")) < 3:
        return False
    return re.fullmatch(".{1,3}".join(map(re.escape, damaged.split(DAMAGED))), whole) is not None


def _initials_behind(a: PersonName, b: PersonName) -> bool:
    """ "Lawrence Dh" is "D. H. Lawrence"."""
    if len(a.words) != 2 or not 2 <= len(a.words[1]) <= 3 or len(b.given) < 2:
        return False
    return a.words[0] == b.core and a.words[1] == "".join(word[0] for word in b.given)


# Spellings of one sound in romanised names, in this order: "Lew Tolstoi", "Fyodor Dostoevsky", "Cho Nam-ju".
_ROMANISATIONS: Final = (
    ("tsch", "ch"),
    ("tch", "ch"),
    ("sch", "sh"),
    ("kh", "h"),
    ("zh", "j"),
    ("ck", "k"),
    ("ph", "f"),
    ("w", "v"),
    ("ye", "e"),
    ("yo", "o"),
    ("ya", "ia"),
    ("yu", "iu"),
    ("oo", "u"),
    ("ou", "u"),
    ("y", "i"),
    ("x", "ks"),
    ("ct", "kt"),
)
_DOUBLED: Final = re.compile(r"(.)\1+")


@lru_cache(maxsize=8_192)
def _romanised(word: str) -> str:
    for spelling, sound in _ROMANISATIONS:
        word = word.replace(spelling, sound)
    return _DOUBLED.sub(r"\1", word)


def _romanised_name(name: PersonName) -> PersonName:
    return PersonName(" ".join(map(_romanised, name.surname.split())), tuple(map(_romanised, name.given)))


def _compare(a: PersonName, b: PersonName) -> NameAgreement:
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
    """ "JK" is "Joanne Kathleen"; a single initial is not enough here."""
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


# Letters of a whole name from which on one of them may be wrong.
_WHOLE_NAME: Final = 7


def is_one_slip_apart(a: PersonName, b: PersonName) -> bool:
    """Whether two whole names differ by one slip of the pen in a written-out word, or in the space between words; symmetric.

    Such names can belong to two people ("Dan Brown", "Don Brown"): this is evidence only beside a title that agrees.
    """
    one, other = "".join(a.words), "".join(b.words)
    if min(len(one), len(other)) < _WHOLE_NAME or OSA.distance(one, other, score_cutoff=1) != 1:
        return False
    if len(a.words) != len(b.words):
        more_words = a.words if len(a.words) > len(b.words) else b.words
        return min(map(len, more_words)) > 1  # a lost space, no lost initial
    differing = [word for pair in zip(a.words, b.words, strict=True) if pair[0] != pair[1] for word in pair]
    return all(len(word) >= 3 and word not in SUFFIXES and word.isalpha() for word in differing)


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
