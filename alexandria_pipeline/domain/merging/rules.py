"""The rules that choose the value of a field. Each takes claims, the most trusted first, and returns a choice or None.

Most rules group equal values and let the group with the most sources win; the order of sources breaks ties. The order of the
claims never matters otherwise, so any order of the same answers gives the same value.
"""

from __future__ import annotations

import html
import re
import statistics
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

import ftfy
import nh3

from alexandria_pipeline.domain.merging.claims import Choice, Claim, trust
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import people
from alexandria_pipeline.domain.text.titles import main_title, title_key

K = TypeVar("K", bound=Hashable)
Rule = Callable[[Sequence[Claim]], Choice | None]

PAGES_TOLERANCE: Final = 0.1
MIN_DESCRIPTION: Final = 40
MAX_SUBJECTS: Final = 50
NOT_A_YEAR: Final = frozenset({0, 1, 1000, 1900, 1970, 9999})
"""Years that catalogues write for an unknown date. 1970 is the first year of computer clocks and is doubted only with 1 January."""

_DECORATION: Final = re.compile(
    r"(?<!\s)\s*+[(\[]"
    r"(?=[^()\[\]]{0,120}?(?:#|\b(?:book|books|vol|volume|series|novel|edition|trilogy|saga|paperback|hardcover)\b))"
    r"[^()\[\]]{1,250}+[)\]]$",
    re.IGNORECASE,
)
_GENRE_BEHIND: Final = re.compile(
    r"(?<!\s)\s*+:\s*+(?:a|an) (?:\w+ ){0,2}(?:novel|memoir|story|thriller|mystery)$", re.IGNORECASE
)
_INVERTED_ARTICLE: Final = re.compile(r"^([^,]+), (the|a|an)$", re.IGNORECASE)
_COMPANY: Final = re.compile(
    r"\b(?:inc|llc|ltd|limited|co|corp|corporation|company|gmbh|plc|publishers?|publishing|publications|verlag|group)\b"
)
_SELF_PUBLISHED: Final = frozenset({"independently published", "self published", "createspace", "lulu com"})
_SALES_TEXT: Final = re.compile(
    r"^\W*(?:(?:the )?(?:#1|no\. ?1|number one|new york times|international|instant|sunday times)[^.!]{0,80}best-?sell\w*\W*)+$",
    re.IGNORECASE,
)
_NO_SUBJECT: Final = re.compile(
    r"^(?:general|books?|e-?books?|paperback|hardcover|large type books?|audiobooks?|kindle.*|accessible book|protected daisy"
    r"|in library|new york times bestseller|nyt:.*|overdrive|open library staff picks|reading level.*|lists?|unknown)$",
    re.IGNORECASE,
)
_PLACEHOLDER_COVER: Final = re.compile(
    r"no[-_]?(?:photo|cover|image)|image[-_]?not[-_]?available|placeholder|nocover|default[-_]cover", re.IGNORECASE
)
_SMALL_WORDS: Final = frozenset(
    "a an and as at but by for from in into nor of on or over the to upon with along".split()
)
_ROMAN: Final = re.compile(r"(?:ii|iii|iv|vi|vii|viii|ix|xi|xii|xiii|xiv|xv)\W?")
_ABBREVIATION: Final = re.compile(r"(?:[a-z]\.){2,}|fbi|cia|usa|uk|nasa|d-day")
_FIRST_LETTER: Final = re.compile(r"(?:^|(?<=[-/(\"“])|(?<=^[od]['’]))\w")
_FREE_COVERS: Final = ("open-library", "local-catalog", "internet-archive", "wikidata", "google-books", "isbndb")
_DESCRIPTIONS: Final = ("google-books", "isbndb", "open-library", "internet-archive")
_BIOGRAPHIES: Final = ("wikipedia", "open-library")
_NOT_AUTHORS: Final = frozenset({"translator", "illustrator", "narrator", "editor", "other"})


def title(claims: Sequence[Claim]) -> Choice | None:
    """The title of the largest group with an equal title key: in mixed case, without decoration, the shortest.

    If all sources have capitals only, the title gets the case of English titles.
    """
    cleaned = [(claim, text) for claim in claims if (text := clean_title(claim.value))]
    group = _largest(cleaned, lambda text: title_key(text) or text)
    if not group:
        return None
    best = min(group, key=lambda each: (_is_shouted(each[1]), len(each[1]), trust(each[0]), each[1]))
    shown = title_case(best[1]) if best[1].isupper() else best[1]
    return Choice(shown, (best[0],), _lost(claims, group))


