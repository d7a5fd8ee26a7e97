"""Which listings are one book, in pairs and over a month."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.matching.deduplication import deduplicate, same_book
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import Listing

MONTH = Month(2020, 1)

ONE_BOOK = [
    (("THE SON", "Jo Nesbo"), ("The Son", "Jo Nesbø")),
    (("Homer & Langley", "E. L. Doctorow"), ("HOMER AND LANGLEY", "Doctorow, E.L.")),
    (("Catching Fire (The Hunger Games, #2)", "Suzanne Collins"), ("Catching Fire", "Collins, Suzanne")),
    (("Beloved: A Novel", "Toni Morrison"), ("Beloved", "Toni Morrison")),
    (("Beloved: A Novel", "Toni Morrison"), ("Beloved: A Memoir", "Toni Morrison")),
    (("DANSE MACABRE", "Laurell K. Hamilton"), ("DENSE MACABRE", "Laurell K. Hamilton")),
    (("FIRE AND ICE", "J. A, Jance"), ("FIRE AND ICE", "J. A. Jance")),
    (("PRIVATE L. A.", "James Patterson and Mark Sullivan"), ("PRIVATE L.A.", "James Patterson")),
    (("THE EYE OF HEAVEN", "Clive Cussler and Russell Blake"), ("The Eye of Heaven", "Russell Blake")),
    (("BEFORE THE STORM", "Christie Golden"), ("World of Warcraft: Before the Storm", "Christie Golden")),
    (("The Phatnom of the Opera", "Gaston Leroux"), ("The Phantom of the Opera", "Gaston Leroux")),
    (("Sapiens", "Yuval Noah Harari"), ("Sapiens: A Brief History of Humankind", "Y. N. Harari")),
    (("Second Chance", "James Patterson with Andrew Gross"), ("2nd Chance", "James Patterson; Andrew Gross")),
    (("Wolf Hall", ""), ("Wolf Hall", "Hilary Mantel")),
    (("Someday", "David Levithan"), ("Some Day", "Levithan, David")),
    (("The Nickel Boys", "Colson Whitehead"), ("The Nicke1 Boys", "C. Whitehead")),
    (("Mrs Dalloway", "Virginia Woolf"), ("Mrs. Dalloway", "Virginia Wolf")),
    (("A Companion to Wolves", "Sarah Monette"), ("A Cmpanion to Wolves", "Sarah Monette")),
    (("Catching Fire (The Hunger Games Trilogy, #2)", "Suzanne Collins"), ("Catching Fire", "Suzanne Collins")),
    (("Saga, Volime 2", "Brian K. Vaughan"), ("Saga, Volume 2", "Brian K. Vaughan")),
    (("Anthill: A Memoir", "E. O. Wilson"), ("Anthill", "E. O. Wilson")),
    (("Greener Grass: The Famine Years", "Caroline Pignat"), ("Greener Grass", "Caroline Pignat")),
]
TWO_BOOKS = [
    (("The Devil's Breath", "David Gilman"), ("The Devil's Breath / Ice Claw", "David Gilman")),
    (("Little Men", "Louisa May Alcott"), ("Little Men: Homecoming", "Louisa May Alcott")),
    (("Growing Up: The Reckoning", "Ethan Laughman"), ("Growing Up", "Ethan Laughman")),
    (("Octavian Nothing, Volume I: Book 2", "M. T. Anderson"), ("Octavian Nothing, Volume I", "M. T. Anderson")),
    (("The Girl on the Plane", "Paula Hawkins"), ("The Girl on the Train", "Paula Hawkins")),
    (("Dead Heat", "Joel C. Rosenberg"), ("Dead Heat", "Dick Francis and Felix Francis")),
    (("My Struggle: Book One", "Karl Ove Knausgaard"), ("My Struggle: Book Two", "Karl Ove Knausgaard")),
    (("Persepolis", "Marjane Satrapi"), ("Persepolis 2", "Marjane Satrapi")),
    (("The Walking Dead, Vol. 15", "Robert Kirkman"), ("The Walking Dead, Vol. 18", "Robert Kirkman")),
    (("Fall of Giants", "Ken Follett"), ("Fall of Angels", "Ken Follett")),
    (("Star Wars: Phasma", "Delilah S. Dawson"), ("Star Wars: Black Spire", "Delilah S. Dawson")),
    (("Percy Jackson: The Titan's Curse", "Rick Riordan"), ("Percy Jackson: The Last Olympian", "Rick Riordan")),
    (("Silent Prey", "John Sandford"), ("Silken Prey", "John Sandford")),
    (("The Anybodies", "Julianna Baggott"), ("The Nobodies", "Julianna Baggott")),
    (("NYPD RED 2", "James Patterson"), ("NYPD RED 3", "James Patterson")),
    (("Empyrean Issue 1", "Various"), ("Empyrean Issue 10", "Various")),
    (("The Dark Tower", "Stephen King"), ("The Dark Tower: Volumes 1-5", "Stephen King")),
    (("Alien", "Alan Dean Foster"), ("Aliens", "Alan Dean Foster")),
    (("Agnes Grey", "Anne Brontë"), ("Agnes Grey", "Emily Brontë")),
    (("Dead Heat", "Jim Butcher"), ("Dead Beat", "Jim Butcher")),
    (("Wolf Hall", ""), ("Wolf Hall: A Novel", "Hilary Mantel")),
    (("Home", "Toni Morrison"), ("Home", "M. Morrison")),
    (("The Castle", "Franz Kafka"), ("The Castle: The Graphic Novel", "Franz Kafka")),
    (("Inferno", "Dan Brown"), ("Inferno: A Study Guide", "Dan Brown")),
    (("Dark Matter", "Michelle Paver"), ("Dark Matter: Free Preview", "Michelle Paver")),
    (("Babel", "R. F. Kuang"), ("Babel: The Next Chapter", "R. F. Kuang")),
]

TITLES = st.sampled_from(
    [
        "Star Wars",
        "Star Wars: Phasma",
        "Star Wars: Last Shot",
        "Phasma",
        "It",
        "It: Part Two",
        "Danse Macabre",
        "Dense Macabre",
        "!!!",
        "??",
    ]
)
AUTHORS = st.sampled_from(["", "Jane Smith", "J. Smith", "John Smith", "Smith", "Ann Lee and Jane Smith"])
LISTINGS = st.lists(st.tuples(TITLES, AUTHORS), max_size=12).map(
    lambda rows: [Listing("test", place, title, author) for place, (title, author) in enumerate(rows)]
)


def listing(position: int, title: str, author: str) -> Listing:
    return Listing("test", position, title, author)


@pytest.mark.parametrize(("a", "b"), ONE_BOOK)
def test_one_book_in_two_spellings(a: tuple[str, str], b: tuple[str, str]) -> None:
    assert same_book(*a, *b)
    assert same_book(*b, *a)
    assert len(deduplicate(MONTH, [listing(0, *a), listing(1, *b)])) == 1


@pytest.mark.parametrize(("a", "b"), TWO_BOOKS)
def test_two_books_that_look_alike(a: tuple[str, str], b: tuple[str, str]) -> None:
    assert not same_book(*a, *b)
    assert not same_book(*b, *a)
    assert len(deduplicate(MONTH, [listing(0, *a), listing(1, *b)])) == 2


def test_the_first_listing_names_the_book_and_order_is_kept() -> None:
    rows = [listing(0, "THE SON", "Jo Nesbo"), listing(1, "It", "Stephen King"), listing(2, "The Son", "Jo Nesbø")]
    books = deduplicate(MONTH, rows)
    assert [(book.title, book.author) for book in books] == [("THE SON", "Jo Nesbo"), ("It", "Stephen King")]
    assert books[0].listings == (rows[0], rows[2])
    assert books[0].month == MONTH


def test_a_missing_author_joins_only_where_the_title_has_one_author() -> None:
    one = [listing(0, "Dead Heat", ""), listing(1, "Dead Heat", "Joel C. Rosenberg")]
    assert len(deduplicate(MONTH, one)) == 1
    assert deduplicate(MONTH, one)[0].author == "Joel C. Rosenberg"
    assert len(deduplicate(MONTH, [*one, listing(2, "Dead Heat", "Dick Francis")])) == 3


def test_a_bare_title_does_not_join_two_of_its_sisters() -> None:
    rows = [
        listing(0, "Star Wars", "A. Foster"),
        listing(1, "Star Wars: Phasma", "A. Foster"),
        listing(2, "Star Wars: Thrawn", "A. Foster"),
    ]
    assert len(deduplicate(MONTH, rows)) == 3


@given(LISTINGS, st.randoms(use_true_random=False))
def test_every_listing_is_in_one_book_and_order_does_not_matter(rows: list[Listing], shuffler: random.Random) -> None:
    def grouping(listings: list[Listing]) -> set[frozenset[int]]:
        return {frozenset(one.position for one in book.listings) for book in deduplicate(MONTH, listings)}

    groups = grouping(rows)
    assert sorted(position for group in groups for position in group) == [row.position for row in rows]
    shuffled = list(rows)
    shuffler.shuffle(shuffled)
    assert grouping(shuffled) == groups


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_any_text_can_be_compared_both_ways(title_a: str, author_a: str, title_b: str, author_b: str) -> None:
    assert same_book(title_a, author_a, title_b, author_b) is same_book(title_b, author_b, title_a, author_a)
    assert same_book(title_a, author_a, title_a, author_a)
