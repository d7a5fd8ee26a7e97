"""Licences of what the image installs."""

from __future__ import annotations

from alexandria_pipeline_tests.test_docs import tool


def test_every_licence_is_accepted_and_the_page_is_up_to_date() -> None:
    licences = tool("licences")
    found = list(licences.licences())
    assert len(found) > 80
    assert [(name, licence) for name, licence in found if not licences.ACCEPTED.search(licence)] == []
    assert licences.PAGE.read_text("utf-8") == licences.page(found), "run: make licences"
