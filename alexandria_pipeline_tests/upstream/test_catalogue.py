"""The catalogue, the monthly lists and the text functions of the stand-in."""

from __future__ import annotations

from alexandria_pipeline_tests.upstream.catalogue import Catalogue, Spec, build
from alexandria_pipeline_tests.upstream.lists import GENERATORS, Lists
from alexandria_pipeline_tests.upstream.model import Damage, Kind, Origin, Service
from alexandria_pipeline_tests.upstream.randomness import seeded_random
from alexandria_pipeline_tests.upstream.service_records import record_indexes, services_with_usable_record
from alexandria_pipeline_tests.upstream.words import (
    any_isbn13,
    family,
    initials,
    is_isbn13,
    isbn10,
    last_first,
    misspelt,
    tokens,
)

pytest_plugins = ("alexandria_pipeline_tests.upstream.fixture",)


def test_the_same_seed_gives_the_same_catalogue(small_catalogue: Catalogue) -> None:
    again, other = build(small_catalogue.spec), build(Spec(works=120, seed=8, months=6))
    assert again.editions == small_catalogue.editions
    assert other.editions != small_catalogue.editions
    assert {s: index.records for s, index in record_indexes(again).items()} == {
        s: index.records for s, index in record_indexes(small_catalogue).items()
    }
    ours, theirs = Lists(small_catalogue, record_indexes(small_catalogue)), Lists(again, record_indexes(again))
    assert [ours.listing(month, g) for month in ours.months for g in GENERATORS] == [
        theirs.listing(month, g) for month in theirs.months for g in GENERATORS
    ]


def test_every_isbn_is_valid_and_of_one_edition(small_catalogue: Catalogue) -> None:
    assert all(is_isbn13(edition.isbn13) for edition in small_catalogue.editions)
    own = [edition.isbn13 for edition in small_catalogue.editions if edition.kind is not Kind.PLACEHOLDER]
    assert len(own) == len(set(own))
    assert {edition.isbn13[:11] for edition in small_catalogue.editions if edition.kind is Kind.PLACEHOLDER} == {
        "97800000000"
    }


def test_works_have_editions_in_all_forms_and_derivatives_of_all_kinds(small_catalogue: Catalogue) -> None:
    real = [work for work in small_catalogue.works if work.origin is Origin.REAL]
    assert len(real) == 120
    assert all(2 <= len(work.editions) <= 4 for work in real)
    assert all(work.editions[0].year == work.year for work in small_catalogue.works)
    assert {derivative.kind for derivative in build(Spec()).derivatives} == set(Kind) - {Kind.EDITION}
    assert {work.origin for work in small_catalogue.works} == set(Origin)
    assert {edition.form for edition in small_catalogue.editions if edition.language == "en"} == {
        e.form for e in build(Spec()).editions
    }


def test_services_have_different_works() -> None:
    catalogue = build(Spec())
    indexes = record_indexes(catalogue)
    shares = {service: len(index.by_work) / len(catalogue.works) for service, index in indexes.items()}
    assert 0.8 < shares[Service.ISBNDB] < 0.9
    assert 0.25 < shares[Service.WIKIDATA] < 0.4
    unknown = [work for work in catalogue.works if not any(work.number in index.by_work for index in indexes.values())]
    assert 0.005 < len(unknown) / len(catalogue.works) < 0.04
    assert not any(services_with_usable_record(indexes, work) for work in unknown)
    damages = {record.damage for index in indexes.values() for record in index.records}
    assert damages == {None, *Damage}


def test_lists_have_variants_and_invented_books() -> None:
    catalogue = build(Spec())
    lists = Lists(catalogue, record_indexes(catalogue))
    entries = [each for month in lists.months for g in GENERATORS for each in lists.listing(month, g)]
    assert all(len(lists.listing(month, g)) == 20 for month in lists.months for g in GENERATORS)
    assert 0.10 < sum(each.work is None for each in entries) / len(entries) < 0.18
    listed = [each for each in entries if each.work]
    assert 0.4 < sum(each.work is not None and each.title == each.work.title for each in listed) / len(listed) < 0.8
    first = lists.months[0]
    both = [{each.identity for each in lists.listing(first, g)} for g in GENERATORS]
    assert both[0] & both[1]
    assert both[0] - both[1]
    again = {each.identity for g in GENERATORS for each in lists.listing(lists.months[1], g)} & (both[0] | both[1])
    assert any(identity.startswith("work") for identity in again)
    assert lists.listing("1999-01", Service.GEMINI) == ()


def test_the_truth_has_the_right_isbns(small_catalogue: Catalogue) -> None:
    lists = Lists(small_catalogue, record_indexes(small_catalogue))
    rows = [row for month in lists.months for row in lists.truth(month)]
    assert all(set(row["right"]) <= set(row["language"]) <= set(row["editions"]) for row in rows)
    assert all(bool(row["editions"]) is not row["invented"] for row in rows)
    keys = [(row["month"], row["title"], row["author"]) for row in rows]
    assert len(keys) == len(set(keys))


def test_text_functions() -> None:
    assert tokens("L'Héritière & the Dog’s Day") == ("lheritiere", "and", "the", "dogs", "day")
    assert last_first("Alfredo Véa Jr.") == "Véa Jr., Alfredo"
    assert last_first("John le Carré") == "le Carré, John"
    assert initials("Mary Higgins Clark") == "M. H. Clark"
    assert (family("Avi"), last_first("Avi")) == ("Avi", "Avi")
    assert any_isbn13("0-19-853453-1") == "9780198534532"
    assert any_isbn13("9780198534533") is None
    assert isbn10("9791234567896") is None
    assert all(misspelt("Something Upstairs", seeded_random(n)) != "Something Upstairs" for n in range(20))
