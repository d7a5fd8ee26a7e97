"""Edition formats: the words that services use for them."""

from __future__ import annotations

from typing import Any

import pytest

from alexandria_pipeline.domain.records import EditionFormat
from alexandria_pipeline.providers.common.edition_formats import edition_format


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Hardcover", EditionFormat.HARDCOVER), ("School & Library Binding", EditionFormat.HARDCOVER),
        ("Mass Market Paperback", EditionFormat.PAPERBACK), ("Trade Paperback", EditionFormat.PAPERBACK),
        ("Kindle Edition", EditionFormat.EBOOK), ("[electronic resource] /", EditionFormat.EBOOK),
        ("Audio Cassette", EditionFormat.AUDIO), ("MP3 CD", EditionFormat.AUDIO), ("Paperback with audio CD", EditionFormat.AUDIO),
        ("CD-ROM", EditionFormat.OTHER), ("Board book", EditionFormat.OTHER), ("Unknown Binding", EditionFormat.UNKNOWN),
        (["", "Hardcover"], EditionFormat.HARDCOVER), (None, EditionFormat.UNKNOWN), ({}, EditionFormat.UNKNOWN),
    ],
)  # fmt: skip
def test_formats(words: Any, kind: EditionFormat) -> None:
    assert edition_format(words) is kind
