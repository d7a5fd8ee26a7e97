"""Merging: the rules by example, and what must hold for any claims."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.domain.merging import rules
from alexandria_pipeline.domain.merging.claims import Claim, EntityKind, Lock, Sheet, by_field, together
from alexandria_pipeline.domain.merging.fields import EDITION, RULES
from alexandria_pipeline.domain.merging.hints import of_listing
from alexandria_pipeline.domain.merging.merge import Choices, merge, merge_sheet
from alexandria_pipeline.domain.merging.scores import WEIGHTS, completeness, quality

FETCHED = datetime(2026, 11, 27, tzinfo=UTC)
RECORDS = {"open-library": 1, "google-books": 2, "isbndb": 3, "wikidata": 4, "local-catalog": 5, "gemini": 6}


def _claims(field: str, **values: Any) -> list[Claim]:
    """One claim for each source; "open_library" stands for "open-library"."""
    named = {name.replace("_", "-"): value for name, value in values.items()}
    return [Claim(name, field, value, RECORDS[name], fetched_at=FETCHED) for name, value in named.items()]


def _one(kind: EntityKind, field: str, **values: Any) -> Any:
    return merge(kind, _claims(field, **values)).values.get(field)


def _people(*names: str, role: str = "author") -> list[dict[str, str]]:
    return [{"name": name, "role": role} for name in names]


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        ({"isbndb": "THE VANISHING HALF", "google_books": "The Vanishing Half"}, "The Vanishing Half"),
        ({"isbndb": "Circe (Harker, #3)", "gemini": "Circe: A Novel"}, "Circe"),
        ({"open_library": "Circe &amp; Me", "isbndb": "Circe & Me"}, "Circe & Me"),
        ({"open_library": "Emma", "google_books": "Persuasion", "isbndb": "Persuasion"}, "Persuasion"),
        ({"open_library": "SchÃ¶n", "isbndb": "  Schön "}, "Schön"),
    ],
)
def test_a_title_is_that_of_most_sources_in_its_best_spelling(titles: dict[str, str], expected: str) -> None:
    assert _one("edition", "title", **titles) == expected


def test_a_subtitle_belongs_to_the_title() -> None:
    claims = [
        *_claims("title", open_library="Sapiens", isbndb="Sapiens: A Brief History of Humankind", gemini="Homo Deus"),
        *_claims("subtitle", open_library="a brief history of humankind", gemini="A History of Tomorrow"),
    ]
    merged = merge("edition", claims)
    assert merged.values["title"] == "Sapiens"
    assert merged.values["subtitle"] in {"a brief history of humankind", "A Brief History of Humankind"}
    assert merge("edition", _claims("title", isbndb="Emma")).values.get("subtitle") is None


def test_translators_and_illustrators_are_no_authors() -> None:
    merged = merge(
        "edition",
        [
            *_claims("authors", isbndb=_people("Tolstoy, Leo", "Richard Pevear", role="unknown")),
            *_claims("authors", google_books=[*_people("Leo Tolstoy"), *_people("Richard Pevear", role="translator")]),
        ],
    )
    assert merged.values["authors"] == ["Leo Tolstoy"]
    assert merged.values["contributors"] == [{"name": "Richard Pevear", "role": "translator"}]


def test_a_list_of_authors_is_from_one_source() -> None:
    pair, single = _people("Neil Gaiman", "Terry Pratchett"), _people("Neil Gaiman")
    assert _one("edition", "authors", open_library=single, isbndb=pair, google_books=pair) == [
        "Neil Gaiman",
        "Terry Pratchett",
    ]
    assert _one("edition", "authors", isbndb=_people("GAIMAN, NEIL")) == ["Neil Gaiman"]


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        ({"open_library": "2020", "isbndb": "2020-06-02", "google_books": "2018-01-15"}, "2020-06-02"),
        ({"isbndb": "2020-01-01"}, "2020"),
        ({"isbndb": "1900"}, None),
        ({"isbndb": "2999-01-02"}, None),
        ({"open_library": "2019", "local_catalog": "2019", "isbndb": "2020-05", "google_books": "2020-05-01"}, "2020-05-01"),
    ],
)  # fmt: skip
def test_a_date_is_the_most_precise_of_the_year_that_most_sources_give(
    dates: dict[str, str], expected: str | None
) -> None:
    assert _one("edition", "published", **dates) == expected


def test_pages_near_the_median_count_and_others_are_a_conflict() -> None:
    assert _one("edition", "pages", open_library=320, isbndb=336, google_books=1) == 320
    assert _one("edition", "pages", open_library=12, isbndb=336, google_books=336) == 336
    assert "pages" in merge("edition", _claims("pages", open_library=100, isbndb=300)).conflicts


def test_a_description_is_plain_text_and_no_sales_text() -> None:
    good = "<p>In the house of Helios, god of the sun,<br>a daughter is born.</p>"
    assert _one("edition", "description", isbndb=good) == "In the house of Helios, god of the sun,\na daughter is born."
    for bad in (
        "The #1 New York Times bestseller!",
        "Short.",
        "Damaged \ufffd text of more than forty characters, all in all.",
    ):
        assert _one("edition", "description", isbndb=bad) is None


def test_a_placeholder_is_no_cover_and_free_sources_come_first() -> None:
    placeholder = [{"url": "https://images.isbndb.com/no_cover.jpg", "width": None, "height": None}]
    large = [{"url": "https://images.isbndb.com/1.jpg", "width": 900, "height": None}]
    free = [{"url": "https://covers.openlibrary.org/b/id/1-L.jpg", "width": None, "height": None}]
    assert _one("edition", "cover", isbndb=placeholder) is None
    assert _one("edition", "cover", isbndb=large, open_library=free)["url"] == free[0]["url"]
    assert _one("edition", "cover", isbndb=large) == {**large[0], "source": "isbndb", "licence": None}
    commons = [{"url": "http://commons.wikimedia.org/wiki/Special:FilePath/A.jpg", "width": None, "height": None}]
    assert "Commons" in _one("edition", "cover", wikidata=commons)["licence"]


def test_a_series_is_whole_from_one_source() -> None:
    chosen = _one(
        "edition", "series", isbndb={"name": "Dune", "position": None}, open_library={"name": "The Dune Saga", "position": "1"},
        google_books={"name": "Hyperion", "position": "9"},
    )  # fmt: skip
    assert chosen == {"name": "The Dune Saga", "position": "1"}


def test_two_identifiers_of_a_single_valued_scheme_are_a_conflict() -> None:
    merged = merge(
        "work", _claims("identifiers", open_library=[["wikidata", "Q1"], ["oclc", "007"]], isbndb=[["wikidata", "Q2"]])
    )
    assert merged.values["identifiers"] == {"oclc": ["007"], "wikidata": ["Q1", "Q2"]}
    assert merged.conflicts == {"identifiers": "wikidata Q1, Q2"}


def test_a_lock_decides_and_is_shown() -> None:
    claims = _claims("title", isbndb="Wrong", google_books="Wrong")
    locked = merge("edition", claims, {"title": Lock("Right"), "pages": Lock(nothing=True)})
    assert locked.values["title"] == "Right"
    assert locked.provenance["title"]["source"] == "lock"
    assert "pages" not in merge("edition", [*claims, *_claims("pages", isbndb=3)], {"pages": Lock(nothing=True)}).values


def test_every_weight_is_a_field_and_they_add_up() -> None:
    for kind, weights in WEIGHTS.items():
        assert sum(weights.values()) == 100
        assert set(weights) <= set(RULES[kind])


VALUES = {
    "title": st.sampled_from(["Emma", "EMMA", "Emma (Penguin, #2)", "Persuasion", "Emma: A Novel", ""]),
    "subtitle": st.sampled_from(["a story", "Volume 2", ""]),
    "authors": st.lists(
        st.fixed_dictionaries({
            "name": st.sampled_from(["Jane Austen", "Austen, Jane", "J. Austen", "Anna Zoe"]),
            "role": st.sampled_from(["author", "translator", "unknown"]),
        }),
        max_size=3,
    ),
    "published": st.sampled_from(["2020", "2020-06-02", "2019-01-01", "1900", "2020-07"]),
    "pages": st.integers(-5, 900),
    "publisher": st.sampled_from(["Penguin", "Penguin Inc.", "Independently published", " "]),
    "language": st.sampled_from(["en", "eng", "de", "?"]),
    "description": st.text(max_size=80),
    "subjects": st.lists(st.sampled_from(["Fiction", "fiction.", "Paperback", "Love"]), max_size=3),
}  # fmt: skip
CLAIMS = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda name: st.builds(
            lambda source, value: Claim(source, name, value, RECORDS[source], fetched_at=FETCHED),
            st.sampled_from(sorted(RECORDS)),
            VALUES[name],
        )
    ),
    max_size=30,
    unique_by=lambda claim: (claim.provider, claim.field),
)


@given(CLAIMS, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(claims: list[Claim], dice: random.Random) -> None:
    once = merge("edition", claims)
    shuffled = list(claims)
    dice.shuffle(shuffled)
    assert merge("edition", shuffled) == once
    assert merge("edition", [*claims, *shuffled]).values == once.values


@given(CLAIMS)
def test_every_value_has_a_source_that_stated_the_field(claims: list[Claim]) -> None:
    merged = merge("edition", claims)
    assert set(merged.values) == set(merged.provenance)
    stated = {(claim.provider, claim.field) for claim in claims}
    for name, where in merged.provenance.items():
        sources = [where["source"]] if isinstance(where["source"], str) else where["source"]
        fields = {"subtitle": ("subtitle", "title"), "contributors": ("authors",)}.get(name, (name,))
        assert all(any((source, field) in stated for field in fields) for source in sources)
    assert 0 <= completeness("edition", merged) <= 100
    assert 0 <= quality("edition", merged) <= 100


@given(CLAIMS, st.sampled_from(sorted(EDITION)))
def test_a_deprecated_claim_is_as_if_it_were_absent(claims: list[Claim], field: str) -> None:
    bad = Claim(
        "open-library", field, claims[0].value if claims and claims[0].field == field else "x", 99, "deprecated"
    )
    assert merge("edition", [*claims, bad]) == merge("edition", claims)


@pytest.mark.parametrize(
    ("stated", "served"),
    [
        (["Penguin", "Alfred A. Knopf, Inc.", "Knopf"], "Alfred A. Knopf, Inc."),
        (["Viking", "Viking", "Penguin Books", "Penguin Classics"], "Viking"),
        (["Books", "Tor Books", "Ace Books"], "Books"),
        (["Orbit", "Oxford University Press", "Harvard University Press"], "Orbit"),
    ],
)
def test_a_short_name_of_a_publisher_counts_with_the_whole_one(stated: list[str], served: str) -> None:
    claims = [Claim(f"shop {number}", "publisher", name, number) for number, name in enumerate(stated)]
    choice = rules.publisher(claims)
    assert choice is not None
    assert choice.value == served


@given(CLAIMS, CLAIMS)
def test_what_was_chosen_for_the_edition_is_chosen_for_the_work(of_edition: list[Claim], of_work: list[Claim]) -> None:
    hints = of_listing("EMMA", "Jane Austen")
    edition, choices = Sheet(by_field(of_edition), hints), Choices()
    merge_sheet("edition", edition, choices=choices)
    sheet = Sheet(together([by_field(of_work), edition.stated]), hints, like=edition)
    assert merge_sheet("work", sheet, choices=choices) == merge("work", [*of_edition, *of_work], hints=hints)
