"""Whole kinds of fault, over generated names and titles: what has to be one book, and what must never be one."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.matching.deduplication import same_book
from alexandria_pipeline.domain.matching.verdict import Verdict, judge
from alexandria_pipeline.domain.records import BookQuery, Candidate, Contributor, PartialDate
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.numerals import ROMAN
from alexandria_pipeline.domain.text.titles import dissect, title_key

ADJECTIVES = (
    "Silent",
    "Crimson",
    "Broken",
    "Hidden",
    "Golden",
    "Distant",
    "Burning",
    "Frozen",
    "Wandering",
    "Forgotten",
)
NOUNS = ("Harbour", "Orchard", "Lantern", "Mountain", "Garden", "Winter", "Kingdom", "Journey", "Promise", "Shadow")
GIVEN = ("Margaret", "Thomas", "Elena", "Frederick", "Josephine", "Leopold", "Beatrice", "Ambrose")
SURNAMES = ("Halloran", "Whitlock", "Kovalenko", "Pemberton", "Castellano", "Thornbury", "Lindqvist")
ROMAN_NUMERALS = sorted((numeral for numeral, value in ROMAN.items() if value > 1), key=lambda numeral: ROMAN[numeral])

titles = st.builds(
    lambda one, two, three: f"The {one} {two} of {three}",
    st.sampled_from(ADJECTIVES),
    st.sampled_from(NOUNS),
    st.sampled_from(("Ashford", "Marrakesh", "Verona", "Galway", "Tallinn")),
)
franchises = st.builds(lambda one, two: f"{one} {two}s", st.sampled_from(ADJECTIVES), st.sampled_from(NOUNS))
names = st.builds(lambda given, surname: f"{given} {surname}", st.sampled_from(GIVEN), st.sampled_from(SURNAMES))
numbers = st.integers(2, 40)


def verdict(title: str, author: str, offered: str, by: str, *more: str, subtitle: str | None = None) -> Verdict:
    contributors = tuple(map(Contributor, (by, *more)))
    edition = Candidate(
        "test",
        Isbn13("9780141439587"),
        offered,
        contributors,
        subtitle=subtitle,
        published=PartialDate(2012),
        language="en",
    )
    return judge(BookQuery(title, author, 2012), [edition])


def accepts(title: str, author: str, offered: str, by: str, *more: str, subtitle: str | None = None) -> bool:
    return verdict(title, author, offered, by, *more, subtitle=subtitle).accepted


@given(st.sampled_from("ABCDEFG"), names)
def test_signs_make_another_language(letter: str, name: str) -> None:
    plain = f"Algorithms in {letter}"
    for other in (f"{plain}++", f"{plain}#"):
        assert not accepts(other, name, plain, name)
        assert not accepts(plain, name, other, name)
        assert not same_book(plain, name, other, name)
        assert title_key(plain) != title_key(other)
        assert accepts(other, name, other.lower(), name)


@given(titles, names, st.sampled_from(ROMAN_NUMERALS), st.sampled_from(ROMAN_NUMERALS))
def test_roman_numerals_are_numbers(title: str, name: str, one: str, other: str) -> None:
    assume(one != other)
    assert not accepts(f"{title} {one.upper()}", name, f"{title} {other.upper()}", name)
    assert not same_book(f"{title} {one.upper()}", name, f"{title} {other.upper()}", name)
    assert accepts(f"{title} {one.upper()}", name, f"{title} {ROMAN[one]}", name)


@given(titles, names, st.sampled_from(("Level", "Volume", "Part", "Grade")), st.permutations("ABCDEFGH"))
def test_letters_count(title: str, name: str, mark: str, letters: list[str]) -> None:
    one, other = letters[:2]
    assert not accepts(f"{title}, {mark} {one}", name, f"{title}, {mark} {other}", name)
    assert not same_book(f"{title} {mark} {one}", name, f"{title} {mark} {other}", name)
    assert accepts(f"{title}, {mark} {one}", name, f"{title}: {mark} {one}", name)


@given(titles, names, st.integers(2, 4), st.data())
def test_halves_are_not_the_whole_and_not_each_other(title: str, name: str, total: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(1, total))
    half = f"{title} ({number} of {total})"
    assert not accepts(title, name, half, name)
    assert not accepts(half, name, f"{title} ({number % total + 1} of {total})", name)
    assert accepts(half, name, half, name)


@given(*[st.sampled_from(part) for part in (ADJECTIVES[:5], NOUNS[:5], ADJECTIVES[5:], NOUNS[5:])], names)
def test_one_of_several_books_is_not_the_volume_that_has_them(
    one: str, what: str, other: str, else_: str, name: str
) -> None:
    first, second = f"{one} {what}", f"{other} {else_}"
    for asked in (f"{first} / {second}", f"The Hallows Omnibus: {first} / {second}"):
        for single in (first, second):
            assert not accepts(asked, name, single, name)
            assert not accepts(single, name, asked, name)
    assert accepts(f"{first} / {second}", name, f"{first} and {second}", name)


@given(titles, franchises, names, numbers)
def test_a_series_name_is_none_of_its_books(title: str, series: str, name: str, number: int) -> None:
    assert not accepts(f"{series}: {title.removeprefix('The ')}"[:60], name, series, name)
    assert not accepts(title, name, series, name)
    assert not accepts(f"{series}, Vol. {number}", name, series, name)


@given(titles, franchises, names, numbers, st.sampled_from(("Series", "Trilogy", "Novels", "Saga")))
def test_a_series_in_brackets_changes_nothing(title: str, series: str, name: str, number: int, word: str) -> None:
    for variant in (f"{title}({series} (Paperback))", f"{title} ({series} {word} #{number})({series} {word} (Quality))",
                    f"{title} ({series} {word})", f"{series} #{number} - {title}"):  # fmt: skip
        assert accepts(title, name, variant, name), variant
        assert accepts(variant, name, title, name), variant
        assert same_book(title, name, variant, name), variant


@given(titles, franchises, names)
def test_title_and_franchise_turn_round_the_colon(title: str, series: str, name: str) -> None:
    assert accepts(f"{series}: {title}", name, f"{title}: {series}", name)
    assert accepts(f"{series}: {title}", name, title, name, subtitle=series)


@given(titles, names, names)
def test_degrees_roles_and_headings_leave_the_name(title: str, name: str, other: str) -> None:
    assume(name.rsplit(maxsplit=1)[-1] != other.rsplit(maxsplit=1)[-1])
    given_name, surname = name.split()
    for form in (f"{name}, M.D.", f"{name}, Ph.D.", f"{surname} PsyD, {given_name}", f"edited by {name}", f"{surname}, {given_name}, 1938-",
                 f"{surname}, {given_name}, Saint, 538-594", f"{name} (Editor)"):  # fmt: skip
        assert accepts(title, name, title, form), form
        assert not accepts(title, other, title, form), form


@given(titles, names, names)
def test_a_partner_or_a_corporate_body_may_come_first(title: str, name: str, other: str) -> None:
    assume(name.rsplit(maxsplit=1)[-1] != other.rsplit(maxsplit=1)[-1])
    assert accepts(title, name, title, other, name)
    assert accepts(title, name, title, "University of Ashford. Department of History", name)
    assert not accepts(title, name, title, other)


@given(titles, st.sampled_from(GIVEN), st.sampled_from(GIVEN), st.sampled_from(SURNAMES))
def test_initials_may_run_together(title: str, first: str, second: str, surname: str) -> None:
    name = f"{first[0]}. {second[0]}. {surname}"
    for form in (
        f"{first[0]}{second[0]} {surname}",
        f"{first[0]}.{second[0]}. {surname}",
        f"{surname} {first[0]}{second[0].lower()}",
    ):
        assert accepts(title, name, title, form), form
        assert same_book(title, name, title, form), form


@given(titles, names, st.integers(0, 30))
def test_a_damaged_letter_fits_any(title: str, name: str, place: int) -> None:
    letters = [index for index, letter in enumerate(name) if letter.isalpha()]
    index = letters[place % len(letters)]
    damaged = f"{name[:index]}\ufffd\ufffd{name[index + 1 :]}"
    assert accepts(title, name, title, damaged)
    assert accepts(title, damaged, title, name)


@given(titles, franchises, names)
def test_a_translation_behind_a_sign_is_not_the_edition_asked_for(title: str, foreign: str, name: str) -> None:
    bilingual = verdict(title, name, f"{foreign} = {title}", name)
    assert not bilingual.settled
    plain = Candidate("test", Isbn13("9780743261159"), title, (Contributor(name),), rank=1)
    other = Candidate("test", Isbn13("9788427202122"), f"{foreign} = {title}", (Contributor(name),))
    assert judge(BookQuery(title, name), [other, plain]).candidate == plain


@given(names, st.integers(1995, 2024), st.integers(1995, 2024))
def test_years_in_titles_count(name: str, one: int, other: int) -> None:
    assume(one != other)
    assert not accepts(f"The World Almanac {one}", name, f"The World Almanac {other}", name)
    assert not same_book(f"Real Estate Exam Guide {one}", name, f"Real Estate Exam Guide {other}", name)


@given(st.sampled_from(NOUNS), st.sampled_from(ADJECTIVES), st.sampled_from(NOUNS), names)
def test_small_words_may_be_missing(one: str, two: str, three: str, name: str) -> None:
    assert accepts(f"{two} {one}s of the {three}", name, f"{two} {one}s {three}", name)


@given(titles, names, names)
def test_a_version_by_another_hand_is_not_the_book(title: str, name: str, other: str) -> None:
    assume(name.rsplit(maxsplit=1)[-1] != other.rsplit(maxsplit=1)[-1])
    for label in ("The Graphic Novel", "A Study Guide", "Summary", "The Screenplay", "Sampler"):
        assert not accepts(title, name, f"{title}: {label}", name, other), label
        assert not same_book(title, name, f"{title}: {label}", name), label


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60), st.text(max_size=30))
def test_no_letter_of_a_title_is_lost(title: str, subtitle: str) -> None:
    parts = dissect(title, subtitle)
    assert parts.full == normalise(f"{title} {subtitle}".replace("\u00a0", " ")) or "&" in title + subtitle
    if parts.full:
        assert parts.main


@given(
    titles, names, st.sampled_from(("Growing", "Coming", "Keeping", "Working")), st.sampled_from(("Siberia", "Kenya"))
)
def test_a_subtitle_that_describes_an_activity_is_left_out(title: str, name: str, doing: str, place: str) -> None:
    assert accepts(f"{title}: {doing} up in {place}", name, title, name)
    assert accepts(f"{title}: {doing} of Age", name, title, name)


@given(titles, names, st.sampled_from(ADJECTIVES), st.sampled_from(NOUNS))
def test_a_subtitle_that_names_the_series_is_left_out_and_a_name_of_a_volume_is_not(
    title: str, name: str, one: str, other: str
) -> None:
    assert accepts(f"{title}: The {one} {other} Novels", name, title, name)
    assert not accepts(f"{title}: The {one} {other}", name, title, name)


@given(*[st.sampled_from(part) for part in (ADJECTIVES[:5], NOUNS[:5], ADJECTIVES[5:], NOUNS[5:])], names)
def test_several_books_in_one_volume(one: str, what: str, other: str, else_: str, name: str) -> None:
    first, second = f"{one} {what}", f"{other} {else_}"
    assert accepts(f"{first} / {second}", name, f"{first} and {second} (2 in 1)", name)
    assert accepts(f"The Hallows Omnibus: {first} / {second}", name, f"{first} and {second}", name)
    for single in (first, second):
        assert not accepts(f"{first} / {second}", name, single, name)
        assert not accepts(single, name, f"{first} and {second} (2 in 1)", name)


@given(titles, franchises, names, st.integers(1, 6))
def test_a_part_beside_its_places_in_the_series(title: str, series: str, name: str, part: int) -> None:
    asked = f"{title} (Part {part}) ({series} Series #{part}-{part + 1})"
    assert accepts(asked, name, f"{title} Part {part} ({series})", name)
    assert not accepts(asked, name, f"{title} Part {part + 1} ({series})", name)


@given(titles, st.sampled_from(GIVEN), st.sampled_from(SURNAMES), st.sampled_from("ABM"))
def test_initials_are_the_author_beside_a_subtitle_that_describes(
    title: str, given_name: str, surname: str, second: str
) -> None:
    asked = f"{title}: A History of the Curious Adventures of a Sailor"
    assert accepts(asked, f"{given_name[0]}. {second}. {surname}", title, f"{given_name} {second}. {surname}")
