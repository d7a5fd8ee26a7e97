"""The rules that choose the value of a field. Each takes claims, the most trusted first, and returns a choice or None.

Most rules group equal values (`groups.py`): the group with the most sources wins. The order of the claims never matters, so any
order of the same answers gives the same value.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from alexandria_pipeline.domain.merging import author_lists
from alexandria_pipeline.domain.merging.claims import Choice, Claim, trust
from alexandria_pipeline.domain.merging.groups import Offered, groups, largest, lost, majority, votes
from alexandria_pipeline.domain.merging.texts import (
    clean_description,
    clean_title,
    identifier,
    is_shouted,
    language_tag,
    natural_name,
    one_line,
    person,
    series_key,
    title_case,
)
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.titles import main_title, title_key

Rule = Callable[[Sequence[Claim]], Choice | None]

PAGES_TOLERANCE: Final = 0.1
MAX_SUBJECTS: Final = 50
NOT_A_YEAR: Final = frozenset({0, 1, 1000, 1900, 1970, 9999})
"""Years that catalogues write for an unknown date. 1970 is the first year of computer clocks and is doubted only with 1 January."""

_COMPANY: Final = re.compile(
    r"\b(?:inc|llc|ltd|limited|co|corp|corporation|company|gmbh|plc|publishers?|publishing|publications|verlag|group)\b"
)
_SELF_PUBLISHED: Final = frozenset({"independently published", "self published", "createspace", "lulu com"})
_NO_PUBLISHER: Final = frozenset(
    (
        "unknown;unknown publisher;publisher not identified;publisher unknown;not available;n a;na;none;null;s n;sn;various;various publishers;tbd"
        ";tba;to be announced;other;publisher;no publisher;not identified;default"
    ).split(";")
) | {""}
_NO_HOUSE: Final = frozenset(
    "books press house media editions classics verlag university the new american british national world".split()
)
"""Words that publishers of all kinds have in their names."""
_NO_SERIES: Final = re.compile(
    r"\bbook ?club\b|\bbest ?sellers?\b|^(?:none|unknown|n a|series|untitled|novels?|paperback|hardcover)$"
)
_NO_SUBJECT: Final = re.compile(
    r"^(?:general|books?|e-?books?|paperback|hardcover|large type books?|audiobooks?|kindle.*|accessible book|protected daisy"
    r"|in library|new york times bestseller|nyt:.*|overdrive|open library staff picks|reading level.*|lists?|unknown)$",
    re.IGNORECASE,
)
_PLACEHOLDER_COVER: Final = re.compile(
    r"no[-_]?(?:photo|cover|image)|image[-_]?not[-_]?available|placeholder|nocover|default[-_]cover", re.IGNORECASE
)
COVER_LICENCES: Final = {"wikidata": "free; stated on the file's page at Wikimedia Commons"}
"""The licence of a source's covers. The others state none: the picture is its publisher's, and only its address is stored."""
_FREE_COVERS: Final = ("open-library", "local-catalog", "internet-archive", "wikidata", "google-books", "isbndb")
_DESCRIPTIONS: Final = ("google-books", "isbndb", "open-library", "internet-archive")
_BIOGRAPHIES: Final = ("wikipedia", "open-library")
_NOT_AUTHORS: Final = frozenset({"translator", "illustrator", "narrator", "editor", "other"})


def title(claims: Sequence[Claim]) -> Choice | None:
    """The title of the largest group with an equal title key: in mixed case, without decoration, the shortest.

    If all sources have capitals only, the title gets the case of English titles.
    """
    cleaned = [(claim, text) for claim in claims if (text := clean_title(claim.value))]
    one = len({text.casefold() for _, text in cleaned}) == 1
    group = largest(cleaned, (lambda _: "") if one else lambda text: title_key(text) or text)
    if not group:
        return None
    best = min(group, key=lambda each: (is_shouted(each[1]), len(each[1]), trust(each[0]), each[1]))
    shown = title_case(best[1]) if best[1].isupper() else best[1]
    return Choice(shown, (best[0],), lost(claims, group))


def subtitle_for(chosen_title: str) -> Rule:
    """The rule for the subtitle of a title: only from records with the same main title, and not what the title repeats."""

    def subtitle(claims: Sequence[Claim]) -> Choice | None:
        whole = normalise(chosen_title)
        offered = []
        for claim in claims:
            text = one_line(claim.value["text"])
            same = main_title(claim.value["title"]) == main_title(chosen_title)
            if same and text and normalise(text) not in whole:
                offered.append((claim, text))
        return majority(offered, normalise, claims)

    return subtitle


def authors(claims: Sequence[Claim]) -> Choice | None:
    """The author list of one source, see `author_lists.py`."""
    return author_lists.choose(claims)


def contributors(claims: Sequence[Claim]) -> Choice | None:
    """All other contributors, by person and role."""
    found: dict[tuple[str, str], tuple[Claim, str]] = {}
    for claim in claims:
        for one in claim.value:
            if one["role"] in _NOT_AUTHORS:
                found.setdefault((person(one["name"]), one["role"]), (claim, natural_name(one_line(one["name"]))))
    value = [{"name": name, "role": role} for (_, role), (_, name) in sorted(found.items(), key=lambda item: item[0])]
    return _union(value, [claim for claim, _ in found.values()])


def description(claims: Sequence[Claim]) -> Choice | None:
    """The longest description of the best source: plain text, repaired, at least 40 characters, no sales text only."""
    return _longest(claims, _DESCRIPTIONS)


def subjects(claims: Sequence[Claim]) -> Choice | None:
    """All subjects, each once, without words that name a format or a list."""
    found: dict[str, tuple[str, list[Claim]]] = {}
    for claim in claims:
        for subject in claim.value:
            key, text = _subject(subject)
            if key:
                found.setdefault(key, (text, []))[1].append(claim)
    ranked = sorted(
        found.values(), key=lambda each: (-len({claim.source for claim in each[1]}), trust(each[1][0]), each[0])
    )
    value = [
        {"name": text, "sources": sorted({claim.provider for claim in named})} for text, named in ranked[:MAX_SUBJECTS]
    ]
    return _union(value, [claim for _, named in ranked[:MAX_SUBJECTS] for claim in named])


def cover(claims: Sequence[Claim]) -> Choice | None:
    """A cover's address, size, source and licence: free sources first, then the larger picture. A placeholder is no cover."""
    offered = [
        (claim, picture)
        for claim in claims
        for picture in claim.value
        if picture["url"].startswith(("https://", "http://"))
        and not _PLACEHOLDER_COVER.search(picture["url"])
        and (picture["width"] or 100) > 10
    ]
    if not offered:
        return None
    best = min(
        offered,
        key=lambda each: (_place(_FREE_COVERS, each[0]), -(each[1]["width"] or 0), trust(each[0]), each[1]["url"]),
    )
    where = {"source": best[0].provider, "licence": COVER_LICENCES.get(best[0].provider)}
    return Choice({**best[1], **where}, (best[0],), len(offered) - 1)