def subtitle_for(chosen_title: str) -> Rule:
    """The rule for the subtitle of a title: only from records with the same main title, and not what the title repeats."""

    def subtitle(claims: Sequence[Claim]) -> Choice | None:
        whole = normalise(chosen_title)
        offered = []
        for claim in claims:
            text = _one_line(claim.value["text"])
            same = main_title(claim.value["title"]) == main_title(chosen_title)
            if same and text and normalise(text) not in whole:
                offered.append((claim, text))
        return _majority(offered, normalise, claims)

    return subtitle


def authors(claims: Sequence[Claim]) -> Choice | None:
    """The author list of one source. Names that a source calls translator or the like are no authors.

    Lists with the same people are one group. Within it, a list in natural order ("First Last") is preferred.
    """
    helpers = _helpers(claims)
    lists = []
    for claim in claims:
        named = [
            one for one in claim.value if one["role"] in {"author", "unknown"} and _person(one["name"]) not in helpers
        ]
        if named:
            lists.append((claim, [_one_line(one["name"]) for one in named]))
    group = _largest(lists, lambda names: frozenset(map(_person, names)))
    if not group:
        return None
    best = min(
        group, key=lambda each: (any(map(_is_shouted, each[1])), any(map(_is_odd_name, each[1])), trust(each[0]))
    )
    return Choice([natural_name(name) for name in best[1]], (best[0],), _lost(claims, group))


def contributors(claims: Sequence[Claim]) -> Choice | None:
    """All other contributors, by person and role."""
    found: dict[tuple[str, str], tuple[Claim, str]] = {}
    for claim in claims:
        for one in claim.value:
            if one["role"] in _NOT_AUTHORS:
                found.setdefault((_person(one["name"]), one["role"]), (claim, natural_name(_one_line(one["name"]))))
    value = [{"name": name, "role": role} for (_, role), (_, name) in sorted(found.items(), key=lambda item: item[0])]
    return _union(value, [claim for claim, _ in found.values()])


def description(claims: Sequence[Claim]) -> Choice | None:
    """The longest description of the best source: plain text, repaired, at least 40 characters, no sales text only."""
    usable = [(claim, text) for claim in claims if (text := clean_description(claim.value))]
    if not usable:
        return None
    best = min(usable, key=lambda each: (_place(_DESCRIPTIONS, each[0]), -len(each[1]), trust(each[0])))
    return Choice(best[1], (best[0],), len(claims) - 1)


def subjects(claims: Sequence[Claim]) -> Choice | None:
    """All subjects, each once, without words that name a format or a list."""
    found: dict[str, tuple[str, list[Claim]]] = {}
    for claim in claims:
        for subject in claim.value:
            text = _one_line(subject).rstrip(".")
            key = normalise(text)
            if key and len(text) <= 100 and not _NO_SUBJECT.match(text):
                found.setdefault(key, (text, []))[1].append(claim)
    ranked = sorted(
        found.values(), key=lambda each: (-len({claim.source for claim in each[1]}), trust(each[1][0]), each[0])
    )
    value = [
        {"name": text, "sources": sorted({claim.provider for claim in named})} for text, named in ranked[:MAX_SUBJECTS]
    ]
    return _union(value, [claim for _, named in ranked[:MAX_SUBJECTS] for claim in named])


def cover(claims: Sequence[Claim]) -> Choice | None:
    """A cover's address, size and source: free sources first, then the larger picture. A placeholder is no cover."""
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
    return Choice({**best[1], "source": best[0].provider}, (best[0],), len(offered) - 1)


def published(claims: Sequence[Claim]) -> Choice | None:
    """The most precise date of those in the year that most sources give. 1 January alone is only a year."""
    dated = [(claim, text) for claim in claims if (text := _date(claim))]
    group = _largest(dated, lambda text: text[:4])
    if not group:
        return None
    longest = max(len(text) for _, text in group)
    precise = _largest([each for each in group if len(each[1]) == longest], lambda text: text)
    years = {text[:4] for _, text in dated}
    conflict = f"years {', '.join(sorted(years))}" if max(map(int, years)) - min(map(int, years)) > 2 else ""
    return Choice(precise[0][1], (precise[0][0],), _lost(claims, group), conflict)


def first_published(claims: Sequence[Claim]) -> Choice | None:
    """The year that most sources of works give; the earliest of equals."""
    dated = [(claim, int(claim.value)) for claim in claims if int(claim.value) not in NOT_A_YEAR]
    groups = _groups(dated, lambda year: year)
    if not groups:
        return None
    best = max(groups.values(), key=lambda group: (_sources(group), -group[0][1]))
    return Choice(best[0][1], (best[0][0],), _lost(claims, best))


