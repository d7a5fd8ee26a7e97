"""The OpenAPI document of the read API, built from `models`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from alexandria_pipeline.monitoring.api import models, parameters
from alexandria_pipeline.monitoring.api.representations import JSON_LD
from alexandria_pipeline.monitoring.models import Problem

if TYPE_CHECKING:
    from pydantic import BaseModel

_ANSWERS: Final = (
    models.WorkPage,
    models.Work,
    models.EditionPage,
    models.Edition,
    models.AuthorPage,
    models.Author,
    models.MonthPage,
    models.MonthDetails,
    models.ChangePage,
    Problem,
)

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": parameters.MAX_LENGTH}
_LIMIT: Final = {"type": "integer", "minimum": 1, "maximum": parameters.MAX_LIMIT, "default": parameters.DEFAULT_LIMIT}
_MONTH: Final = {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}
_QUERY: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "q": (
        _TEXT,
        "Words of the title and the author; the last one may be the beginning of a word, from three letters on.",
    ),
    "author": (_TEXT, "Key of an author."),
    "month": (_MONTH, "A month that lists the work."),
    "isbn": (_TEXT, "ISBN-13 or ISBN-10 of an edition, with or without hyphens."),
    "external_id": (_TEXT, "Identifier of an edition in another catalogue: scheme:value."),
    "from": (
        {"type": "string", "enum": ["start", "now"]},
        "Instead of a cursor: the oldest change that is kept (default), or none yet.",
    ),
    "limit": (_LIMIT, "Items of a page."),
    "cursor": ({"type": "string", "minLength": 1, "maxLength": parameters.MAX_CURSOR}, "`next` of the page before."),
}
_PROBLEMS: Final = {
    "404": "There is nothing of this name.",
    "410": "The changes after this cursor are not kept any more.",
    "422": "A parameter is wrong; `problems` names everything that is wrong.",
    "429": "Too many requests of this client; Retry-After has the seconds to wait.",
    "503": "The database does not answer.",
}


def document(version: str) -> dict[str, Any]:
    """Returns the OpenAPI 3.1 document of the read API."""
    answers = [(model, "serialization") for model in _ANSWERS]
    _, schemas = models_json_schema(answers, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    description = "Works, editions, authors and months of the book database, read only. Lists have pages by cursor."
    return {
        "openapi": "3.1.0",
        "info": {"title": "alexandria_pipeline: read API", "version": version, "description": description},
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {"schemas": schemas["$defs"]},
    }


def _paths() -> dict[str, Any]:
    filters = "q", "author", "month", "isbn", "external_id", "limit", "cursor"
    return {
        "/api/v1/works": _list("works", "Works; at most one filter", models.WorkPage, *filters, linked=True),
        "/api/v1/works/{key}": _item("work", "A work by key", models.Work, "key", linked=True, moved=True),
        "/api/v1/editions": _list(
            "editions", "Editions by ISBN", models.EditionPage, "external_id", "limit", "cursor", linked=True
        ),
        "/api/v1/editions/{isbn}": _item("edition", "An edition by ISBN", models.Edition, "isbn", linked=True),
        "/api/v1/authors": _list("authors", "Authors by key", models.AuthorPage, "q", "limit", "cursor"),
        "/api/v1/authors/{key}": _item("author", "An author by key", models.Author, "key", moved=True),
        "/api/v1/months": _list("months", "Months, oldest first", models.MonthPage, "limit", "cursor"),
        "/api/v1/months/{month}": _item("month", "A month with its books", models.MonthDetails, "month"),
        "/api/v1/changes": _changes(),
        "/api/v1/openapi.json": {
            "get": {
                "operationId": "apiDocument",
                "summary": "This document",
                "responses": {
                    "200": {
                        "description": "OpenAPI 3.1",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    },
                    "429": _problem("429"),
                },
            }
        },
    }


def _list(name: str, summary: str, answer: type[BaseModel], *query: str, linked: bool = False) -> dict[str, Any]:
    parameters = [
        {"name": each, "in": "query", "required": False, "schema": _QUERY[each][0], "description": _QUERY[each][1]}
        for each in query
    ]
    return {"get": _operation(name, summary, answer, ("422", "429", "503"), linked=linked) | {"parameters": parameters}}


def _changes() -> dict[str, Any]:
    operation = _list("changes", "Changes of works, editions and authors", models.ChangePage, "from", "limit", "cursor")
    operation["get"]["responses"]["410"] = _problem("410")
    return operation


def _item(
    name: str, summary: str, answer: type[BaseModel], parameter: str, *, linked: bool = False, moved: bool = False
) -> dict[str, Any]:
    operation = _operation(name, summary, answer, ("404", "422", "429", "503"), linked=linked)
    if moved:
        operation["responses"]["308"] = {
            "description": "The key is retired; Location has the one that took it over.",
            "headers": {"Location": {"schema": {"type": "string"}}},
        }
    named = {"name": parameter, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    return {"get": operation | {"parameters": [named]}}


def _operation(
    name: str, summary: str, answer: type[BaseModel], problems: tuple[str, ...], *, linked: bool
) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{answer.__name__}"}}}
    if linked:
        content[JSON_LD] = {"schema": {"type": "object", "required": ["@context"]}}
    headers = {"ETag": {"schema": {"type": "string"}, "description": "For If-None-Match."}}
    responses: dict[str, Any] = {
        "200": {"description": summary, "headers": headers, "content": content},
        "304": {"description": "Unchanged since the ETag in If-None-Match."},
    }
    return {
        "operationId": name,
        "summary": summary,
        "description": answer.__doc__,
        "responses": responses | {status: _problem(status) for status in problems},
    }


def _problem(status: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": _PROBLEMS[status], "content": content}
