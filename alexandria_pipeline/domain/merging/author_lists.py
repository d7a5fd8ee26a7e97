"""Author lists: takes apart what catalogues and shops write as one name, and chooses the list of a book.

Many lists are cut off behind the first author. So a person whom enough sources name belongs to the list, although more sources end
before; the whole list is still that of one source. Measured with benchmarks/author_lists.py.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from alexandria_pipeline.domain.merging.claims import Choice, Claim, trust
from alexandria_pipeline.domain.merging.texts import is_odd_name, is_shouted, natural_name, one_line, person
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import RANKS, SUFFIXES, UNKNOWN_AUTHOR, people

SHARE: Final = 0.2
AT_LEAST: Final = 1.25
"""A person belongs to a list that is cut off before if at least half of the sources name it, or this share of them and so many more."""

WITHOUT_ROLE: Final = 0.125
"""Weight of a source that names a person without a role, against one that states that the person is an author."""

_WRITES: Final = frozenset({"author", "unknown"})
_NO_AUTHOR: Final = frozenset({"translator", "illustrator", "narrator"})
_HELP: Final = _NO_AUTHOR | {"other"}

_ROLES: Final[Mapping[str, str]] = {
    "author": "author", "aut": "author", "editor": "editor", "edited": "editor", "edt": "editor", "ed": "editor", "eds": "editor",
    "translator": "translator", "translated": "translator", "trn": "translator", "trans": "translator", "tr": "translator",
    "illustrator": "illustrator", "illustrated": "illustrator", "ilt": "illustrator", "ill": "illustrator", "illus": "illustrator",
    "narrator": "narrator", "nrt": "narrator", "contributor": "other", "con": "other", "foreword": "other", "frw": "other", "introduction": "other",
}  # fmt: skip
_ROLE_WORDS: Final = "|".join(sorted(_ROLES, key=len, reverse=True))
_ROLE_BEHIND: Final = re.compile(
    rf"(?<![\s,])[\s,]*[(\[](?:joint |co-?|series )?({_ROLE_WORDS})s?\.?(?: by)?[)\]]|(?<!\s)\s+-\s+({_ROLE_WORDS})s?\.?\)?$",
    re.IGNORECASE,
)
_ROLE_BEFORE: Final = re.compile(
    rf"(?:^|(?<=\s))(?:by \(({_ROLE_WORDS})\)|({_ROLE_WORDS})(?: by|:)|by)\s+(?=\S)", re.IGNORECASE
)
_BETWEEN: Final = re.compile(r"[;|~]|/(?!\d)|(?<!\s)\s+(?:&|and|with|und)\s+", re.IGNORECASE)
_PLAIN_NAME: Final = re.compile(r"(?!.*(?:\b(?:by|and|with|und|et|u)\b|\s-\s))[^\W\d_][\w.'’ -]*[\w.]", re.IGNORECASE)
"""A name in which nothing separates people, and nothing states a role."""
_AND_OTHERS: Final = re.compile(r"(?<![\s,])[\s,]*\b(?:et\.? al\b\.?|and others\b|u\. ?a\.)\s*", re.IGNORECASE)


class Listed(NamedTuple):
    """The authors of a claim, as written, and a key for each."""

    claim: Claim
    names: tuple[str, ...]
    keys: frozenset[str]


def choose(claims: Sequence[Claim]) -> Choice | None:
    """The author list of one source: the one that most sources give, or one that goes on with people whom enough sources name.

    People whom at least as many sources call translator or the like as author are no authors; between equals, the listing of the book
    decides. If no source names an author, the editors stand in their place.
    """
    named = [(claim, [one for given in claim.value for one in apart(given["name"], given["role"])]) for claim in claims]
    if (agreed := _agreed(named)) is not None:
        return agreed
    key_of = _keys({name for _, people_of in named for name, _ in people_of})
    roles = {role for _, people_of in named for _, role in people_of}
    if roles <= _WRITES:
        lists = _lists(named, _WRITES, key_of, frozenset())
    else:
        lists = _lists(named, _WRITES, key_of, _helpers(named, key_of, {"editor"}))
        authors = _lists(named, _WRITES, key_of, _helpers(named, key_of, set()))
        if _sources(lists) < _sources(authors) / 2:  # the book has no author but its editors
            lists = authors
    if all(each.claim.rank == "hint" for each in lists):
        lists = [*lists, *_lists(named, {"editor"}, key_of, frozenset())]
    groups: dict[frozenset[str], list[Listed]] = {}
    for each in lists:
        if each.claim.rank != "hint":
            groups.setdefault(each.keys, []).append(each)
    if not groups:
        return None
    hinted = {each.keys for each in lists if each.claim.rank == "hint"}

    def rank(keys: frozenset[str]) -> tuple[int, bool, tuple[int, int]]:
        return (-_sources(groups[keys]), keys not in hinted, trust(groups[keys][0].claim))

    chosen = min(groups, key=rank)
    known = _enough(lists)
    chosen = min(
        (keys for keys in groups if chosen <= keys <= chosen | known), key=lambda keys: (-len(keys), rank(keys))
    )
    best = min(groups[chosen], key=lambda each: (*_flaws(each.names), trust(each.claim)))
    lost = sum(claim.rank != "hint" for claim in claims) - len(groups[chosen])
    return Choice([natural_name(name) for name in best.names], (best.claim,), lost)


@lru_cache(maxsize=8_192)
def apart(text: str, role: str) -> tuple[tuple[str, str], ...]:
    """The people in one name, with their roles: "Aiken, Peter/ Allen, David M. (EDT)" are two. Most names are of one person."""
    line = one_line(html.unescape(text))
    if _PLAIN_NAME.fullmatch(line):
        return () if normalise(line) in UNKNOWN_AUTHOR else ((line, role),)
    line = _AND_OTHERS.sub("", line)
    found: list[tuple[str, str]] = []
    for piece, stated in _by_role(line):
        names = [name for part in _BETWEEN.split(piece) for name in _by_comma(part.strip(" ,"))]
        found += [(name, role) for name in names[:-1]]
        found += [(name, stated or role) for name in names[-1:]]  # a role is that of the name beside it
    kept = tuple(
        dict.fromkeys((name, stated) for name, stated in found if normalise(name) not in UNKNOWN_AUTHOR | {""})
    )
    return kept or (() if normalise(line) in UNKNOWN_AUTHOR else ((one_line(text), role),))


def _by_role(line: str) -> list[tuple[str, str]]:
    """The pieces between words of roles, with the role of each, or ""."""
    if before := list(_ROLE_BEFORE.finditer(line)):
        ends = [*(mark.start() for mark in before[1:]), len(line)]
        pieces = [(line[: before[0].start()], "")] if before[0].start() else []
        pieces += [
            (line[mark.end() : end], _ROLES.get((mark[1] or mark[2] or "author").lower(), ""))
            for mark, end in zip(before, ends, strict=True)
        ]
        return [(piece, stated) for piece, stated in pieces if piece.strip()]
    pieces, start = [], 0
    for mark in _ROLE_BEHIND.finditer(line):
        pieces.append((line[start : mark.start()], _ROLES[(mark[1] or mark[2]).lower()]))
        start = mark.end()
    if line[start:].strip():
        pieces.append((line[start:], ""))
    return [(piece.strip("( "), stated) for piece, stated in pieces]


def _by_comma(part: str) -> list[str]:
    """The names in a text without other signs between people."""
    if part.count(",") < 1:
        return [part] if part else []
    found, words = people(part), [word.strip() for word in part.split(",") if word.strip()]
    if len(words) > 2 and _runs_on(words):
        givens = [word.rsplit(" ", 1)[0] for word in words[1:-1]] + [words[-1]]
        surnames = [words[0]] + [word.rsplit(" ", 1)[1] for word in words[1:-1]]
        return [f"{surname}, {given}" for surname, given in zip(surnames, givens, strict=True)]
    if len(found) < 2:
        return [part]
    if len(words) == len(found):
        return words
    if len(words) == 2 * len(found):
        return [", ".join(words[at : at + 2]) for at in range(0, len(words), 2)]
    return [" ".join([*one.given, one.surname]).title() for one in found]


Named = Sequence[tuple[Claim, Sequence[tuple[str, str]]]]


def _runs_on(words: Sequence[str]) -> bool:
    """ "DOWD, MARK MCDONALD, JOHN": the surname of the next person stands behind the given name of the one before."""
    last = normalise(words[-1]).split()
    return (
        " " not in words[0]
        and all(" " in word and not word.endswith(".") for word in words[1:-1])
        and words[-1][:1].isupper()
        and (len(last) == 1 or all(len(word) == 1 for word in last[1:]))
        and not set(last) & (SUFFIXES | RANKS)
        and not any(map(str.isdigit, "".join(words)))
    )


def _agreed(named: Named) -> Choice | None:
    """The list that all sources give in the same words, none of them with a helper; a hint changes nothing then."""
    stated = [(claim, people_of) for claim, people_of in named if claim.rank != "hint"]
    first = stated[0][1]
    for _, people_of in stated:
        if len(people_of) != len(first):
            return None
        for (name, role), (same, _) in zip(people_of, first, strict=True):
            if name != same or role not in _WRITES:
                return None
    return Choice([natural_name(name) for name, _ in first], (stated[0][0],)) if first else None


def _lists(named: Named, roles: Collection[str], key_of: Mapping[str, str], helpers: frozenset[str]) -> list[Listed]:
    found = []
    for claim, people_of in named:
        names = tuple(name for name, role in people_of if role in roles and key_of[name] not in helpers)
        if names:
            found.append(Listed(claim, names, frozenset(key_of[name] for name in names)))
    return found


def _helpers(named: Named, key_of: Mapping[str, str], also: Collection[str]) -> frozenset[str]:
    """People whom more sources call translator, illustrator or narrator than author, if there are not many more without any role.

    As many are enough, if the listing of the book (a hint) does not name the person: a name without a role is often stored as an
    author. Who is author and illustrator in one record is an author of that record.
    """
    balance: dict[str, float] = {}
    in_doubt: set[str] = set()
    as_both: set[str] = set()
    for _, people_of in named:
        written = {key_of[name] for name, role in people_of if role == "author"}
        for name, role in people_of:
            key = key_of[name]
            helps = role in _HELP or role in also
            if helps and key in written:
                as_both.add(key)
                continue
            weight = 1.0 if role == "author" else -1.0 if helps else WITHOUT_ROLE if role == "unknown" else 0.0
            balance[key] = balance.get(key, 0.0) + weight
            if role in _NO_AUTHOR:
                in_doubt.add(key)
    return frozenset(
        name for name, count in balance.items() if count < 0 or (count == 0 and name in in_doubt - as_both)
    )


def _keys(names: Collection[str]) -> dict[str, str]:
    """The key of each name. "Han" is "Jiawei Han" if no other person of that surname is named."""
    keys = {name: person(name) for name in names}
    whole: dict[str, set[str]] = {}
    for key in set(keys.values()):
        surname, _, initial = key.rpartition(" ")
        if initial:
            whole.setdefault(surname, set()).add(key)
    same = {f"{surname} ": min(found) for surname, found in whole.items() if len(found) == 1}
    return {name: same.get(key, key) for name, key in keys.items()}


def _sources(lists: Sequence[Listed]) -> int:
    return len({each.claim.source for each in lists})


def _enough(lists: Sequence[Listed]) -> frozenset[str]:
    """The people whom enough sources name."""
    found: dict[str, set[str]] = {}
    for each in lists:
        for key in each.keys:
            found.setdefault(key, set()).add(each.claim.source)
    sources = _sources(lists)
    needed = min(sources / 2, SHARE * sources + AT_LEAST)
    return frozenset(key for key, naming in found.items() if len(naming) > needed)


def _flaws(names: Sequence[str]) -> tuple[bool, bool, bool, bool]:
    return (
        len(set(map(person, names))) < len(names),
        any(" " not in name.strip() for name in names),
        any(map(is_shouted, names)),
        any(map(is_odd_name, names)),
    )