def pages(claims: Sequence[Claim]) -> Choice | None:
    """Of the values within 10 % of the median, the one of most sources. Without any such value, the best source's."""
    counted = [(claim, int(claim.value)) for claim in claims if 1 < int(claim.value) < 30_000]
    if not counted:
        return None
    middle = statistics.median(number for _, number in counted)
    near = [each for each in counted if abs(each[1] - middle) <= PAGES_TOLERANCE * middle]
    group = _largest(near or counted, lambda number: number)
    conflict = "" if near else f"pages {', '.join(str(number) for number in sorted({n for _, n in counted}))}"
    return Choice(group[0][1], (group[0][0],), _lost(claims, group), conflict)


def publisher(claims: Sequence[Claim]) -> Choice | None:
    """The publisher of most sources, without regard to "Inc." and the like. A self-publishing service never overrides a name."""
    named = [(claim, text) for claim in claims if (text := _one_line(claim.value))]
    houses = [each for each in named if normalise(each[1]) not in _SELF_PUBLISHED]
    return _majority(houses or named, lambda text: _COMPANY.sub("", normalise(text)).strip() or normalise(text), claims)


def language(claims: Sequence[Claim]) -> Choice | None:
    """The language of most sources as a BCP 47 tag. Between equals, the group of the ISBN decides (a hint)."""
    tagged = [(claim, tag) for claim in claims if (tag := _language(str(claim.value)))]
    return _majority(tagged, lambda tag: tag, claims)


def most_common(claims: Sequence[Claim]) -> Choice | None:
    """The text that most sources give."""
    return _majority([(claim, text) for claim in claims if (text := _one_line(claim.value))], normalise, claims)


def series(claims: Sequence[Claim]) -> Choice | None:
    """Name and position of one source: of the series that most sources name, one with a position if there is one."""
    named = [(claim, claim.value) for claim in claims if normalise(claim.value["name"])]
    group = _largest(named, lambda value: _series_key(value["name"]))
    if not group:
        return None
    placed = _largest([each for each in group if each[1].get("position")], lambda value: str(value["position"]))
    claim, value = min(placed or group, key=lambda each: (_is_shouted(each[1]["name"]), trust(each[0])))
    name = _one_line(value["name"])
    shown = title_case(name) if name.isupper() and len(name) > 4 else name
    return Choice({"name": shown, "position": value.get("position")}, (claim,), _lost(claims, group))


SINGLE_VALUED: Final = frozenset({"openlibrary_work", "wikidata", "viaf", "isni"})
"""Schemes in which one thing has one identifier. Two values are a conflict."""


def identifiers(claims: Sequence[Claim]) -> Choice | None:
    """All identifiers by scheme, as text. Two values in a single-valued scheme are both kept, and are a conflict."""
    found: dict[str, set[str]] = {}
    for claim in claims:
        for scheme, value in claim.value:
            found.setdefault(scheme, set()).add(str(value))
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
    usable = [(claim, text) for claim in claims if (text := clean_description(claim.value))]
    if not usable:
        return None
    best = min(usable, key=lambda each: (_place(_BIOGRAPHIES, each[0]), -len(each[1]), trust(each[0])))
    return Choice(best[1], (best[0],), len(claims) - 1)


# Texts.


@lru_cache(maxsize=8_192)
def clean_title(text: str) -> str:
    """A title in one line, repaired, without series and format in brackets, without ": A Novel", the article in front."""
    cleaned = _one_line(text)
    for _ in range(3):
        shorter = _GENRE_BEHIND.sub("", _DECORATION.sub("", cleaned))
        if shorter == cleaned or not normalise(shorter):
            break
        cleaned = shorter
    return _INVERTED_ARTICLE.sub(lambda found: f"{found[2].capitalize()} {found[1]}", cleaned)


def title_case(text: str) -> str:
    """A title in capitals in the case of English titles: "A WALK ALONG THE BEACH" becomes "A Walk along the Beach"."""
    words = text.lower().split()
    small = {
        at
        for at, word in enumerate(words)
        if word in _SMALL_WORDS and 0 < at < len(words) - 1 and words[at - 1][-1] not in ":.!?"
    }
    return " ".join(word if at in small else _capitalised(word) for at, word in enumerate(words))


def _capitalised(word: str) -> str:
    if _ROMAN.fullmatch(word) or _ABBREVIATION.fullmatch(word):
        return word.upper()
    return _FIRST_LETTER.sub(lambda found: found[0].upper(), word)


@lru_cache(maxsize=8_192)
def clean_description(text: str) -> str:
    """Plain text of a description; "" if it is damaged, too short, or sales text only."""
    lines = re.sub(r"<(?:br|/p|/li)\b[^>]*>", "\n", text, flags=re.IGNORECASE)
    plain = html.unescape(nh3.clean(lines, tags=set()))
    plain = "\n".join(filter(None, (" ".join(line.split()) for line in ftfy.fix_text(plain).splitlines())))
    useless = len(plain) < MIN_DESCRIPTION or "�" in plain or _SALES_TEXT.match(plain)
    return "" if useless else plain


