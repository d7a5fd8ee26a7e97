"""Which listings of a month are one book (docs/behaviour.md, "Generation").

Joins listings by title and author; points and confidence belong to `domain.matching`, which answers another question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import combinations
from typing import Final

from alexandria_pipeline.domain.matching.title_extras import without_names
from alexandria_pipeline.domain.matching.vocabulary import kinds_beside, lists_several_titles
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GeneratedBook, Listing
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.numerals import canonical_words
from alexandria_pipeline.domain.text.person_names import NameAgreement, PersonName, compare_names, people
from alexandria_pipeline.domain.text.spelling import is_misspelling
from alexandria_pipeline.domain.text.title_comparison import (
    TitleAgreement,
    compare_titles,
    content_words,
    is_descriptive,
)
from alexandria_pipeline.domain.text.titles import TitleParts, dissect

# Books alike in author are compared each with each up to this many; of more, only neighbours in the order of titles.
PAIRWISE_UP_TO: Final = 60
WINDOW: Final = 8


class _Tie(IntEnum):
    """How sure it is that two listings are the same book. If ties contradict each other, the weakest are dropped."""

    NONE = 0
    WEAK = 1  # a misspelling, or a bare surname
    FORM = 2  # a subtitle or a series name on one side only
    FIRM = 3


_TITLE_TIES: Final = {
    TitleAgreement.SAME: _Tie.FIRM,
    TitleAgreement.SUBTITLE_ON_ONE_SIDE: _Tie.FORM,
    TitleAgreement.SERIES_IN_FRONT: _Tie.FORM,
    TitleAgreement.MISSPELT: _Tie.WEAK,
    TitleAgreement.SMALL_WORDS: _Tie.WEAK,
}
_NAME_TIES: Final = {
    NameAgreement.FULL: _Tie.FIRM,
    NameAgreement.NEAR: _Tie.FORM,
    NameAgreement.INITIALS: _Tie.FORM,
    NameAgreement.MISSPELT: _Tie.WEAK,
    NameAgreement.SURNAME: _Tie.WEAK,
}

# A subtitle of so few words is called like a book of its own ("Homecoming"), unless it describes one ("A Memoir").
_NAME_WORDS: Final = 2

# A title, its people, and whether it strings several titles together.
_Form = tuple[TitleParts, tuple[PersonName, ...], bool]


def same_book(title_a: str, author_a: str, title_b: str, author_b: str) -> bool:
    """Whether two listings name one book; symmetric. Without an author on one side only an equal full title will do."""
    return _tie(_form(title_a, author_a), _form(title_b, author_b)) is not _Tie.NONE


def deduplicate(month: Month, listings: Sequence[Listing]) -> tuple[GeneratedBook, ...]:
    """The books that the listings name, in order of first mention; every listing ends in exactly one book.

    Grouping does not depend on the order of the listings, save for which of them names the book.
    """
    members: dict[_Form, list[int]] = defaultdict(list)
    for index, listing in enumerate(listings):
        members[_form(listing.title, listing.author)].append(index)
    groups = _groups(list(members), list(members.values()))
    return tuple(_book(month, [listings[index] for index in group]) for group in sorted(map(sorted, groups)))


def _book(month: Month, listings: Sequence[Listing]) -> GeneratedBook:
    """Has the title of its first listing, and the first author that a listing names."""
    author = next((listing.author for listing in listings if people(listing.author)), listings[0].author)
    return GeneratedBook(month, listings[0].title, author, tuple(listings))


def _form(title: str, author: str) -> _Form:
    parts = dissect(title)
    if not parts.full:
        # A title of signs only ("!!!") is compared as it is written.
        parts = TitleParts(title.strip(), title.strip())
    persons = people(author)
    parts = without_names(parts, frozenset(" ".join(person.words) for person in persons))
    return parts, persons, lists_several_titles(title, frozenset(normalise(author).split()))


def _groups(forms: list[_Form], members: list[list[int]]) -> list[list[int]]:
    """Listings by book; `members` are the listings of each form."""
    authored = [place for place, form in enumerate(forms) if form[1]]
    pairs = {pair for block in _blocks(forms, authored) for pair in combinations(block, 2)}
    ties = {(a, b): tie for a, b in pairs if (tie := _tie(forms[a], forms[b])) is not _Tie.NONE}
    groups = list(_consistent(set(authored), ties, _Tie.WEAK, forms))
    groups = _with_authorless(groups, forms)
    return [[index for place in group for index in members[place]] for group in groups]


def _tie(a: _Form, b: _Form) -> _Tie:
    if a == b:
        return _Tie.FIRM
    if not a[1] or not b[1]:
        return _Tie.FIRM if _full_key(a) == _full_key(b) else _Tie.NONE
    names = max(_NAME_TIES.get(compare_names(one, other), _Tie.NONE) for one in a[1] for other in b[1])
    if names is _Tie.NONE:
        return _Tie.NONE
    if a[2] != b[2] or _goes_on(a[0], b[0]):
        return _Tie.NONE
    if kinds_beside(a[0], b[0]) != kinds_beside(b[0], a[0]) and not is_misspelling(a[0].full, b[0].full):
        return _Tie.NONE
    return min(names, _TITLE_TIES.get(compare_titles(a[0], b[0]), _Tie.NONE))


def _goes_on(a: TitleParts, b: TitleParts) -> bool:
    """Whether one title is the other with the name of a sequel behind it: "Growing Up: The Reckoning"."""
    if bool(a.subtitle) == bool(b.subtitle) or a.main != b.main:
        return False
    named = a if a.subtitle else b
    if named.place and named.series and named.series != named.main:
        return False  # numbered in another series, so the subtitle is not the name of a sequel
    subtitle = a.subtitle or b.subtitle
    return len(content_words(subtitle)) <= _NAME_WORDS and not is_descriptive(subtitle)


def _full_key(form: _Form) -> str:
    return " ".join(canonical_words(normalise(form[0].full))) or form[0].full


def _blocks(forms: Sequence[_Form], places: Iterable[int]) -> Iterator[list[int]]:
    """Ascending sets of forms worth comparing: alike in title, or alike in author and close in title."""
    blocks: dict[tuple[str, str], dict[int, None]] = defaultdict(dict)
    for place in places:
        title, persons, _ = forms[place]
        for text in {title.main, *title.subtitles[-1:]}:
            blocks["title", "".join(canonical_words(text))][place] = None
        for word in {word for person in persons for word in (person.core, person.words[0]) if len(word) > 1}:
            blocks["author", word][place] = None
    for block in blocks.values():
        yield from [list(block)] if len(block) <= PAIRWISE_UP_TO else _windows(forms, block)


def _windows(forms: Sequence[_Form], block: Iterable[int]) -> Iterator[list[int]]:
    """A block too large for every pair: neighbours in the order of titles, read forwards and backwards."""
    titles = {place: forms[place][0].plain.replace(" ", "") for place in block}
    for ordered in (
        sorted(titles, key=lambda place: titles[place]),
        sorted(titles, key=lambda place: titles[place][::-1]),
    ):
        for start in range(len(ordered)):
            yield from (sorted((ordered[start], other)) for other in ordered[start + 1 : start + WINDOW])


def _consistent(
    places: set[int], ties: Mapping[tuple[int, int], _Tie], weakest: _Tie, forms: Sequence[_Form]
) -> Iterator[set[int]]:
    """Groups in which everything is one book with everything; where that fails, the weakest ties are given up.

    So "Star Wars" does not join "Star Wars: Phasma" with "Star Wars: Last Shot", whatever their order.
    """
    strong = {pair: tie for pair, tie in ties.items() if tie >= weakest}
    for component in _components(places, strong):
        if weakest is _Tie.FIRM or all(
            _tie(forms[a], forms[b]) is not _Tie.NONE for a, b in combinations(component, 2)
        ):
            yield component
        else:
            inside = {pair: tie for pair, tie in strong.items() if pair[0] in component}
            yield from _consistent(component, inside, _Tie(weakest + 1), forms)


def _components(places: Iterable[int], ties: Iterable[tuple[int, int]]) -> list[set[int]]:
    group_of = {place: {place} for place in places}
    for a, b in ties:
        small, large = sorted((group_of[a], group_of[b]), key=len)
        if small is not large:
            large |= small
            group_of.update(dict.fromkeys(small, large))
    return list({id(group): group for group in group_of.values()}.values())


def _with_authorless(groups: list[set[int]], forms: Sequence[_Form]) -> list[set[int]]:
    """A listing without an author joins the one book of exactly that title, if there is just one."""
    by_title: dict[str, list[set[int]]] = defaultdict(list)
    for group in groups:
        for key in {_full_key(forms[place]) for place in group}:
            by_title[key].append(group)
    alone: dict[str, set[int]] = defaultdict(set)
    for place, form in enumerate(forms):
        if form[1]:
            continue
        key = _full_key(form)
        (by_title[key][0] if len(by_title[key]) == 1 else alone[key]).add(place)
    return [*groups, *alone.values()]
