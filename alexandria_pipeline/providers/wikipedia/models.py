"""Wikipedia's wire models: article summaries and search results."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator

from alexandria_pipeline.providers.common.text_fields import text, web_address
from alexandria_pipeline.providers.common.wire_models import PlainText, Text, WireModel


def _image(value: object) -> str | None:
    """The address of an image object."""
    return web_address(value.get("source")) if isinstance(value, dict) else None


def _canonical_title(value: object) -> str | None:
    return text(value.get("canonical")) if isinstance(value, dict) else None


_Image = Annotated[str | None, PlainValidator(_image)]


class Summary(WireModel):
    """The response of `page/summary`. Older responses have no `type` and no `wikibase_item`."""

    kind: Text = Field(default=None, alias="type")
    title: Text = None
    canonical: Annotated[str | None, PlainValidator(_canonical_title)] = Field(default=None, alias="titles")
    description: Text = None
    extract: PlainText = None
    item: Text = Field(default=None, alias="wikibase_item")
    thumbnail: _Image = None
    image: _Image = Field(default=None, alias="originalimage")


class SearchResult(WireModel):
    """One result of a full-text search."""

    title: Text = None


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


class Page(WireModel):
    """An article in a response of the action API about several."""

    title: Text = None
    extract: PlainText = None
    description: Text = None
    properties: Annotated[dict[str, object], PlainValidator(_object)] = Field(default={}, alias="pageprops")
    image: _Image = Field(default=None, alias="original")

    def summary(self) -> Summary:
        """The article as `page/summary` has it, which ends with the first paragraph."""
        return Summary(
            type="disambiguation" if "disambiguation" in self.properties else "standard",
            title=self.title,
            description=self.description,
            extract=(self.extract or "").partition("\n")[0],
            wikibase_item=text(self.properties.get("wikibase_item")),
            originalimage={"source": self.image} if self.image else None,
        )


class Renamed(WireModel):
    """A title that was asked for, and the one that it leads to."""

    source: Text = Field(default=None, alias="from")
    target: Text = Field(default=None, alias="to")
