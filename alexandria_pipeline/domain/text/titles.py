"""Titles: taking one apart into main title, subtitle, series and volume, and the keys to find it by.

The rule tables stand at the head. Whether two titles are one book is decided in `domain.text.title_comparison`; names of people are
read in `domain.text.person_names` and offered from here too, because a key needs both.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.numerals import ORDINALS, ROMAN, TENS, UNITS, canonical_words, number_value
from alexandria_pipeline.domain.text.person_names import PersonName, author_key, people, same_person

__all__ = [
    "PersonName",
    "TitleParts",
    "author_key",
    "canonical_words",
    "dissect",
    "main_title",
    "normalise",
    "people",
    "same_person",
    "synthetic_key",
    "title_key",
    "volume",
]

# Dropped in front. Left out: "die", "de", "den", "as", "os" and the like, which are words of English titles.
ARTICLES: Final = frozenset("the a an der das le la les el los las il het ein eine een un une una uno".split())
# An "A" before one of these is the letter, not the article: "A Is for Alibi", "A to Z".
AFTER_LETTER_A: Final = frozenset("is to z and b for".split())

# What a bookseller adds to a title and a reader does not say. Whole segments, normalised.
GENRES: Final = "novel|novella|memoir|thriller|mystery|romance"
"""The genres that shops add to titles, for regular expressions."""

_GENRE = rf"(?:{GENRES}|story|stories|love story|true story|tale|novel of suspense|autobiography)"
_ADJECTIVES = r"(?:[a-z0-9]+ ){0,3}"
DECORATION: Final = re.compile(
    rf"^(?:(?:a|an|the) {_ADJECTIVES}{_GENRE}|novel|a novel (?:of|in|about) .*|poems|poetry|fiction|book|literary fiction|(?:short )?stories"
    r"|(?:collected|selected) (?:[a-z]+ )?(?:fiction|works|writings)"
    r"|a novel|(?:[a-z]+ )?novel|large print(?: edition)?|unabridged(?: edition)?|abridged(?: edition)?"
    r"|illustrated(?: edition)?"
    r"|(?:complete )?illustrated and unabridged(?: edition)?|(?:[a-z0-9]+ ){0,4}edition|(?:[a-z0-9]+ ){0,2}tie in(?: edition)?"
    r"|(?:hard|soft)(?:cover|back)|paperback|mass market(?: paperback)?|kindle|ebook|e book|audio(?:book)?|audio cd|cd|playaway"
    r"|(?:[a-z]+ )*book club(?: [a-z]+)*|(?:[a-z0-9 ]+ )?(?:prize|award|medal)(?: [a-z0-9 ]+)?"
    r"|(?:[a-z0-9]+ ){0,4}best ?sell(?:er|ing (?:novel|book|series))"
    r"|(?:[a-z]+ ){0,2}classics?|vintage (?:international|contemporaries)|modern library|everymans library|[a-z]+ readers circle"
    r"|quality(?: paperback)?|paper|rack|unnumbered|trade paperback|library(?: binding)?"
    r"|now a major motion picture|signed(?: copy)?|reissue|reprint|deluxe|boxed|(?:spanish|french|german|italian) edition)"
)
TRAILING_DECORATION: Final = re.compile(
    r"(?<=\S) (?:(?:a|an) (?:novel|memoir|thriller|novella)|large print(?: edition)?|unabridged(?: edition)?"
    r"|(?:[a-z0-9]+ )?(?:anniversary|special|deluxe|revised|expanded|collectors|international|illustrated|paperback|kindle) edition"
    r"|illustrated|movie tie in(?: edition)?)$"
)

_NUMERAL = rf"(?:\d{{1,4}}(?:\.\d)?|[ivx]+|{'|'.join([*UNITS[1:], *TENS, *ORDINALS])})"
_PART_MARK = r"(?:volumes?|vol|part|pt|tome|band|teil|episode|level|grade|stage)"
_PLACE_MARK = r"(?:books?|bk|no|number|nr|issue|mission)"
# Volumes are counted in letters, too; "i" and "v" are Roman numerals.
_LETTER = "[a-h]"
# A Roman numeral or a word counts only where the segment ends or goes on with "of": "Book I" but not "The Book I Lost".
_MARKED: Final = re.compile(
    rf"\b(?P<mark>{_PART_MARK}|{_PLACE_MARK})s? (?P<number>{_NUMERAL})(?: (?:of|in)\b(?P<rest>.*))?$"
    rf"|\b(?P<mark3>{_PART_MARK}) (?P<number3>{_LETTER})$"
    rf"|\b(?P<mark2>{_PART_MARK}|{_PLACE_MARK}) (?P<number2>\d{{1,4}})\b"
)
_ALMOST_VOLUME: Final = re.compile(rf"\bv[a-z]{{4,7}}(?= {_NUMERAL}$)")
_OF_TOTAL: Final = re.compile(rf"\b({_NUMERAL}) of \d+$")
_ONLY_OF_TOTAL: Final = re.compile(rf"^({_NUMERAL}) of \d+")
# A part of one work, and not a volume of a series.
_HALVES: Final = frozenset({"part", "pt", "teil"})
_HASH_RANGE: Final = re.compile(r"# ?(\d{1,3}) ?[-–—] ?#?(\d{1,3})\b")
_BARE_PLACE: Final = re.compile(r"^((?:[a-z]+ ){2,4})([1-9]|[1-5]\d)")
_CUT_SHORT: Final = re.compile(r" ?(?:\.\.\.|…) ?$")
_RANGE: Final = re.compile(rf"\b(?:{_PART_MARK}|{_PLACE_MARK}) (\d+ (?:(?:to|and|through|\d+) )*\d+)\b")
_HASH: Final = re.compile(r"(?:#|\bno\.?|№) ?(?=\d)", re.IGNORECASE)
_HASH_NUMBER: Final = re.compile(r"\bhashno (\d{1,4}(?: \d\b(?! of))?)(?=\s|$)")
# What every pattern of `_cut_volume` needs; most segments have none of it.
_MIGHT_BE_NUMBERED: Final = re.compile(rf"\d|\b(?:{_PART_MARK}|{_PLACE_MARK})|\bv[a-z]{{4,7}} ")
_PLACE_BEHIND: Final = re.compile(rf"\b{_PLACE_MARK}$")
_LINKS: Final = re.compile(r"^(?: ?(?:the|of)\b)+|\b(?:and|the)$")
_OPENING: Final = frozenset("([【（")
_ANY_OPENING: Final = re.compile(r"[(\[【（]")
_CLOSING: Final = frozenset(")]】）")
_INNER: Final = re.compile(r"[(\[【（][^()\[\]【】（）]*[)\]】）]?")
_COLON: Final = re.compile(r"(?<!\d) ?[:：;] ?| ?[:：;] ?(?!\d)| [-–—―|=]+ | ?(?:--+|—) ?| [/=] ")
_INVERTED_ARTICLE: Final = re.compile(
    r", ?(the|a|an|le|la|les|el|los|las|der|das|il|l['’]) ?(?=$|[(\[:;])", re.IGNORECASE
)
_ELISION: Final = re.compile(r"^ ?l['’] ?(?=\w)", re.IGNORECASE)
_ANY_DIGIT: Final = re.compile(r"\d")
_ALNUM: Final = re.compile(r"\w")

KEY_LENGTH: Final = 200
SYNTHETIC_PART_LENGTH: Final = 160


@dataclass(frozen=True, slots=True)
class TitleParts:
    """A title taken apart; every text is normalised. `part` is a volume of the work itself ("Persepolis, Vol. 2"),
    `place` its number in a series ("(Leo Demidov, #1)"), which other forms of the title omit."""

    full: str
    main: str
    subtitles: tuple[str, ...] = ()
    series: str = ""
    part: str | None = None
    place: str | None = None
    brackets: tuple[str, ...] = ()
    # All that follows the main title, decoration included, save numbered places and volumes.
    extras: tuple[str, ...] = ()
    # Whether a name of its own follows the volume: "Volume I: The Pox Party".
    part_is_named: bool = False
    # Whether `part` is a part of one work ("Part 1", "1 of 2").
    part_is_half: bool = False
    # What stands before a numbered place behind the main title: "Dungeon Crawler Carl" of "Title: Dungeon Crawler Carl #2".
    numbered_subtitle: str = ""
    # The main title in another language: "Los juegos del hambre = The Hunger Games".
    parallel: str = ""
    # Whether the record marks that its title has been cut: "…".
    cut_short: bool = False
    subtitle: str = field(init=False, compare=False)
    # Main title and subtitle, without brackets, decoration and volume.
    plain: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "subtitle", " ".join(self.subtitles))
        object.__setattr__(self, "plain", f"{self.main} {self.subtitle}".strip())

    def __hash__(self) -> int:
        return hash(self.full)  # of all fields it takes longer than most comparisons that the caches save


def dissect(title: str, subtitle: str = "") -> TitleParts:
    """Take a title apart, with the subtitle that some services give apart from it."""
    return _dissect(title, subtitle)


@lru_cache(maxsize=8_192)
def _dissect(title: str, subtitle: str) -> TitleParts:
    text, subtitle = " ".join((html.unescape(title) if "&" in title else title).split()), " ".join(subtitle.split())
    whole = normalise(f"{text} {subtitle}")
    text, parallel = _without_parallel(text)
    cut_short = _CUT_SHORT.search(subtitle or text) is not None
    body, brackets = _without_brackets(_CUT_SHORT.sub("", text))
    segments = [segment for segment in _COLON.split(body) if _ALNUM.search(segment)]
    if subtitle:
        segments += [segment for segment in _COLON.split(_without_brackets(subtitle)[0]) if _ALNUM.search(segment)]
    reader = _Reader()
    if len(segments) > 1 and not _is_genre(segments[1]) and reader.series_in_front(segments[0]):
        segments.pop(0)
    head, *tail = segments or [text]
    head = _turn_article(head)
    main = reader.main(head)
    subtitles = [words for segment in tail if (words := reader.addition(segment))]
    part_is_named = reader.part_is_named
    for bracket in brackets:
        reader.bracket(bracket)
    if not main and subtitles:
        main = subtitles.pop(0)
    main = main or _drop_article(normalise(head)) or whole
    extras = tuple(normalise(segment) for segment in (*tail, *brackets) if not _is_numbered(segment))
    return TitleParts(
        full=whole,
        main=main,
        subtitles=tuple(subtitles),
        series=reader.series,
        part=reader.part,
        place=reader.place,
        brackets=tuple(map(normalise, brackets)),
        extras=extras,
        part_is_named=part_is_named,
        part_is_half=reader.part_mark in _HALVES,
        numbered_subtitle=reader.numbered_subtitle,
        parallel=parallel,
        cut_short=cut_short,
    )


def _is_genre(segment: str) -> bool:
    """ "A Graphic Novel" and the like, which is no title."""
    words = normalise(segment)
    return words.startswith(("a ", "an ")) or DECORATION.fullmatch(words) is not None


def _without_parallel(text: str) -> tuple[str, str]:
    """The text without its title in another language, and the main part of that title, normalised."""
    before, _, parallel = text.partition(" = ")
    if not (_ALNUM.search(before) and _ALNUM.search(parallel)):
        return text, ""
    body, brackets = _without_brackets(parallel)
    kept = "".join(f" ({bracket})" for bracket in brackets)
    return f"{before}{kept}", _drop_article(normalise(_COLON.split(body)[0]))


def _words(segment: str) -> str:
    """A segment normalised, with number signs and ranges of numbers spelt out."""
    if "#" in segment:
        segment = _HASH_RANGE.sub(r" volumes \1 to \2 ", segment)
    return normalise(_HASH.sub(" hashno ", segment) if _ANY_DIGIT.search(segment) else segment)


class _Reader:
    """Reads segments in order and remembers the volume and series met on the way."""

    def __init__(self) -> None:
        self.part: str | None = None
        self.part_mark = ""
        self.place: str | None = None
        self.series = ""
        self.part_is_named = False
        self.numbered_subtitle = ""

    def series_in_front(self, segment: str) -> bool:
        """Whether the segment is a numbered series before the title, as in "The Mistborn Saga #0.5 - Arcanum Unbounded"."""
        if "#" not in segment:
            return False
        rest, mark, number = _cut_volume(_words(segment))
        if mark not in {"#", "volumes"} or not rest:
            return False
        self.place, self.series = number, _drop_article(rest)
        return True

    def main(self, segment: str) -> str:
        words = _words(segment)
        rest, mark, number = _cut_volume(words)
        if number is not None and rest:
            if mark == "#" and words.count(" ") < 3:  # "Juror #3" is the title itself
                return _drop_article(words.replace("hashno ", ""))
            self._take_part(mark, number)
            words = rest
        words = words.replace("hashno ", "")
        stripped = TRAILING_DECORATION.sub("", words)
        return _drop_article(stripped)

    def addition(self, segment: str) -> str:
        """What a segment after the main title adds to it; "" when that is decoration, a volume or a series."""
        words = _words(segment)
        if DECORATION.fullmatch(words):
            return ""
        rest, mark, number = _cut_volume(words)
        if number is None and (bare := _BARE_PLACE.fullmatch(words)):
            self._take_place(bare[2], bare[1].strip())
            self.numbered_subtitle = _drop_article(bare[1].strip())
            return ""
        if number is None:
            self.part_is_named = self.part is not None
            return TRAILING_DECORATION.sub("", words)
        if mark == "mission":
            self.place = self.place or number
            return rest
        if not rest or self._is_count(rest):
            self._take_part(mark, number)
            return ""
        if mark in {"#", "book", "bk"}:
            self._take_place(number, rest)
            self.numbered_subtitle = _drop_article(rest)
            return ""
        self._take_part(mark, number)
        return rest

    def _take_place(self, number: str, rest: str) -> None:
        """A place in a series; the rest may name a part of the work as well: "(A Song of Ice and Fire #5, Part 1 of 2)"."""
        rest, mark, part = _cut_volume(rest)
        if part is not None:
            self._take_part(mark, part)
        self.place, self.series = self.place or number, self.series or _drop_article(rest)

    def bracket(self, segment: str) -> None:
        words = _words(segment)
        rest, mark, number = _cut_volume(words)
        if number is None:
            if not DECORATION.fullmatch(words):
                self.series = self.series or _drop_article(words)
        elif mark == "volumes" and rest and self.part is not None:
            self.series = self.series or _drop_article(rest)  # "(Part 1) (Secret Circle #1-2)" is part 1 of the book
        elif mark == "volumes" or (mark in {"vol", "volume", "part", "pt", "tome", "band", "teil"} and not rest):
            self._take_part(mark, number)
            self.series = self.series or _drop_article(rest)
        else:
            self._take_place(number, rest)

    def _take_part(self, mark: str, number: str) -> None:
        """ "Volume I: Book 2" is neither "Volume I" nor "Volume II": a number under another mark makes the volume a smaller one."""
        if self.part is None:
            self.part, self.part_mark = number, mark
        elif self.part_mark != mark and self.part != number:
            self.part, self.part_mark = f"{self.part}/{number}", mark

    @staticmethod
    def _is_count(rest: str) -> bool:
        return rest.isdigit()


def _cut_volume(words: str) -> tuple[str, str, str | None]:
    """(words without the volume, its marker, its number as digits) of a normalised segment."""
    if not _MIGHT_BE_NUMBERED.search(words):
        return words, "", None
    if match := _HASH_NUMBER.search(words):
        rest = _PLACE_BEHIND.sub("", words[: match.start()].strip()).strip()
        return f"{rest} {words[match.end() :]}".strip(), "#", ".".join(str(int(digits)) for digits in match[1].split())
    if match := _ONLY_OF_TOTAL.fullmatch(words):
        return "", "part", number_value(match[1])
    words = _ALMOST_VOLUME.sub(_volume_spelt, words)
    words = _OF_TOTAL.sub(r"\1", words)
    if match := _RANGE.search(words):
        return f"{words[: match.start()]} {words[match.end() :]}".strip(), "volumes", "-".join(match[1].split())
    match = _MARKED.search(words)
    if match is None:
        return words, "", None
    mark = match["mark"] or match["mark2"] or match["mark3"]
    number = match["number"] or match["number2"] or match["number3"]
    value = number if match["number3"] else number_value(number)
    if value is None:
        return words, "", None
    rest = f"{words[: match.start()]} {words[match.end() :] if match['mark2'] else match['rest'] or ''}"
    rest = _LINKS.sub("", rest.strip()).strip()
    return rest, "book" if mark.startswith(("book", "bk")) else mark, value


def _volume_spelt(word: re.Match[str]) -> str:
    return "volume" if OSA.distance(word[0], "volume", score_cutoff=2) <= 2 else word[0]


def _is_numbered(segment: str) -> bool:
    return _cut_volume(_words(segment))[2] is not None


def _without_brackets(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without its brackets, and the texts in them, nested ones after the one around them.

    Brackets at the start or inside a word belong to the title, and so does a bracket that is never closed.
    """
    if not _ANY_OPENING.search(text):
        return " ".join(text.split()), ()
    kept: list[str] = []
    extras: list[str] = []
    open_at: list[tuple[int, int]] = []  # places in the text and in `extras`
    end = 0
    for place, sign in enumerate(text):
        if sign in _OPENING:
            if not open_at:
                kept.append(text[end:place])
                end = place
            open_at.append((place, len(extras)))
            extras.append("")
        elif sign in _CLOSING and open_at:
            start, index = open_at.pop()
            extras[index] = _INNER.sub(" ", text[start + 1 : place])
            if not open_at:
                if _belongs(text[:start], text[start + 1 : place]):
                    kept.append(text[start : place + 1])
                    del extras[index:]
                else:
                    kept.append(" ")
                end = place + 1
    if open_at:
        del extras[open_at[0][1] :]
    return " ".join("".join([*kept, text[end:]]).split()), tuple(extra for extra in extras if _ALNUM.search(extra))


