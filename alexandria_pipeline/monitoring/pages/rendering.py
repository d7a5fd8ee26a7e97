"""Templates of the pages, their style and script, and the content security policy that allows only these."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from importlib import resources
from typing import Any, Final
from urllib.parse import quote

import jinja2

from alexandria_pipeline.domain.text.display import for_page

PACKAGE: Final = "alexandria_pipeline.monitoring"
SEARCH: Final = "search.js"
OUTCOMES: Final = {
    "resolved": "has an ISBN",
    "pending": "not searched yet",
    "not_found": "no ISBN found",
    "deferred": "waits for a service",
}


def render(name: str, script: str = SEARCH, /, **content: Any) -> str:
    """Renders a page with its script as HTML; every value is escaped."""
    return (
        _environment()
        .get_template(name)
        .render(style=_file("page.css") + _file("library.css"), script=_file(script), **content)
    )


@cache
def policy(script: str = SEARCH) -> str:
    """Returns the content security policy of a page with this script: our style and script; pictures, requests and forms of this server."""
    style, code = _hash(_file("page.css") + _file("library.css")), _hash(_file(script))
    return (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; connect-src 'self'; img-src 'self';"
        f" style-src 'sha256-{style}'; script-src 'sha256-{code}'"
    )


def path_of(kind: str, key: str) -> str:
    """The path of a work or an author."""
    return f"/{kind}/{quote(key, safe=':')}"


def source_of(provenance: dict[str, Any] | None, field: str, otherwise: str = "") -> str:
    """The sources of a field, as text."""
    entry = (provenance or {}).get(field)
    source = entry.get("source") if isinstance(entry, dict) else entry
    return ", ".join(source) if isinstance(source, list) else source or otherwise


@cache
def _file(name: str) -> str:
    return (resources.files(PACKAGE) / "templates" / name).read_text("utf-8")


def _hash(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(PACKAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: for_page(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["work_path"] = lambda key: path_of("works", key)
    environment.filters["author_path"] = lambda key: path_of("authors", key)
    environment.filters["outcome"] = lambda outcome: OUTCOMES.get(outcome, outcome)
    environment.globals["source_of"] = source_of
    return environment
