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


@pytest.mark.parametrize(("contact", "per_minute"), [(None, 10), ("tests@example.org", 200)])
def test_wikimedias_services_share_one_allowance(contact: str | None, per_minute: int) -> None:
    settings = load_settings(contact=contact)
    for name, other in (("wikidata", "wikipedia"), ("wikipedia", "wikidata")):
        allowance = settings.service(name).allowance
        assert allowance.shared_with == (other,)
        assert allowance.shared_rate * 60 == pytest.approx(per_minute)
        assert allowance.requests_per_second * 60 <= per_minute + 0.001
    assert settings.service("wikipedia").requests_per_second * 60 == pytest.approx(per_minute)


def test_a_rate_that_is_set_is_not_slowed_by_a_shared_one() -> None:
    settings = load_settings(wikidata={"requests_per_second": 50})
    assert settings.service("wikidata").allowance.shared_rate == 50


def test_other_services_share_nothing() -> None:
    allowance = load_settings().service("open-library").allowance
    assert (allowance.shared_with, allowance.shared_spacing) == ((), 0)
