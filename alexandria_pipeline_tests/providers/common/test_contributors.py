"""Contributors: roles in names, and names that are split into two entries."""

from __future__ import annotations

from typing import Any

import pytest

from alexandria_pipeline.domain.records import ContributorRole
from alexandria_pipeline.providers.common.contributors import contributors


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Doe, Jane (Illustrator)", [("Doe, Jane", "illustrator")]),
        ("Doe, Jane, ed.", [("Doe, Jane", "editor")]),
        ("Smith, Ed", [("Smith, Ed", "unknown")]),
        ("translated by Jane Doe", [("Jane Doe", "translator")]),
        ("Tolkien, J. R. R. (John Ronald Reuel)", [("Tolkien, J. R. R. (John Ronald Reuel)", "unknown")]),
        ("King, Stephen; Straub, Peter", [("King, Stephen", "unknown"), ("Straub, Peter", "unknown")]),
        (
            "Brad Meltzer (Author), Chris Eliopoulos (Artist)",
            [("Brad Meltzer", "author"), ("Chris Eliopoulos", "illustrator")],
        ),
        ("Hal Duncan and Wendy Okonkwo (Introduction)", [("Hal Duncan", "unknown"), ("Wendy Okonkwo", "other")]),
        (
            "Richard Pevear & Larissa Volokhonsky (Translators)",
            [("Richard Pevear", "translator"), ("Larissa Volokhonsky", "translator")],
        ),
        ("Jan and Stan Berenstain (Author)", [("Jan and Stan Berenstain", "author")]),
        (["~autofilled~", "Unknown", "N/A", "Author unknown", "-", "", None, "1941-"], []),
    ],
)
def test_names_and_roles(value: Any, expected: list[tuple[str, str]]) -> None:
    assert [(person.name, person.role.value) for person in contributors(value)] == expected


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        (["Herbert", "Frank"], ["Herbert, Frank"]),
        (["Le Guin", "Ursula K."], ["Le Guin, Ursula K."]),
        (["King,", "Stephen", "Straub,", "Peter"], ["King, Stephen", "Straub, Peter"]),
        (["Alex Haley", "Malcolm X"], ["Alex Haley", "Malcolm X"]),
        (["Stephen King", "Peter Straub"], ["Stephen King", "Peter Straub"]),
        (["Voltaire"], ["Voltaire"]),
    ],
)
def test_split_names_are_joined(entries: list[str], names: list[str]) -> None:
    assert [person.name for person in contributors(entries, split_names=True)] == names
    assert all(person.role is ContributorRole.UNKNOWN for person in contributors(entries, split_names=True))
