"""Author lists: what stands in one name is taken apart, and a list that is cut off gives way to the whole one."""

from __future__ import annotations

import pytest

from alexandria_pipeline.domain.merging.author_lists import apart, choose
from alexandria_pipeline.domain.merging.claims import Claim
from alexandria_pipeline.domain.merging.hints import of_listing


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Knuth, Donald E.", ["Knuth, Donald E."]),
        ("Ursula K. Le Guin", ["Ursula K. Le Guin"]),
        ("Allen, Ruth/ Berg, David M.", ["Allen, Ruth", "Berg, David M."]),
        ("Moore, Ann (Author) Hill, Steven (Joint Author)", ["Moore, Ann", "Hill, Steven"]),
        ("By (author) Moore, Ann By (author) Hill, Sue", ["Moore, Ann", "Hill, Sue"]),
        ("MOORE, ANN HILL, STEVEN", ["MOORE, ANN", "HILL, STEVEN"]),
        ("Moore, Ann, Hill, Steven, Berg, Tom", ["Moore, Ann", "Hill, Steven", "Berg, Tom"]),
        ("Ann Moore, et al", ["Ann Moore"]),
        ("King, Martin Luther, Jr.", ["King, Martin Luther, Jr."]),
        ("Gregory, Saint, Bishop of Tours, 538-594", ["Gregory, Saint, Bishop of Tours, 538-594"]),
        ("Not Available", []),
    ],
)
def test_people_in_one_name(text: str, names: list[str]) -> None:
    assert [name for name, _ in apart(text, "unknown")] == names


def test_the_roles_beside_names() -> None:
    assert apart("Moore, Ann; Hill, Steven (Illustrator)", "unknown") == (
        ("Moore, Ann", "unknown"),
        ("Hill, Steven", "illustrator"),
    )
    assert apart("Edited by Hill, Sue", "unknown") == (("Hill, Sue", "editor"),)


def _choose(*lists: tuple[list[str], str]) -> list[str]:
    claims = [
        Claim(f"shop {number}", "authors", [{"name": name, "role": role} for name in names], number)
        for number, (names, role) in enumerate(lists)
    ]
    choice = choose(claims)
    return list(choice.value) if choice else []


def test_a_list_that_is_cut_off_gives_way_to_the_whole_one() -> None:
    short, whole = (["Ann Moore"], "unknown"), (["Moore, Ann", "Hill, Steven"], "unknown")
    assert _choose(*[short] * 5, *[whole] * 4) == ["Ann Moore", "Steven Hill"]
    assert _choose(*[short] * 3, whole) == ["Ann Moore"], "one source alone may have named a helper"


def test_a_surname_alone_is_the_person_of_that_surname() -> None:
    assert _choose((["Moore"], "unknown"), (["Moore"], "unknown"), (["Moore, Ann"], "unknown")) == ["Ann Moore"]


def test_editors_stand_in_the_place_of_authors_and_translators_never() -> None:
    assert _choose((["Sue Hill"], "editor")) == ["Sue Hill"]
    assert _choose((["Ann Moore"], "author"), (["Sue Hill"], "editor")) == ["Ann Moore"]
    assert _choose((["Sue Hill"], "translator")) == []
    assert _choose((["Sue Hill"], "translator"), (["Sue Hill"], "unknown")) == []


def _of_records(*records: list[tuple[str, str]], listed: str = "") -> list[str]:
    """The list that is chosen from records of several sources, each with (name, role) pairs."""
    claims = [
        Claim(f"shop {number}", "authors", [{"name": name, "role": role} for name, role in people], number)
        for number, people in enumerate(records)
    ]
    hints = [hint for hint in of_listing("A title", listed or None) if hint.field == "authors"]
    choice = choose([*claims, *hints])
    return list(choice.value) if choice else []


@pytest.mark.parametrize("role", ["translator", "illustrator", "narrator"])
def test_one_source_against_one_makes_a_helper_unless_the_listing_names_the_person(role: str) -> None:
    records = [("Ann Moore", "author"), ("Sue Hill", "author")], [("Ann Moore", "author"), ("Sue Hill", role)]
    assert _of_records(*records) == _of_records(*reversed(records)) == ["Ann Moore"]
    assert _of_records(*records, listed="Ann Moore") == ["Ann Moore"]
    assert _of_records(*records, listed="Ann Moore and Sue Hill") == ["Ann Moore", "Sue Hill"]
    assert _of_records([("Sue Hill", "author")], [("Sue Hill", role)]) == []
    assert _of_records([("Sue Hill", "author")], [("Sue Hill", role)], listed="Sue Hill") == ["Sue Hill"]


def test_author_and_illustrator_in_one_record_is_an_author() -> None:
    both = [("Sue Hill", "author"), ("Sue Hill", "illustrator")]
    assert _of_records(both) == ["Sue Hill"]
    assert _of_records(both, [("Sue Hill", "illustrator")]) == ["Sue Hill"]
    assert _of_records(both, [("Ann Moore", "author"), ("Sue Hill", "illustrator")], both) == ["Sue Hill"]