def _belongs(before: str, inside: str) -> bool:
    """Whether brackets are a part of the title."""
    within_word = before[-1:].isalnum() and len(inside) < 3
    return not _ALNUM.search(before) or within_word or not _ALNUM.search(inside)


def _turn_article(segment: str) -> str:
    """ "Dispossessed, The" and "L'Étranger" without their articles."""
    return _ELISION.sub("", _INVERTED_ARTICLE.sub("", segment))


def _drop_article(words: str) -> str:
    first, _, rest = words.partition(" ")
    is_letter = first == "a" and rest.partition(" ")[0] in AFTER_LETTER_A
    return rest if first in ARTICLES and rest and not is_letter else words


def main_title(title: str) -> str:
    """Normalised title without article, subtitle, series, volume and decoration; "" only when there is no letter or digit."""
    return dissect(title).main


def volume(title: str) -> str | None:
    """The volume, part or place in a series that a title names, as digits; a bare number at its end counts too."""
    parts = dissect(title)
    found = parts.part or parts.place
    if found is not None:
        return found
    words = parts.main.split()
    if len(words) < 2 or not (words[-1].isdigit() or (words[-1] in ROMAN and len(words[-1]) > 1)):
        return None
    value = number_value(words[-1])
    return value if value is not None and int(value) < 100 else None


def title_key(title: str) -> str:
    """The key of a title: the same for all forms of one title, without spaces, at most 200 characters."""
    return dissect(title).main.replace(" ", "")[:KEY_LENGTH]


def synthetic_key(title: str, author: str) -> str:
    """The key of a work that has no ISBN yet: `synthetic:{title}:{author}`; different books get different keys.

    Nothing but what `normalise` folds is taken off, so "Title" and "Title: Part Two" stay apart.
    """
    return f"synthetic:{_synthetic_part(title)}:{_synthetic_part(author)}"


def _synthetic_part(text: str) -> str:
    words = normalise(text)
    if words and len(words) <= SYNTHETIC_PART_LENGTH:
        return words
    digest = hashlib.sha256(unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{words[:SYNTHETIC_PART_LENGTH]}~{digest}"
