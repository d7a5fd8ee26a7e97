"""Pictures in metadata: well-formed, safe inside Markdown, and legible on light and dark pages."""

import base64
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alexandria_pipeline.orchestration.charts import BAR, LINE, TEXT, bar_chart

BARS = [("65–69", 1), ("70–74", 0), ("75–79", 12)]
LIGHT, DARK = "#ffffff", "#0f1114"


def _svg(markdown: str) -> ET.Element:
    match = re.fullmatch(r"!\[[^\[\]\n]*\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", markdown)
    assert match, markdown[:200]
    return ET.fromstring(base64.b64decode(match[1]))  # noqa: S314 - our own text


def _of(svg: ET.Element, tag: str) -> list[ET.Element]:
    return svg.findall(f"{{http://www.w3.org/2000/svg}}{tag}")


def test_a_bar_is_as_high_as_its_count_and_states_it() -> None:
    svg = _svg(bar_chart("Confidence", BARS))
    heights = [float(bar.attrib["height"]) for bar in _of(svg, "rect")]
    assert heights == [10.0, 0.0, 120.0]
    labels = [text.text for text in _of(svg, "text")]
    assert labels == ["Confidence", "1", "65–69", "70–74", "12", "75–79"]


def test_a_chart_of_one_bar_has_room_for_its_title() -> None:
    title = "Books with an ISBN, by year"
    svg = _svg(bar_chart(title, [("2020", 20)]))
    assert float(svg.attrib["width"]) >= 7 * len(title)


def test_the_picture_has_a_description_for_those_who_do_not_see_it() -> None:
    assert bar_chart("Confidence", BARS).startswith("![Confidence (65–69: 1, 75–79: 12)](")


@pytest.mark.parametrize("bars", [[], [("65–69", 0)]])
def test_nothing_is_stated_in_words(bars: list[tuple[str, int]]) -> None:
    assert bar_chart("Confidence", bars) == "Confidence: nothing yet"


@given(
    title=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
    bars=st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.integers(1, 10**6)),
        min_size=1,
        max_size=25,
    ),
)
def test_any_title_and_label_stay_inside_the_picture(title: str, bars: list[tuple[str, int]]) -> None:
    svg = _svg(bar_chart(title, bars))
    assert len(_of(svg, "rect")) == len(bars)
    width = float(svg.attrib["width"])
    assert all(float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width for bar in _of(svg, "rect"))


@pytest.mark.parametrize("page", [LIGHT, DARK])
@pytest.mark.parametrize(("colour", "least"), [(TEXT, 4.0), (BAR, 3.0), (LINE, 2.5)])
def test_colours_can_be_distinguished_from_light_and_dark_pages(colour: str, least: float, page: str) -> None:
    """WCAG 2.2: contrast of text and of parts of pictures."""
    lighter, darker = sorted((_luminance(colour), _luminance(page)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= least


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
