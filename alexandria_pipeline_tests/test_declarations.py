"""The README and the settings name every key of a service that is declared."""

from __future__ import annotations

import pytest

from alexandria_pipeline.providers.registry import DECLARATIONS, SERVICES
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline_tests.processes import PROJECT

KEYS = sorted({http.key_variable for http in SERVICES.values() if http.key_variable})


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("file", ["README.md", "docker-compose.yml"])
def test_the_key_is_named(file: str, key: str) -> None:
    assert key in (PROJECT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_settings_with_its_defaults(name: str) -> None:
    assert load_settings().service(name).base_url == SERVICES[name].base_url


def test_names_are_unique() -> None:
    names = [declaration.name for declaration in DECLARATIONS]
    assert len(names) == len(set(names))
