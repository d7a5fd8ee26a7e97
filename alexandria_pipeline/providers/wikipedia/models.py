"""Wikipedia's wire models: page summaries and search results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, PlainValidator

from alexandria_pipeline.providers.common.fields import Prose, Text, Wire, text, web_address

if TYPE_CHECKING:
    pass


def _source(value: object) -> str | None:
    """The address of an image object."""
    return web_address(value.get("source")) if isinstance(value, dict) else None


def _canonical(value: object) -> str | None:
    return text(value.get("canonical")) if isinstance(value, dict) else None


class Summary(Wire):
    """The answer of page/summary; older ones lack `type` and `wikibase_item`."""

    kind: Text = Field(default=None, alias="type")
    title: Text = None
    canonical: Annotated[str | None, PlainValidator(_canonical)] = Field(default=None, alias="titles")
    description: Text = None
    extract: Prose = None
    item: Text = Field(default=None, alias="wikibase_item")
    thumbnail: Annotated[str | None, PlainValidator(_source)] = None
    image: Annotated[str | None, PlainValidator(_source)] = Field(default=None, alias="originalimage")


class SearchResult(Wire):
    """One hit of a full-text search."""

    title: Text = None
