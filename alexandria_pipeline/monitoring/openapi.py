"""The OpenAPI document, built from `models`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from alexandria_pipeline.monitoring import models as wire
from alexandria_pipeline.monitoring.requests import CALLER_HEADER, MAX_BODY_BYTES

_ANSWERS = (wire.QuotaAnswer, wire.BackfillStats, wire.Scheduled, wire.Seeded, wire.Reopened, wire.Health, wire.Problem)
_BODIES = (wire.ScheduleBackfill, wire.SeedBackfillQueue)

_CLOSED = {
    "401": "The secret is missing or wrong.",
    "403": "Closed: this server has no secret.",
    "503": "The database does not answer.",
}
_WRONG = {
    "400": "The body is not JSON.",
    "413": f"The body is larger than {MAX_BODY_BYTES:,} bytes.",
    "415": "The body is not application/json.",
    "422": "The body is not as described; `problems` names everything that is wrong.",
}


def document(version: str) -> dict[str, Any]:
    """Returns the OpenAPI 3.1 document of all endpoints."""
    models = [(model, "serialization") for model in _ANSWERS] + [(model, "validation") for model in _BODIES]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "alexandria_pipeline",
            "version": version,
            "description": "How the backfill of the book database is doing.",
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"cronSecret": {"type": "apiKey", "in": "header", "name": CALLER_HEADER}},
        },
    }


def _paths() -> dict[str, Any]:
    down = {"503": "The database does not answer."}
    return {
        "/api/quota/status": {"get": _json("quotaStatus", "Today's quota of ISBNdb", wire.QuotaAnswer, down)},
        "/api/internal/backfill-stats": {
            "get": _inner("backfillStats", "Where the backfill stands", wire.BackfillStats)
        },
        "/api/internal/schedule-backfill": {
            "post": _inner("scheduleBackfill", "Months to be started next", wire.Scheduled, wire.ScheduleBackfill)
        },
        "/api/internal/seed-backfill-queue": {
            "post": _inner(
                "seedBackfillQueue", "Months that are to be in the queue", wire.Seeded, wire.SeedBackfillQueue
            )
        },
        "/api/internal/services/{name}/reopen": {"post": _reopen()},
        "/healthz": {
            "get": _other("health", "Whether the database answers", _content(wire.Health), _content(wire.Health))
        },
        "/metrics": {"get": _other("metrics", "Figures for Prometheus", _text("text/plain"), _text("text/plain"))},
        "/openapi.json": {
            "get": _other("openapi", "This document", {"application/json": {"schema": {"type": "object"}}})
        },
        "/": {"get": _other("page", "The page for people", _text("text/html"), _text("text/plain"))},
    }


def _json(name: str, summary: str, answer: type[BaseModel], problems: dict[str, str]) -> dict[str, Any]:
    answers = {"200": {"description": summary, "content": _content(answer)}}
    refused = {status: {"description": why, "content": _content(wire.Problem)} for status, why in problems.items()}
    return {"operationId": name, "summary": summary, "description": answer.__doc__, "responses": answers | refused}


def _inner(name: str, summary: str, answer: type[BaseModel], body: type[BaseModel] | None = None) -> dict[str, Any]:
    operation = _json(name, summary, answer, {**_CLOSED, **(_WRONG if body else {})})
    operation["security"] = [{"cronSecret": []}]
    if body:
        operation["requestBody"] = {"required": True, "description": body.__doc__, "content": _content(body)}
    return operation


def _reopen() -> dict[str, Any]:
    operation = _inner("reopenService", "A service that is open again", wire.Reopened)
    operation["responses"]["404"] = {"description": "There is no such service.", "content": _content(wire.Problem)}
    named = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    return operation | {"parameters": [named]}


def _other(name: str, summary: str, good: dict[str, Any], down: dict[str, Any] | None = None) -> dict[str, Any]:
    responses = {"200": {"description": summary, "content": good}}
    if down:
        responses["503"] = {"description": "The database does not answer.", "content": down}
    return {"operationId": name, "summary": summary, "responses": responses}


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}


def _text(kind: str) -> dict[str, Any]:
    return {kind: {"schema": {"type": "string"}}}
