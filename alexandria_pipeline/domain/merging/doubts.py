"""Doubts: what shows that a stated value is damaged, a placeholder, or of another edition. One function a doubt.

A doubtful value counts half, and is served only if nothing better is there. Values that cannot be are dropped by the rules
(`rules.py`). Values are doubted only where sources differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from alexandria_pipeline.domain.merging.claims import Claim
from alexandria_pipeline.domain.merging.texts import language_tag, one_line
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.titles import title_key

FIRST_ISBN: Final = 1967
"""No edition has an ISBN before this year; an earlier year is that of the work."""
FIRST_OF_PREFIX: Final = {"97910": 2009, "97911": 2014, "97912": 2020, "9798": 2018}

_DISTRIBUTOR: Final = re.compile(
    r"\b(?:amazon|kindle|createspace|smashwords|draft2digital|lulu|lightning source|ingram|baker (?:and|&) taylor|gardners|overdrive"
    r"|bookbaby|author ?house|xlibris|iuniverse|lightning|distributors?|wholesalers?|distribution|bookstores?|print on demand)\b"
)
_NOT_A_NAME: Final = re.compile(r"^[\W\d]*$|https?://|www\.|@")
_PLACES: Final = frozenset(
    "new york;london;boston;chicago;toronto;paris;berlin;san francisco;philadelphia;oxford;usa;uk;united states;new york ny".split(
        ";"
    )
)
_COLLECTION: Final = re.compile(
    r"\b(?:penguin|vintage|oxford worlds?|modern library|everyman|signet|bantam|wordsworth|dover|barnes|puffin|harper|picador|faber"
    r"|nyrb|new directions|virago|collins|longman|folio|norton|perennial|ballantine|bloomsbury|dell)\b.*"
    r"\b(?:classics?|crime|library|librarys?|modern|contemporar\w*|essentials?|editions?|readers?|originals?|thrifts?|books?|paperbacks?"
    r"|international|popular|deluxe|criticals?)\b|\b(?:large print|library edition|world classics|worlds classics)\b"
)
_BAD_TITLE: Final = re.compile(
    r"\ufffd|(?:\.\.\.|…)$|^\W*(?:book )?97[89]\d{10}\W*$|^(?:untitled|no title|title not available|unknown)$",
    re.IGNORECASE,
)
_SCRIPTS: Final = (
    (re.compile(r"[\u3040-\u30ff]"), frozenset({"ja"})),
    (re.compile(r"[\uac00-\ud7af]"), frozenset({"ko"})),
    (re.compile(r"[\u4e00-\u9fff]"), frozenset({"zh", "ja"})),
    (re.compile(r"[\u0400-\u04ff]"), frozenset({"ru", "uk", "bg", "sr", "be", "mk", "kk", "mn"})),
    (re.compile(r"[\u0370-\u03ff]{2}"), frozenset({"el", "grc"})),
    (re.compile(r"[\u0590-\u05ff]"), frozenset({"he", "yi"})),
    (re.compile(r"[\u0600-\u06ff]"), frozenset({"ar", "fa", "ur"})),
)


@dataclass(slots=True)
class Beside:
    """What is known of a thing beside the value: its ISBN, its title as served, and the claims of its other fields.

    The title is set when it is chosen, before the fields that are doubted because of it.
    """

    isbn13: str
    title: str
    claims: Mapping[str, Sequence[Claim]]
    _names: frozenset[str] | None = None
    _others: tuple[str, frozenset[tuple[str, int]]] | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names of the authors, normalised."""
        if self._names is None:
            self._names = frozenset(
                normalise(one["name"]) for each in self.claims.get("authors", ()) for one in each.value
            )
        return self._names

    @property
    def of_another_book(self) -> frozenset[tuple[str, int]]:
        """The answers, as (provider, record), that have only titles unlike that of the book."""
        if self._others is None or self._others[0] != self.title:
            like: dict[tuple[str, int], bool] = {}
            for claim in self.claims.get("title", ()) if self.title else ():
                if claim.rank != "hint":
                    answer = (claim.provider, claim.record)
                    like[answer] = like.get(answer, False) or _is_like(one_line(claim.value), self.title)
            self._others = (self.title, frozenset(answer for answer, same in like.items() if not same))
        return self._others[1]


Doubt = Callable[[Claim, Beside], bool]


def before_isbn(claim: Claim, beside: Beside) -> bool:
    """The year is before there were ISBNs, or numbers of this prefix: the year of the work, or of an earlier edition."""
    first = next((year for prefix, year in FIRST_OF_PREFIX.items() if beside.isbn13.startswith(prefix)), FIRST_ISBN)
    return bool(beside.isbn13) and int(str(claim.value)[:4]) < first


