"""Languages: codes, names and lists of them."""

from __future__ import annotations

from typing import Any

import pytest

from alexandria_pipeline.providers.common.languages import language, language_of_title


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("eng", "en"), ("en", "en"), ("en_US", "en"), ("en-GB", "en"), ("English", "en"), (" english ", "en"),
        ("English (US)", "en"), ("/languages/ger", "de"), ({"key": "/languages/fre"}, "fr"), (["eng"], "en"),
        ([{"key": "/languages/spa"}], "es"), ("Spanish; Castilian", "es"), ("Brazilian Portuguese", "pt"), ("zh-Hans", "zh"),
        ("中文", "zh"), (["eng", "fre"], None), ("English, Spanish", None), ("und", None), ("mul", None), ("", None),
        (None, None), (7, None), (["eng", None], "en"),
    ],
)  # fmt: skip
def test_languages(value: Any, code: str | None) -> None:
    assert language(value) == code


def test_the_language_of_a_title() -> None:
    assert language_of_title("Rehenes del Pasado (Spanish Edition)") == "es"
    assert language_of_title("Dune [in German edition]") == "de"
    assert language_of_title("Dune (Deluxe Edition)") is None
