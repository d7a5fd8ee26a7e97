"""Draws docs/pictures/catalogue-growth.svg from benchmarks/catalog_points.jsonl, the measured points of the local catalogue.

    .venv/bin/python benchmarks/catalog_curve.py

`benchmarks/catalog.py --points` appends a line per size to that file; of several lines with one size, the last one counts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
POINTS: Final = HERE / "catalog_points.jsonl"
PICTURE: Final = HERE.parent / "docs" / "pictures" / "catalogue-growth.svg"

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 360, 260, 48, 34, 40
COLOURS: Final = ("#1b6ca8", "#c8553d", "#588157", "#7d5ba6")
# Title of a panel, and its lines: name and field of a point.
PANELS: Final = (
    ("Look-up, median, ms", (("exact", "exact_p50_ms"), ("one slip", "one_slip_p50_ms"))),
    ("Import, µs of CPU per edition", (("all processes", "import_cpu_us"),)),
    ("Disk, bytes per edition", (("tables and indexes", "bytes_an_edition"),)),
    ("Import, MiB of memory", (("all processes", "peak_rss_mib"),)),
)  # fmt: skip


def points(path: Path = POINTS) -> list[dict[str, Any]]:
    """The last measurement of each size, smallest first."""
    lines = (json.loads(line) for line in path.read_text().splitlines())
    return [point for _, point in sorted({line["editions"]: line for line in lines}.items())]


def picture(measured: Sequence[dict[str, Any]]) -> str:
    """The SVG text of all panels, two in a row."""
    parts = [_panel(place, *panel, measured) for place, panel in enumerate(PANELS)]
    rows = (len(PANELS) + 1) // 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {rows * HEIGHT}" font-family="sans-serif" font-size="11">\n'
        '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _panel(place: int, title: str, lines: Sequence[tuple[str, str]], measured: Sequence[dict[str, Any]]) -> str:
    top = _top(max(float(point[field]) for _, field in lines for point in measured))
    left, right = (math.log10(each["editions"]) for each in (measured[0], measured[-1]))

    def x(point: dict[str, Any]) -> float:
        return LEFT + (math.log10(point["editions"]) - left) / max(right - left, 1) * (WIDTH - LEFT - 70)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    drawn = [
        f'<text x="{LEFT}" y="20" font-weight="bold">{title}</text>',
        _line([(LEFT, y(0)), (WIDTH - 40, y(0))], "#888"),
    ]
    for step in range(5):
        value = top * step / 4
        drawn.append(f'<text x="{LEFT - 5}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>')
        drawn.append(_line([(LEFT, y(value)), (WIDTH - 40, y(value))], "#eee"))
    drawn += [
        f'<text x="{x(point):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{point["editions"]:,}</text>'
        for point in measured
    ]
    for colour, (name, field) in zip(COLOURS, lines, strict=False):
        drawn.append(_line([(x(point), y(point[field])) for point in measured], colour))
        last = measured[-1]
        drawn.append(
            f'<text x="{x(last) + 4:.1f}" y="{y(last[field]) - 5:.1f}" text-anchor="end" fill="{colour}">{name}</text>'
        )
    return f'<g transform="translate({place % 2 * WIDTH} {place // 2 * HEIGHT})">\n' + "\n".join(drawn) + "\n</g>"


def _top(most: float) -> float:
    """A round number above `most`, so that four steps to it are round too."""
    unit = math.pow(10, math.floor(math.log10(most)))
    return next(unit * step for step in (1.2, 2, 4, 6, 8, 10, 12) if unit * step > most)


def _line(places: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = (
        "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
        if colour in COLOURS
        else ""
    )
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>{dots}'


if __name__ == "__main__":
    PICTURE.write_text(picture(points()))
    print(PICTURE)