def count_of_leaflet(claim: Claim, beside: Beside) -> bool:
    """So few pages, where another source states several times as many: a part of the book, or a unit."""
    pages = int(claim.value)
    return pages < 24 and any(int(other.value) > 3 * pages for other in beside.claims["pages"])


def placeholder_count(claim: Claim, _: Beside) -> bool:
    """A number of pages that is typed where the true one is unknown."""
    return str(claim.value) in {"99", "999", "9999", "123", "1234"}


def count_is_year(claim: Claim, beside: Beside) -> bool:
    """The number of pages is the year of the same answer."""
    return any(
        (other.provider, other.record) == (claim.provider, claim.record) and str(other.value)[:4] == str(claim.value)
        for other in beside.claims.get("published", ())
    )


def distributor(claim: Claim, _: Beside) -> bool:
    """A distributor, a shop or a platform, not a publisher."""
    return bool(_DISTRIBUTOR.search(normalise(one_line(claim.value))))


def not_a_name(claim: Claim, _: Beside) -> bool:
    """A number, an address, or a place, where the name of a publisher is due."""
    return bool(_NOT_A_NAME.search(claim.value)) or normalise(claim.value) in _PLACES


def name_of_the_book(claim: Claim, beside: Beside) -> bool:
    """The publisher or series has the title of the book, or the name of an author: a value of another field."""
    text = normalise(claim.value if isinstance(claim.value, str) else claim.value["name"])
    return text in beside.names or (bool(text) and text == normalise(beside.title))


def collection(claim: Claim, _: Beside) -> bool:
    """A collection of a publisher, not a series of works."""
    return claim.value.get("position") is None and bool(_COLLECTION.search(normalise(claim.value["name"])))


def bad_title(claim: Claim, _: Beside) -> bool:
    """A title that is damaged, cut off, a number, or a placeholder."""
    return bool(_BAD_TITLE.search(claim.value.strip()))


def other_script(claim: Claim, beside: Beside) -> bool:
    """The title is in a script in which this language is not written."""
    language = language_tag(str(claim.value)).partition("-")[0]
    expected = next((languages for script, languages in _SCRIPTS if script.search(beside.title)), None)
    return expected is not None and language not in expected


def of_another_book(claim: Claim, beside: Beside) -> bool:
    """The answer has another title than the book: it is about another book or edition."""
    return (claim.provider, claim.record) in beside.of_another_book


@lru_cache(maxsize=8_192)
def _is_like(one: str, other: str) -> bool:
    a, b = normalise(one), normalise(other)
    return a.startswith(b) or b.startswith(a) or title_key(one) == title_key(other)


DOUBTS: Final[Mapping[str, tuple[Doubt, ...]]] = {
    "title": (bad_title,),
    "published": (before_isbn, of_another_book),
    "pages": (count_of_leaflet, placeholder_count, count_is_year, of_another_book),
    "publisher": (distributor, not_a_name, name_of_the_book, of_another_book),
    "language": (other_script, of_another_book),
    "series": (name_of_the_book, collection, of_another_book),
}
"""The doubts about each field of an edition."""
_WITHOUT_OTHER_BOOKS: Final = {
    name: tuple(each for each in doubts if each is not of_another_book) for name, doubts in DOUBTS.items()
}
OF_WORKS: Final = frozenset({"title", "series"})
"""The fields of works about which there are doubts; their claims are of several editions."""


def weighed(field: str, claims: Sequence[Claim], beside: Beside) -> Sequence[Claim]:
    """The claims, those that are doubtful with that rank. As they are if all agree, or if all are doubtful."""
    stated = [claim for claim in claims if claim.rank != "hint"]
    if len(stated) < 2:
        return claims
    first = stated[0].value
    for claim in stated:
        if claim.value != first:
            break
    else:
        return claims
    doubts = DOUBTS[field] if beside.of_another_book else _WITHOUT_OTHER_BOOKS[field]
    doubtful = {id(claim) for claim in stated for doubt in doubts if doubt(claim, beside)}
    if not doubtful or len(doubtful) == len(stated):
        return claims
    return [claim._replace(rank="doubtful") if id(claim) in doubtful else claim for claim in claims]


def evidence_of_titles(titles: Sequence[Claim]) -> list[Any]:
    """The series that titles name in brackets ("Circe (Harker, #3)"), as values of the field."""
    named = [_IN_TITLE.search(claim.value) for claim in titles if claim.value.endswith(")")]
    return [{"name": each[1].strip(), "position": each[2]} for each in named if each]


_IN_TITLE: Final = re.compile(r"\(([^()#]{2,120}?),?\s*(?:#|\b[Bb]ook |\b[Vv]ol\. )(\d{1,3}(?:\.\d)?)\)$")
