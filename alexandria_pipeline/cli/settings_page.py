"""Writes docs/settings.md from the fields of Settings: name, default and meaning of every environment variable.

`python -m alexandria_pipeline.cli.settings_page` rewrites the file. `reference()` returns its text; a test compares both.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from alexandria_pipeline.providers import registry
from alexandria_pipeline.settings import AllSettings, Settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PAGE: Final = Path(__file__).parents[2] / "docs" / "settings.md"
COMMAND: Final = ".venv/bin/python -m alexandria_pipeline.cli.settings_page"

_MEANINGS: Final = {
    "base_url": "Address of the service.",
    "requests_per_second": "Requests per second of all processes together.",
    "timeout_seconds": "Seconds for one attempt.",
    "enabled": "`false` switches the service off.",
}

_HEAD: Final = f"""\
# Settings

Settings are environment variables. They may also be in the file `.env` of the working directory. Lists are separated by
commas. All wrong values are reported at once, before anything starts.

This page is made by `{COMMAND}`. Do not edit it.
"""


def reference() -> str:
    """The text of docs/settings.md."""
    return "\n".join([_HEAD, *_general(), *_keys(), *_services()])


def _general() -> Iterator[str]:
    yield from _heading("General", "variable | default | meaning")
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, BaseModel):
            for inner, inner_field in type(field.default).model_fields.items():
                yield _row(f"ALEXANDRIA_{name}_{inner}", inner_field.default, inner_field.description or "")
        else:
            yield _row(f"ALEXANDRIA_{name}", field.default, field.description or "")
    yield ""


def _keys() -> Iterator[str]:
    yield from _heading("Keys", "variable | service")
    for declaration in registry.DECLARATIONS:
        if declaration.http is not None and declaration.http.key_variable:
            yield f"| `{declaration.http.key_variable}` | {declaration.title} |"
    yield ""


def _services() -> Iterator[str]:
    """One table for the meanings, and one for the defaults that differ between services."""
    yield from _heading("Services", "variable | meaning")
    yield "| | `<SERVICE>` is one of: " + ", ".join(f"`{http.prefix}`" for http in registry.SERVICES.values()) + " |"
    fields = _service_fields()
    for name, field in fields.items():
        meaning = _MEANINGS.get(name) or field.description or ""
        yield f"| `ALEXANDRIA_<SERVICE>_{name.upper()}` | {meaning} |"
    yield ""
    for declaration in registry.DECLARATIONS:
        if (http := declaration.http) is None:
            continue
        given = AllSettings.model_fields[http.prefix.lower()].default
        yield from _heading(declaration.title, "variable | default", level=3)
        defaults = {name: getattr(given, name) for name in fields} | {"requests_per_second": http.requests_per_second}
        for name, default in defaults.items():
            if default is not None:
                yield _row(f"ALEXANDRIA_{http.prefix}_{name}", default)
        yield ""


def _service_fields() -> dict[str, FieldInfo]:
    first = next(iter(registry.SERVICES.values()))
    return dict(type(AllSettings.model_fields[first.prefix.lower()].default).model_fields)


def _heading(title: str, columns: str, level: int = 2) -> Iterator[str]:
    yield from (f"{'#' * level} {title}", "", f"| {columns} |", "|---" * (columns.count("|") + 1) + "|")


def _row(name: str, default: Any, *meaning: str) -> str:
    return f"| {' | '.join([f'`{name.upper()}`', _shown(default), *meaning])} |"


def _shown(default: Any) -> str:
    if default is None or default == ():
        return "unset"
    if isinstance(default, tuple):
        return "see rollout.md"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


if __name__ == "__main__":
    PAGE.write_text(reference(), "utf-8")
