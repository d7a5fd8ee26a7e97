"""Merging, measured: how often the served value is the true one, for real books with invented conflicts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from alexandria_pipeline.domain.merging.merge import Merged, merge
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline_tests.domain.merging.conflicting_claims import Case, cases

Measured = list[tuple[Case, Merged]]

FIELDS = ("title", "authors", "published", "pages", "publisher", "language", "series", "subjects")
MOST_SOURCES, AS_MANY_SOURCES = 0.98, 0.95


@pytest.fixture(scope="module")
def measured() -> Measured:
    return [(case, merge("edition", case.claims, hints=case.hints)) for case in cases(seed=13, copies=2)]


def _is_true(case: Case, merged: Merged) -> bool:
    value = merged.values.get(case.field)
    if value is None:
        return False
    served, truth = _plain(case.field, value), _plain(case.field, case.truth)
    return bool(served <= truth) if case.field == "subjects" else bool(served == truth)


def _plain(field: str, value: Any) -> Any:
    """The part of a value that is compared: a year, names, texts without regard to their spelling."""
    match field:
        case "published":
            return value[:4]
        case "authors":
            return [each if isinstance(each, str) else each["name"] for each in value]
        case "publisher":
            return normalise(value).removesuffix(" inc")
        case "series":
            return normalise(value["name"]), value["position"]
        case "subjects":
            return {normalise(each if isinstance(each, str) else each["name"]) for each in value}
    return value


@pytest.mark.parametrize("field", FIELDS)
def test_the_value_of_most_sources_is_served(measured: Measured, field: str) -> None:
    known = [_is_true(case, merged) for case, merged in measured if case.field == field and (case.lead or 0) > 0]
    assert sum(known) >= MOST_SOURCES * len(known)


@pytest.mark.parametrize("field", ["title", "authors"])
def test_the_listing_decides_between_as_many_sources(measured: Measured, field: str) -> None:
    even = [_is_true(case, merged) for case, merged in measured if case.field == field and case.lead == 0]
    assert even, "the conflicts have no such case"
    assert sum(even) >= AS_MANY_SOURCES * len(even)


def test_a_hint_is_never_served_or_counted(measured: Measured) -> None:
    for case, merged in measured:
        where = merged.provenance.get(case.field, {"source": (), "records": (), "lost": 0})
        assert "list" not in where["source"]
        assert len(where["records"]) + where["lost"] <= len(case.claims)
    assert merge("edition", (), hints=measured[0][0].hints).values == {}


def test_no_translator_is_an_author(measured: Measured) -> None:
    roles = Counter[str]()
    for case, merged in measured:
        people = [one for claim in case.claims if case.field == "authors" for one in claim.value]
        helpers = {one["name"] for one in people if one["role"] == "translator"}
        roles.update(helpers)
        called_author = {one["name"] for one in people if one["role"] != "translator"}
        assert not (helpers - called_author) & set(merged.values.get("authors", ()))
    assert roles, "the conflicts have no translator"