def published(claims: Sequence[Claim]) -> Choice | None:
    """The most precise date of those in the year that most sources give. 1 January alone is only a year."""
    dated = [(claim, text) for claim in claims if (text := _date(claim))]
    group = largest(dated, lambda text: text[:4], _days)
    if not group:
        return None
    longest = max(len(text) for _, text in group)
    precise = largest([each for each in group if len(each[1]) == longest], lambda text: text)
    years = {text[:4] for _, text in dated}
    conflict = f"years {', '.join(sorted(years))}" if max(map(int, years)) - min(map(int, years)) > 2 else ""
    return Choice(precise[0][1], (precise[0][0],), lost(claims, group), conflict)


def first_published(claims: Sequence[Claim]) -> Choice | None:
    """The year that most sources of works give; the earliest of equals."""
    dated = [(claim, int(claim.value)) for claim in claims if int(claim.value) not in NOT_A_YEAR]
    found = groups(dated, lambda year: year)
    if not found:
        return None
    best = max(found.values(), key=lambda group: (votes(group), -group[0][1]))
    return Choice(best[0][1], (best[0][0],), lost(claims, best))


def pages(claims: Sequence[Claim]) -> Choice | None:
    """Of the values within 10 % of the median, the one of most sources. Without any such value, the best source's."""
    counted = [(claim, int(claim.value)) for claim in claims if 1 < int(claim.value) < 30_000]
    if not counted:
        return None
    middle = statistics.median(number for _, number in counted)
    near = [each for each in counted if abs(each[1] - middle) <= PAGES_TOLERANCE * middle]
    group = largest(near or counted, lambda number: number)
    conflict = "" if near else f"pages {', '.join(str(number) for number in sorted({n for _, n in counted}))}"
    return Choice(group[0][1], (group[0][0],), lost(claims, group), conflict)


