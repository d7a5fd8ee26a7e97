"""What can be set for the services, and the errors for wrong values."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from alexandria_pipeline.composition import assemble, providers
from alexandria_pipeline.domain.errors import SettingsError
from alexandria_pipeline.domain.quota import QuotaLimits, ServicePlan
from alexandria_pipeline.domain.service_answers import Answer, Failed
from alexandria_pipeline.operations.plans import current_plan
from alexandria_pipeline.providers.isbndb import DECLARATION
from alexandria_pipeline.providers.registry import DECLARATIONS
from alexandria_pipeline.providers.registry import SERVICES as DECLARED
from alexandria_pipeline.settings import SERVICES, load_settings
from alexandria_pipeline.storage.queries import Query
from alexandria_pipeline.storage.quota import QuotaManager
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.world import rows

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for defaults in DECLARED.values():
        monkeypatch.delenv(defaults.key_variable or "", raising=False)
    monkeypatch.delenv("ALEXANDRIA_CONTACT", raising=False)


def test_every_service_has_its_defaults() -> None:
    services = {name: load_settings().service(name) for name in SERVICES}
    assert services["isbndb"].quota == QuotaLimits(15_000, 2_000)
    assert services["google-books"].base_url == "https://www.googleapis.com/books/v1"
    assert {name for name, service in services.items() if service.timeout_seconds == 60} == {"gemini", "xai"}
    assert {name for name, service in services.items() if service.model} == {"gemini", "xai"}
    assert all(service.enabled and service.key is None for service in services.values())
    assert services["wikidata"].parallel == 5


def test_a_contact_earns_the_pace_of_open_library(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().service("open-library").requests_per_second == 1
    monkeypatch.setenv("ALEXANDRIA_CONTACT", "books@example.org")
    assert load_settings().service("open-library").requests_per_second == 3
    assert load_settings().service("google-books").requests_per_second == 1
    monkeypatch.setenv("ALEXANDRIA_OPEN_LIBRARY_REQUESTS_PER_SECOND", "0.5")
    assert load_settings().service("open-library").requests_per_second == 0.5


@pytest.mark.parametrize(
    "contact",
    ["me@example.org", "https://example.org/about", "http://books.example.org:8080", "mailto:a.b+c@x.example.org"],
)
def test_a_contact_is_a_mail_address_or_a_web_address(contact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRIA_CONTACT", contact)
    assert load_settings().contact == contact


@pytest.mark.parametrize(
    "contact",
    [
        "me",
        "me@",
        "me@host",
        "example.org",
        "ftp://example.org",
        "a b@example.org",
        "https://",
        "x (y)@example.org",
        "https://example.org/(a",
    ],
)
def test_another_contact_is_refused_with_a_sentence(contact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRIA_CONTACT", contact)
    with pytest.raises(SettingsError, match=r"must be a mail address \(you@example.org\) or a web address"):
        load_settings()


def test_without_a_contact_open_library_states_what_is_missing() -> None:
    assert "set ALEXANDRIA_CONTACT" in load_settings().service("open-library").missing
    assert load_settings().service("wikidata").missing == ""


def test_a_country_has_two_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRIA_GOOGLE_BOOKS_COUNTRY", "de")
    assert load_settings().service("google-books").country == "DE"
    monkeypatch.setenv("ALEXANDRIA_GOOGLE_BOOKS_COUNTRY", "Germany")
    with pytest.raises(SettingsError, match=r"ALEXANDRIA_GOOGLE_BOOKS_COUNTRY: .*two letters"):
        load_settings()


def test_single_values_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRIA_GOOGLE_BOOKS_BASE_URL", "http://127.0.0.1:8000/books/v1/")
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_DAILY_LIMIT", "150")
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_ENABLED", "false")
    monkeypatch.setenv("ISBNDB_API_KEY", " canary-4711 ")
    monkeypatch.setenv("ALEXANDRIA_XAI_MODEL", "grok-5")
    settings = load_settings()
    isbndb = settings.service("isbndb")
    assert settings.service("google_books").base_url == "http://127.0.0.1:8000/books/v1"
    assert (isbndb.quota, isbndb.enabled, isbndb.base_url) == (QuotaLimits(150, 20), False, "https://api2.isbndb.com")
    assert isbndb.key is not None
    assert isbndb.key.get_secret_value() == "canary-4711"
    assert "canary" not in repr((settings, isbndb))
    assert settings.service("xai").model == "grok-5"


def test_wrong_values_are_named_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "ALEXANDRIA_ARCHIVE_ORG_BASE_URL": "ftp://example.org",
        "ALEXANDRIA_GEMINI_BASE_URL": "http://example.org:99999/",
        "ALEXANDRIA_WIKIPEDIA_REQUESTS_PER_SECOND": "-1",
        "ALEXANDRIA_XAI_TIMEOUT_SECONDS": "nan",
        "ALEXANDRIA_WIKIDATA_ENABLED": "perhaps",
        "ALEXANDRIA_ISBNDB_SAFETY_BUFFER": "15000",
        "ALEXANDRIA_CONTACT": "Jürgen",
        "ALEXANDRIA_RESOLVER_ORDER": "isbndb,nobody,gemini",
        "ALEXANDRIA_GENERATORS": "gemini,nobody",
        "GEMINI_API_KEY": "canary 4711",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    lines = {line.split(":")[0].strip() for line in str(raised.value).splitlines()[1:]}
    assert lines == set(wrong)
    assert "canary" not in str(raised.value)
    assert "names nobody, gemini; isbn-resolution is offered by: local-catalog, open-library" in str(raised.value)


def test_addresses_without_encryption_are_for_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("http://localhost:8000", "http://127.0.0.1", "http://[::1]:80"):
        monkeypatch.setenv("ALEXANDRIA_ISBNDB_BASE_URL", address)
        assert load_settings().service("isbndb").base_url == address
    for address in ("http://127.0.0.1.example.org", "http://10.0.0.7:8000", "http://localhost.example.org"):
        monkeypatch.setenv("ALEXANDRIA_ISBNDB_BASE_URL", address)
        with pytest.raises(SettingsError, match="PLAIN_HTTP=true"):
            load_settings()
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_PLAIN_HTTP", "true")
    assert load_settings().service("isbndb").base_url == "http://localhost.example.org"


def test_a_short_secret_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRIA_CRON_SECRET", "canary-15-chars")
    with pytest.raises(SettingsError, match=r"ALEXANDRIA_CRON_SECRET: .*at least 16") as raised:
        load_settings()
    assert "canary" not in str(raised.value)
    monkeypatch.setenv("ALEXANDRIA_CRON_SECRET", "canary-16-charss")
    assert load_settings().cron_secret is not None


def test_a_file_of_the_working_folder_names_no_programs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ALEXANDRIA_POSTGRES_BINARIES=/evil/bin\nALEXANDRIA_LANGUAGE=de\n")
    settings = load_settings()
    assert (settings.postgres_binaries, settings.language) == (None, "de")
    assert "ALEXANDRIA_POSTGRES_BINARIES" in caplog.text
    monkeypatch.setenv("ALEXANDRIA_POSTGRES_BINARIES", "/good/bin")
    assert load_settings().postgres_binaries == Path("/good/bin")
    monkeypatch.setenv("ALEXANDRIA_POSTGRES_BINARIES", "/evil/bin")  # as Dagster does with the file
    assert load_settings().postgres_binaries is None


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRIA_EXPORT_FORMATS", "csv, jsonl")
    monkeypatch.setenv("ALEXANDRIA_SERVE_HOSTS", "books.example.org,www.example.org")
    settings = load_settings()
    assert settings.export_formats == ("csv", "jsonl")
    assert settings.serve_hosts == ("books.example.org", "www.example.org")


def test_the_cascade_may_be_set_by_the_names_of_services_or_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRIA_RESOLVER_ORDER", "OPEN_LIBRARY, archive_org,internet-archive,google-books")
    assert load_settings().resolver_order == ("open-library", "internet-archive", "google-books")


def test_what_settings_may_name_is_what_there_is(database: Database) -> None:
    with closing(Threads()) as threads:
        made = [provider.declaration for provider in providers(load_settings(), database, threads)]
    assert list(DECLARATIONS) == made


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ["curated-list"]),
        ({"contact": "books@example.org"}, ["wikidata"]),
        ({"contact": "books@example.org", "curated_list": "list.tsv"}, []),
        ({"contact": "books@example.org", "nyt_api_key": "canary"}, ["nyt"]),
        ({"gemini_api_key": "canary", "nyt_api_key": "canary"}, ["nyt", "gemini"]),
        ({"contact": "books@example.org", "generators": ("wikidata", "curated-list")}, ["wikidata", "curated-list"]),
    ],
)  # fmt: skip
def test_the_generators_follow_from_what_is_set(given: dict[str, Any], names: list[str], database: Database) -> None:
    with closing(Threads()) as threads:
        pipeline = assemble(load_settings(**given), database, threads)
    assert [generator.declaration.name for generator in pipeline.registry.generators()] == names


PREMIUM = ServicePlan("isbndb", "premium", "api.premium.isbndb.com", 3, 5_000)


def test_the_plan_of_a_key_gives_host_rate_and_daily_limit() -> None:
    service = load_settings().with_plan(PREMIUM).service("isbndb")
    assert (service.base_url, service.requests_per_second) == ("https://api.premium.isbndb.com", 3)
    assert service.quota == QuotaLimits(5_000, 666)


def test_settings_override_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_BASE_URL", "https://books.example.org")
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_DAILY_LIMIT", "150")
    service = load_settings().with_plan(PREMIUM).service("isbndb")
    assert (service.base_url, service.requests_per_second) == ("https://books.example.org", 1)
    assert service.quota == QuotaLimits(150, 20)
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_REQUESTS_PER_SECOND", "2")
    assert load_settings().with_plan(PREMIUM).service("isbndb").requests_per_second == 2


def test_the_plan_is_requested_once_a_day_and_kept_for_its_key(database: Database) -> None:
    class Source:
        declaration = DECLARATION
        asked = 0

        def unavailable(self) -> None:
            return None

        async def plan(self) -> Answer[ServicePlan]:
            self.asked += 1
            return replace(PREMIUM, left=0) if self.asked == 1 else Failed("timed out")

    source, quota = Source(), QuotaManager(database, {"isbndb": QuotaLimits(100)})
    for _ in range(2):
        plan = current_plan(database, quota, source, "canary-key")
        assert plan is not None
        assert (plan.host, plan.daily_limit, source.asked) == ("api.premium.isbndb.com", 5_000, 1)
    assert "no calls left" in (quota.status("isbndb").exhausted or "")
    assert current_plan(database, quota, source, "another-key") is None, "the plan of another key does not apply"
    database.execute(Query("test", "an older plan", "update service_plan set asked_at = now() - interval '2 days'"), {})
    assert current_plan(database, quota, source, "canary-key") == PREMIUM, "an old plan is better than none"
    assert "canary" not in str(rows(database, "select * from service_plan"))


@pytest.mark.parametrize(
    ("model", "effort", "seconds"),
    [("grok-4.3", None, 60), ("grok-4.6", None, 600), ("grok-4.6", "low", 60), ("grok-4.3,grok-4.6", "medium", 180)],
)
def test_the_time_out_follows_the_effort(model: str, effort: str | None, seconds: float) -> None:
    settings = load_settings(xai={"model": model, "effort": effort})
    assert settings.service("xai").timeout_seconds == seconds
    assert load_settings(xai={"model": model, "timeout_seconds": 30}).service("xai").timeout_seconds == 30


def test_an_effort_is_one_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRIA_XAI_EFFORT", "grok-4.6=much")
    with pytest.raises(SettingsError, match=r"ALEXANDRIA_XAI_EFFORT: .*minimal, low, medium, high"):
        load_settings()


def test_an_unknown_service_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        SettingsError, match="goodreads is not a service; the services are: open-library, internet-archive"
    ):
        load_settings().service("goodreads")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://ada@db:5432/books", "postgresql://ada:p%40ss%2Fw%3A%20%25@db:5432/books"),
        ("postgresql://ada:own@db/books", "postgresql://ada:own@db/books"),
        ("postgresql://db/books", "postgresql://db/books"),
    ],
)
def test_the_password_of_the_database_may_have_any_characters(address: str, expected: str) -> None:
    settings = load_settings(database_url=address, database_password="p@ss/w: %")
    assert settings.database_address == expected
    assert settings.catalog_address is None
    own = load_settings(catalog_url=address, catalog_password="p@ss/w: %")
    assert (own.catalog_address, own.database_address) == (expected, None)


def test_a_misspelt_variable_is_named_with_the_setting_that_it_resembles(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ALEXANDRIA_CONTCT", "ada@example.org")
    monkeypatch.setenv("ALEXANDRIA_ISBNDB_DALY_LIMIT", "3")
    monkeypatch.setenv("ALEXANDRIA_DAGSTER_PORT", "3000")
    monkeypatch.setenv("ALEXANDRIA_OF_SOMETHING_ELSE", "1")
    load_settings()
    load_settings()
    assert [record.getMessage() for record in caplog.records] == [
        "ALEXANDRIA_CONTCT is not a setting; did you mean ALEXANDRIA_CONTACT?",
        "ALEXANDRIA_ISBNDB_DALY_LIMIT is not a setting; did you mean ALEXANDRIA_ISBNDB_DAILY_LIMIT?",
    ]


def test_a_file_of_settings_that_is_not_utf_8_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("ALEXANDRIA_CONTACT=ada@example.org\n", encoding="utf-16")
    with pytest.raises(SettingsError, match=r"\.env is not a UTF-8 text: save it with the encoding UTF-8"):
        load_settings()


def test_a_folder_in_place_of_the_file_of_settings_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").mkdir()
    with pytest.raises(SettingsError, match=r"\.env is a folder"):
        load_settings()


def test_a_file_in_place_of_the_home_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    monkeypatch.setenv("ALEXANDRIA_HOME", str(tmp_path / "home"))
    with pytest.raises(SettingsError, match="home is a file: ALEXANDRIA_HOME must name a folder"):
        _ = load_settings().local_home


def test_spaces_at_the_ends_of_values_do_not_count_but_in_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRIA_DATABASE_URL", " postgresql://ada@host/books ")
    monkeypatch.setenv("ALEXANDRIA_DATABASE_PASSWORD", "ends with a space ")
    monkeypatch.setenv("ALEXANDRIA_LANGUAGE", "de ")
    settings = load_settings()
    assert settings.language == "de"
    assert settings.database_address == "postgresql://ada:ends%20with%20a%20space%20@host/books"


# The home and the `.env` of a project.


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the project's dagster.yaml; the environment sets neither home nor database."""
    for name in ("ALEXANDRIA_HOME", "ALEXANDRIA_DATABASE_URL", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project"
    (folder / "docs" / "pages").mkdir(parents=True)
    (folder / "dagster.yaml").write_text("storage: {custom: {module: alexandria_pipeline.orchestration.instance}}")
    return folder


def test_from_any_folder_of_a_project_home_and_env_file_are_those_of_the_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".env").write_text("ALEXANDRIA_LANGUAGE=de\n")
    for folder in (project, project / "docs" / "pages"):
        monkeypatch.chdir(folder)
        settings = load_settings()
        assert settings.language == "de"
        assert settings.local_home.absolute() == project / ".alexandria"
    monkeypatch.setenv("ALEXANDRIA_HOME", "elsewhere")
    assert load_settings().local_home == Path("elsewhere")


