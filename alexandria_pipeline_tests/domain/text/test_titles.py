"""Folding of text, titles taken apart, names of people, and keys."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alexandria_pipeline.domain.text.person_names import NameAgreement, compare_names, is_one_slip_apart
from alexandria_pipeline.domain.text.title_comparison import TitleAgreement, compare_titles
from alexandria_pipeline.domain.text.titles import (
    PersonName,
    author_key,
    dissect,
    main_title,
    normalise,
    people,
    same_person,
    synthetic_key,
    title_key,
    volume,
)

WORDS = st.text(alphabet=st.characters(codec="utf-8"), max_size=80)
TITLES = st.one_of(
    WORDS,
    st.lists(
        st.sampled_from(
            ["The", "Book", "Two", "2", "II", "Vol.", "#3", ":", "(", ")", "A Novel", "Dune", "of", "&", "- ", "é"]
        )
    ).map(" ".join),
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Łódź & Ørsted's Straße", "lodz and orsteds strasse"), ("Piotr Czerwi&#324;ski", "piotr czerwinski"), ("Freedom™", "freedom"),
     ("YOU’VE  BEEN—WARNED!", "youve been warned"), ("हिन्दी", "हिन्दी"), ("Жизнь насекомых", "жизнь насекомых"), ("ＴＯＫＹＯ", "tokyo"),
     ("Œuvre ımage", "oeuvre image"), ("Αιολική Γη", "αιολικη γη"), ("ポートレイト・イン", "ポートレイト イン"), ("AT&amp;T", "at and t"),
     ("?!", "")],
)  # fmt: skip
def test_text_is_folded(text: str, folded: str) -> None:
    assert normalise(text) == folded


@given(WORDS)
def test_folding_is_idempotent(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(WORDS)
def test_folding_keeps_every_letter_of_other_scripts_and_no_colon(text: str) -> None:
    folded = normalise(text)
    assert ":" not in folded
    assert "~" not in folded
    assert folded == " ".join(folded.split())


@pytest.mark.parametrize(
    ("title", "main"),
    [("The Girl on the Train", "girl on the train"), ("Catching Fire (The Hunger Games, #2)", "catching fire"), ("Beloved: A Novel", "beloved"),
     ("Sapiens - A Brief History of Humankind", "sapiens"), ("A Novel", "novel"), ("The", "the"), ("A Is for Alibi", "a is for alibi"),
     ("Dispossessed, the [50th Anniversary Edition]", "dispossessed"), ("L'Étranger", "etranger"), ("4:50 from Paddington", "4 50 from paddington"),
     ("(Not That You Asked) Rants", "not that you asked rants"), ("Juror #3", "juror 3"), ("Hell of a Book", "hell of a book"),
     ("Gone Girl (Large Print)", "gone girl"), (": Foo", "foo"), ("!!!", ""), ("Beloved A Novel", "beloved")],
)  # fmt: skip
def test_main_title(title: str, main: str) -> None:
    assert main_title(title) == main


@pytest.mark.parametrize(
    ("title", "number"),
    [("The Walking Dead, Vol. 15", "15"), ("Title: Part Two", "2"), ("1Q84, Book III", "3"), ("Fire (Graceling, #2)", "2"), ("NYPD Red 4", "4"),
     ("My Struggle: Book Four", "4"), ("Graveyard Girl, Part 6 of 6", "6"), ("The Book of the Dead", None), ("Part of Your World", None),
     ("The Dark Tower: Volumes 1-5", "1-5"), ("1634: The Baltic War", None), ("Henry IV", "4"), ("Star Wars: Episode 2 -- Attack of the Clones", "2"),
     ("Words of Radiance (Stormlight Archive, Book Two)", "2"), ("1984", None)],
)  # fmt: skip
def test_volume(title: str, number: str | None) -> None:
    assert volume(title) == number


@given(TITLES)
def test_a_title_with_a_letter_or_digit_keeps_some_of_it(title: str) -> None:
    assert bool(main_title(title)) == bool(normalise(title))
    assert len(title_key(title)) <= 200
    volume(title)


def test_all_spellings_of_a_title_share_a_key() -> None:
    variants = ["The Night & the Café", "NIGHT AND THE CAFE", "The Night and the Café: A Novel", "The Night and the Café (Harker, #3)",
               "Night and the Café, The", "The Night and the Cafe - How It Was", "the night and the café [Large Print]"]  # fmt: skip
    assert len({title_key(variant) for variant in variants}) == 1
    assert title_key("Some Day") == title_key("Someday")
    assert title_key("The Girl on the Plane") != title_key("The Girl on the Train")


@pytest.mark.parametrize(
    ("author", "expected"),
    [("King, Stephen", [("king", ("stephen",))]), ("J.R.R. Tolkien", [("tolkien", ("j", "r", "r"))]), ("", []), ("Unknown", []),
     ("Sjöwall and Wahlöö", [("sjowall", ()), ("wahloo", ())]), ("Ursula K. Le Guin", [("le guin", ("ursula", "k"))]),
     ("Le Guin, Ursula K.", [("le guin", ("ursula", "k"))]), ("L. E. Modesitt, Jr.", [("modesitt", ("l", "e"))]),
     ("King, Stephen; Straub, Peter", [("king", ("stephen",)), ("straub", ("peter",))]), ("Tom Clancy with Mark Greaney",
      [("clancy", ("tom",)), ("greaney", ("mark",))]), ("Nick Walters (writer)", [("walters", ("nick",))]), ("村上春樹", [("村上春樹", ())]),
     ("Faye and Jonathan Kellerman", [("kellerman", ("faye",)), ("kellerman", ("jonathan",))]), ("J. A, Jance", [("jance", ("j", "a"))]),
     ("Newt Gingrich, William R. Forstchen and Albert S. Hanser", [("gingrich", ("newt",)), ("forstchen", ("william", "r")),
      ("hanser", ("albert", "s"))]), ("Haruki Murakami; Philip Gabriel (translator)", [("murakami", ("haruki",))]),
     ("Tolkien, J. R. R. (John Ronald Reuel), 1892-1973", [("tolkien", ("j", "r", "r"))]), ("Conan Doyle, Sir Arthur",
      [("conan doyle", ("arthur",))]), ("~autofilled~", []), ('"Victoria ""Torrey"" Newcomb"', [("newcomb", ("victoria",))])],
)  # fmt: skip
def test_author_lines_are_taken_apart(author: str, expected: list[tuple[str, tuple[str, ...]]]) -> None:
    assert [(person.surname, person.given) for person in people(author)] == expected


@given(
    st.lists(
        st.sampled_from(
            "Ann J. X King Smith Van De Jr Ma Ed Dr St. By And Unknown Author Read Photographs Various Of".split()
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_plain_name_is_read_as_any_other(words: list[str]) -> None:
    name = " ".join(words)
    assert people(name) == people(f" {name}")


@pytest.mark.parametrize(
    "forms",
    [("Ursula K. Le Guin", "Le Guin, Ursula K."), ("Gabriel García Márquez", "García Márquez, Gabriel"),
     ("Silvia Moreno-Garcia", "Moreno-Garcia, S."),
     ("John le Carré", "Le Carre, John"), ("L. E. Modesitt, Jr.", "Modesitt, L. E."), ("Simone St. James", "St. James, Simone")],
)  # fmt: skip
def test_author_keys_agree(forms: tuple[str, str]) -> None:
    assert author_key(forms[0]) == author_key(forms[1]) != ""


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [("J. K. Rowling", "Joanne K. Rowling", True), ("JK Rowling", "Joanne Kathleen Rowling", True), ("Murakami Haruki", "Haruki Murakami", True),
     ("Anne Brontë", "Emily Brontë", False), ("Mary Higgins Clark", "Carol Higgins Clark", False), ("Wm. Paul Young", "William P. Young", True),
     ("F. Scott Fitzgerald", "Scott Fitzgerald", True), ("Barbara Kingsolver", "Barbara Kingslover", True), ("Stephen King", "Owen King", False),
     ("King", "Stephen King", True), ("Jane Smith", "June Smith", False), ("村上 春樹", "村上春樹", True),
     ("Vale-allen, Charlotte", "Charlotte Vale Allen", True)],
)  # fmt: skip
def test_names_of_one_person(a: str, b: str, *, same: bool) -> None:
    assert same_person(people(a)[0], people(b)[0]) is same
    assert same_person(people(b)[0], people(a)[0]) is same


@pytest.mark.parametrize(
    ("a", "b", "apart"),
    [("John Ridley", "Jphn Ridley", True), ("Hati Peto", "Hati eto", True), ("Louis L'Amour", "LouishL'Amour", True),
     ("R. K. Narayan", "R.eK. Narayan", False), ("L. M. Montgomery", "L. N. Montgomery", False), ("Jane Doe", "Jan Do", False),
     ("A. Miller", "B. Miller", False), ("Ann Lee", "Anna Lee", False), ("John Ridley", "John Ridley", False)],
)  # fmt: skip
def test_whole_names_with_one_slip(a: str, b: str, *, apart: bool) -> None:
    assert is_one_slip_apart(people(a)[0], people(b)[0]) is apart
    assert is_one_slip_apart(people(b)[0], people(a)[0]) is apart


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_author_line_can_be_read_and_names_compare_both_ways(a: str, b: str) -> None:
    author_key(a)
    for one in people(a):
        assert one.surname
        assert compare_names(one, one) is NameAgreement.FULL
        for other in people(b):
            assert compare_names(one, other) is compare_names(other, one)


NAMES = st.builds(
    PersonName,
    st.sampled_from(
        ["king", "kings", "le guin", "guin", "moreno garcia", "garcia", "garcia marquez", "rowling", "rowlings"]
    ),
    st.lists(st.sampled_from(["j", "k", "jk", "joanne", "jane", "gabriel", "garcia", "moreno", "le"]), max_size=3).map(
        tuple
    ),
)


@given(NAMES, NAMES)
def test_comparing_names_is_symmetric(a: PersonName, b: PersonName) -> None:
    assert compare_names(a, b) is compare_names(b, a)


@example("TWO%00000000000%TWO", "TWO%THE%THE%THE%THE")
@given(TITLES, TITLES)
def test_comparing_titles_is_symmetric(a: str, b: str) -> None:
    assert compare_titles(dissect(a), dissect(b)) is compare_titles(dissect(b), dissect(a))


@pytest.mark.parametrize(
    ("a", "b", "agreement"),
    [("Persepolis", "Persepolis 2", TitleAgreement.OTHER_VOLUME), ("Persepolis 2", "Persepolis, Vol. 2", TitleAgreement.SAME),
     ("Henry IV", "Henry V", TitleAgreement.OTHER_VOLUME), ("Twenty-One", "21", TitleAgreement.SAME),
     ("Dead Heat", "Dead Beat", TitleAgreement.NEARLY),
     ("Star Wars: Phasma", "Star Wars: Last Shot", TitleAgreement.OTHER_SUBTITLE), ("Silent Prey", "Silken Prey", TitleAgreement.NEARLY),
     ("The Last Widow", "TheLast Widow", TitleAgreement.MISSPELT), ("The Lab Rat", "Th eLab Rat", TitleAgreement.MISSPELT),
     ("The Color of Light: A Novel", "TherColor of Light", TitleAgreement.MISSPELT),
     ("Cock and Bull", "Coc and Bull", TitleAgreement.MISSPELT), ("The Jungle Book", "The Jungle Books", TitleAgreement.CUT),
     ("The Waiter", "Hte Waiter", TitleAgreement.MISSPELT), ("Private", "Private L.A.", TitleAgreement.DIFFERENT),
     ("Around the World in", "Around the World in Eighty Days", TitleAgreement.CUT)],
)  # fmt: skip
def test_how_titles_stand_to_each_other(a: str, b: str, agreement: TitleAgreement) -> None:
    assert compare_titles(dissect(a), dissect(b)) is agreement


@given(WORDS, WORDS, WORDS, WORDS)
def test_synthetic_keys_do_not_collide(title_a: str, author_a: str, title_b: str, author_b: str) -> None:
    key_a, key_b = synthetic_key(title_a, author_a), synthetic_key(title_b, author_b)
    assert key_a.count(":") == 2
    folded_alike = normalise(title_a) == normalise(title_b) and normalise(author_a) == normalise(author_b)
    if not folded_alike:
        assert key_a != key_b


SIGNS = st.text(alphabet="?!…—*♥☃ ", max_size=8)


@given(SIGNS, SIGNS)
def test_titles_without_letters_get_keys_of_their_own(a: str, b: str) -> None:
    assert (synthetic_key(a, "x") == synthetic_key(b, "x")) is (a == b)


def test_synthetic_keys_keep_scripts_and_volumes_and_a_size() -> None:
    assert synthetic_key("Жизнь насекомых", "Пелевин") == "synthetic:жизнь насекомых:пелевин"
    assert synthetic_key("It", "King") != synthetic_key("It: Part Two", "King")
    long = synthetic_key("あ" * 900, "い" * 900)
    assert long != synthetic_key("あ" * 901, "い" * 900)
    assert len(long) < 500
    assert len(long.encode()) < 2000