def publisher(claims: Sequence[Claim]) -> Choice | None:
    """The publisher of most sources, without regard to "Inc." and the like; "Knopf" stands for "Alfred A. Knopf", too.

    A self-publishing service never overrides a name.
    """
    named = [(claim, text) for claim in claims if (text := _house(claim))]
    houses = [each for each in named if normalise(each[1]) not in _SELF_PUBLISHED]
    house_of = _houses({publisher_key(text) for _, text in houses or named})
    return majority(houses or named, lambda text: house_of[publisher_key(text)], claims)


def language(claims: Sequence[Claim]) -> Choice | None:
    """The language of most sources as a BCP 47 tag. Between equals, the group of the ISBN decides (a hint)."""
    tagged = [(claim, tag) for claim in claims if (tag := language_tag(str(claim.value)))]
    return majority(tagged, lambda tag: tag, claims)


def most_common(claims: Sequence[Claim]) -> Choice | None:
    """The text that most sources give."""
    return majority([(claim, text) for claim in claims if (text := one_line(claim.value))], normalise, claims)


def series(claims: Sequence[Claim]) -> Choice | None:
    """Name and position of one source: of the series that most sources name, one with a position if there is one.

    A book club or a list of bestsellers is no series.
    """
    named = [
        (claim, claim.value)
        for claim in claims
        if (key := normalise(claim.value["name"])) and not _NO_SERIES.search(key)
    ]
    group = largest(named, lambda value: series_key(value["name"]), _placed)
    if not group:
        return None
    placed = largest([each for each in group if each[1].get("position")], lambda value: str(value["position"]))
    claim, value = min(placed or group, key=lambda each: (is_shouted(each[1]["name"]), trust(each[0])))
    name = one_line(value["name"])
    shown = title_case(name) if name.isupper() and len(name) > 4 else name
    return Choice({"name": shown, "position": value.get("position")}, (claim,), lost(claims, group))


SINGLE_VALUED: Final = frozenset({"openlibrary_work", "wikidata", "viaf", "isni"})
"""Schemes in which one thing has one identifier. Two values are a conflict."""


def identifiers(claims: Sequence[Claim]) -> Choice | None:
    """All identifiers by scheme, as text; no ISNI with a wrong check digit. Two values in a single-valued scheme are kept, and are a conflict."""
    found: dict[str, set[str]] = {}
    for claim in claims:
        for scheme, value in claim.value:
            if text := identifier(scheme, str(value)):
                found.setdefault(scheme, set()).add(text)
    doubled = [scheme for scheme in sorted(found) if scheme in SINGLE_VALUED and len(found[scheme]) > 1]
    conflict = "; ".join(f"{scheme} {', '.join(sorted(found[scheme]))}" for scheme in doubled)
    choice = _union({scheme: sorted(values) for scheme, values in sorted(found.items())}, claims)
    return choice and Choice(choice.value, choice.claims, 0, conflict)


def ratings(claims: Sequence[Claim]) -> Choice | None:
    """One rating for each source, the one with the most readers first."""
    each = {claim.provider: (claim, claim.value) for claim in reversed(claims) if 0 <= claim.value["average"] <= 5}
    ranked = sorted(each.items(), key=lambda item: (-item[1][1]["count"], item[0]))
    value = [{"source": name, **rating} for name, (_, rating) in ranked]
    return _union(value, [claim for _, (claim, _) in ranked])