def test_outside_of_a_project_no_home_is_made_unless_it_is_set(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = project.parent / "other"
    other.mkdir()
    (other / "dagster.yaml").write_text("telemetry: {enabled: false}")
    monkeypatch.chdir(other)
    with pytest.raises(SettingsError, match="would be made in"):
        load_settings().local_home  # noqa: B018 - reading it is the question
    assert not (other / ".alexandria").exists()
    monkeypatch.setenv("DAGSTER_HOME", str(project))
    assert load_settings().local_home == project / ".alexandria"
    monkeypatch.delenv("DAGSTER_HOME")
    (other / ".alexandria").mkdir()
    assert load_settings().local_home == Path(".alexandria")


def test_a_key_under_nearly_its_name_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GEMINI_APIKEY", "x")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "x")
    load_settings()
    assert [record.getMessage() for record in caplog.records] == [
        "GEMINI_APIKEY is not a setting; did you mean GEMINI_API_KEY?"
    ]


def test_paths_begin_with_the_home_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ALEXANDRIA_CURATED_LIST", "~/books.csv")
    assert load_settings().curated_list == tmp_path / "books.csv"


def test_an_error_in_a_list_names_its_variable_and_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    phases = '[{"name": "a", "months": ["2020-01"], "per_day": 1}, {"name": "b", "months": ["2020-13"], "per_day": 1}]'
    monkeypatch.setenv("ALEXANDRIA_ROLLOUT_PHASES", phases)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert (
        str(error.value)
        == "these settings are wrong:\n  ALEXANDRIA_ROLLOUT_PHASES (entry 2: months): 2020-13 is not a month"
    )
