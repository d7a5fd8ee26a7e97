"""The OpenAPI document: well formed, complete, and true of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.monitoring.months import put_all

SCHEDULE = "/api/internal/schedule-backfill"


@pytest.fixture
def document(client: httpx.Client) -> dict[str, Any]:
    parsed: dict[str, Any] = client.get("/openapi.json").json()
    return parsed


def _validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]}, format_checker=FormatChecker())


def _schema(operation: dict[str, Any], status: int) -> dict[str, Any]:
    schema: dict[str, Any] = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    return schema


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else [])
        for below in node.values():
            yield from _references(below)
    elif isinstance(node, list):
        for below in node:
            yield from _references(below)


def test_it_is_openapi_31_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert set(document["info"]) >= {"title", "version"}
    schemas = document["components"]["schemas"]
    assert {name.removeprefix("#/components/schemas/") for name in _references(document)} <= set(schemas)
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names)) == 9


def test_every_path_is_there_and_no_other_method(document: dict[str, Any], trusted: httpx.Client) -> None:
    for path, operations in document["paths"].items():
        (method,) = operations
        allowed = set(trusted.options(path).headers["allow"].split(", "))
        assert allowed == {"GET", "HEAD", "OPTIONS"} if method == "get" else {"POST", "OPTIONS"}


def test_answers_agree_with_the_document(document: dict[str, Any], trusted: httpx.Client, database: Database) -> None:
    put_all(database)
    asked = [
        ("get", "/api/quota/status", None), ("get", "/api/internal/backfill-stats", None), ("get", "/healthz", None),
        ("post", SCHEDULE, {}), ("post", SCHEDULE, {"batch_size": 0}),
        ("post", "/api/internal/seed-backfill-queue", {"year_start": 2020, "year_end": 2021}),
        ("post", "/api/internal/services/{name}/reopen", {}),
    ]  # fmt: skip
    for method, path, body in asked:
        answer = trusted.request(method, path.format(name="isbndb"), json=body)
        schema = _schema(document["paths"][path][method], answer.status_code)
        _validator(document, schema).validate(answer.json())


@pytest.mark.parametrize(
    ("body", "good"),
    [
        ({}, True), ({"batch_size": 50, "dry_run": True, "force_retry": False, "year_range": None}, True),
        ({"batch_size": 1.0, "dry_run": True}, True), ({"year_range": {"start": 1, "end": 9999}}, True),
        ({"batch_size": 51}, False), ({"batch_size": 0}, False), ({"batch_size": True}, False), ({"more": 1}, False),
        ({"year_range": {"start": 2020}}, False), ({"year_range": {"start": 0, "end": 1}}, False), ([], False),
    ],
)  # fmt: skip
def test_it_takes_what_the_endpoint_takes(
    document: dict[str, Any], trusted: httpx.Client, body: object, good: bool
) -> None:
    schema = document["paths"][SCHEDULE]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert _validator(document, schema).is_valid(body) is good
    assert (trusted.post(SCHEDULE, json=body).status_code == 200) is good


def test_what_needs_the_secret_states_so(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) is path.startswith("/api/internal/")
    assert document["components"]["securitySchemes"]["cronSecret"]["name"] == "X-Cron-Secret"