def public_domain(claims: Sequence[Claim]) -> Choice | None:
    """Yes or no with its basis. Sources that disagree give no: text must not be passed on by mistake."""
    chosen = [claim for claim in claims if claim.value["status"] == "no"] or list(claims)
    if not chosen:
        return None
    conflict = "sources disagree on the public domain" if len({claim.value["status"] for claim in claims}) > 1 else ""
    return Choice({**chosen[0].value, "source": chosen[0].provider}, (chosen[0],), len(claims) - len(chosen), conflict)


def collected(*key: str) -> Rule:
    """The rule that keeps all entries of lists, each once by the given members."""

    def collect(claims: Sequence[Claim]) -> Choice | None:
        found: dict[tuple[str, ...], tuple[Claim, Any]] = {}
        for claim in claims:
            for entry in claim.value:
                found.setdefault(tuple(normalise(str(entry.get(name) or "")) for name in key), (claim, entry))
        ordered = [found[each] for each in sorted(found)]
        return _union(
            [{**entry, "source": claim.provider} for claim, entry in ordered], [claim for claim, _ in ordered]
        )

    return collect


def biography(claims: Sequence[Claim]) -> Choice | None:
    """The biography of the best source as plain text, with its source."""
    return _longest(claims, _BIOGRAPHIES)


# Parts of rules.


def _longest(claims: Sequence[Claim], order: Sequence[str]) -> Choice | None:
    """The longest usable text of the first source in the order that has one."""
    texts = [claim for claim in claims if claim.rank != "hint"]
    for place in sorted({_place(order, claim) for claim in texts}):
        usable = [
            (claim, text)
            for claim in texts
            if _place(order, claim) == place and (text := clean_description(claim.value))
        ]
        if usable:
            best = min(usable, key=lambda each: (-len(each[1]), trust(each[0])))
            return Choice(best[1], (best[0],), len(claims) - 1)
    return None


def _date(claim: Claim) -> str:
    """A date without an invented day; "" for a year that cannot be."""
    text = str(claim.value)
    year = int(text[:4])
    if text[4:] in {"-01-01", "-01"} and (text[4:] == "-01-01" or year == 1970):
        text = text[:4]
    latest = claim.fetched_at.year + 1 if claim.fetched_at else 9998
    impossible = year > latest or (year in NOT_A_YEAR and len(text) == 4) or year < 1000
    return "" if impossible else text


@lru_cache(maxsize=8_192)
def _subject(text: str) -> tuple[str, str]:
    """Key and text of a subject; no key for a word that names a format or a list."""
    shown = one_line(text).rstrip(".")
    return ("" if len(shown) > 100 or _NO_SUBJECT.match(shown) else normalise(shown)), shown


def _days(group: Sequence[Offered]) -> int:
    """The number of dates with a day: a year alone is often that of another edition."""
    return sum(len(text) == 10 for _, text in group)


def _placed(group: Sequence[Offered]) -> int:
    """The number of values with a position."""
    return sum(bool(value.get("position")) for _, value in group)


def _house(claim: Claim) -> str:
    """The name of a publisher; "" for a word that stands for an unknown one."""
    text = one_line(claim.value)
    return "" if normalise(text) in _NO_PUBLISHER else text


@lru_cache(maxsize=8_192)
def publisher_key(text: str) -> str:
    """A key for the name of a publisher, without "Inc." and the like."""
    plain = normalise(text)
    return _COMPANY.sub("", plain).strip() or plain


def _houses(keys: set[str]) -> dict[str, str]:
    """For each publisher the shortest name with which its own begins or ends, if that is among them and is a name by itself."""
    short = sorted((key for key in keys if len(key) > 3 and key not in _NO_HOUSE), key=lambda key: (len(key), key))
    return {
        key: next((each for each in short if key.startswith(f"{each} ") or key.endswith(f" {each}")), key)
        for key in keys
    }


def _union(value: Any, claims: Sequence[Claim]) -> Choice | None:
    distinct = {(claim.provider, claim.record): claim for claim in claims}
    return Choice(value, tuple(sorted(distinct.values(), key=trust))) if value else None


def _place(order: Sequence[str], claim: Claim) -> int:
    return order.index(claim.provider) if claim.provider in order else len(order)