@lru_cache(maxsize=8_192)
def natural_name(name: str) -> str:
    """A name as "First Last" instead of "Last, First". Other names stay as they are."""
    parts = [part.strip() for part in name.split(",")]
    found = people(name)
    inverted = len(parts) == 2 and len(found) == 1 and all(parts) and normalise(parts[0]) == found[0].surname
    name = f"{parts[1]} {parts[0]}" if inverted else name
    return name.title() if name.isupper() and len(name) > 4 else name


@lru_cache(maxsize=8_192)
def _one_line(text: str) -> str:
    return " ".join(ftfy.fix_text(html.unescape(str(text))).split())


def _is_shouted(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return len(letters) > 3 and (text.isupper() or text.islower())


def _is_odd_name(name: str) -> bool:
    return "," in name or name.isupper() or name.islower() or "�" in name


@lru_cache(maxsize=8_192)
def _person(name: str) -> str:
    """A key for one person: surname and first letter of the given name."""
    found = people(name)
    return f"{found[0].surname} {found[0].given[0][:1] if found[0].given else ''}" if found else normalise(name)


def _helpers(claims: Sequence[Claim]) -> frozenset[str]:
    """People whom more sources call translator, illustrator, narrator or editor than author."""
    balance: dict[str, int] = {}
    for claim in claims:
        for one in claim.value:
            if one["role"] != "unknown":
                balance[_person(one["name"])] = balance.get(_person(one["name"]), 0) + (
                    1 if one["role"] == "author" else -1
                )
    return frozenset(name for name, count in balance.items() if count < 0)


def _date(claim: Claim) -> str:
    """A date without an invented day; "" for a year that cannot be."""
    text = str(claim.value)
    year = int(text[:4])
    if text[4:] in {"-01-01", "-01"} and (text[4:] == "-01-01" or year == 1970):
        text = text[:4]
    latest = claim.fetched_at.year + 1 if claim.fetched_at else 9998
    impossible = year > latest or (year in NOT_A_YEAR and len(text) == 4) or year < 1000
    return "" if impossible else text


@lru_cache(maxsize=1_024)
def _language(text: str) -> str:
    import langcodes  # noqa: PLC0415 - its tables take 0.2 s to load, and every process of Dagster imports this module

    try:
        return langcodes.standardize_tag(text)
    except langcodes.tag_parser.LanguageTagError:
        return ""


@lru_cache(maxsize=8_192)
def _series_key(name: str) -> str:
    return re.sub(r"\b(?:the|series|trilogy|saga|novels?|books?)\b", "", normalise(name)).strip() or normalise(name)


# Groups.


def _groups(offered: Iterable[tuple[Claim, Any]], key: Callable[[Any], K]) -> dict[K, list[tuple[Claim, Any]]]:
    found: dict[K, list[tuple[Claim, Any]]] = {}
    for claim, value in offered:
        found.setdefault(key(value), []).append((claim, value))
    return found


def _sources(group: Sequence[tuple[Claim, Any]]) -> int:
    return len({claim.source for claim, _ in group if claim.rank != "hint"})


def _largest(offered: Sequence[tuple[Claim, Any]], key: Callable[[Any], Hashable]) -> list[tuple[Claim, Any]]:
    """The group of most sources; of equal ones, one with a hint, then that of the most trusted source.

    Its claims without hints, the most trusted first.
    """
    ranked = []
    for group in _groups(offered, key).values():
        stated = sorted((each for each in group if each[0].rank != "hint"), key=lambda each: trust(each[0]))
        if stated:
            ranked.append(((-_sources(stated), len(stated) - len(group), trust(stated[0][0])), stated))
    return min(ranked, key=lambda each: each[0], default=((), []))[1]


def _lost(claims: Sequence[Claim], group: Sequence[tuple[Claim, Any]]) -> int:
    """How many claims are not of the group that won."""
    return sum(claim.rank != "hint" for claim in claims) - len(group)


def _majority(
    offered: Sequence[tuple[Claim, Any]], key: Callable[[Any], Hashable], claims: Sequence[Claim]
) -> Choice | None:
    group = _largest(offered, key)
    return Choice(group[0][1], (group[0][0],), _lost(claims, group)) if group else None


def _union(value: Any, claims: Sequence[Claim]) -> Choice | None:
    distinct = {(claim.provider, claim.record): claim for claim in claims}
    return Choice(value, tuple(sorted(distinct.values(), key=trust))) if value else None


def _place(order: Sequence[str], claim: Claim) -> int:
    return order.index(claim.provider) if claim.provider in order else len(order)
