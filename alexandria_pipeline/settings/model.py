"""The settings of one process: their fields, defaults and checks, and what they mean for each service."""

from __future__ import annotations

import re
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationInfo, create_model, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from alexandria_pipeline.domain.errors import SettingsError
from alexandria_pipeline.domain.generation.prompts import PromptVariant
from alexandria_pipeline.domain.reviewers import parse_reviewers
from alexandria_pipeline.domain.rollout.phases import Rules
from alexandria_pipeline.providers import registry
from alexandria_pipeline.providers.base import Capability, HttpDefaults
from alexandria_pipeline.settings.service import ServiceSettings, thinking_seconds
from alexandria_pipeline.settings.sources import SecretFiles, WithoutPrograms

if TYPE_CHECKING:
    from alexandria_pipeline.domain.quota import ServicePlan
    from alexandria_pipeline.providers.transport.types import ServiceConfig

Names = Annotated[tuple[str, ...], NoDecode]

# A mail address or a web address with a host name, in ASCII, because it becomes part of the User-Agent header.
_CONTACT: Final = re.compile(
    r"(?:mailto:)?[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
    r"|https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d{1,5})?(?:[/?#][\x21-\x27\x2a-\x7e]*)?"
)

MIN_CRON_SECRET: Final = 16
"""Characters. A guess over the network then needs longer than anybody waits, whatever the alphabet."""

PROJECT_FILE: Final = "dagster.yaml"

MAX_PARALLEL: Final = 200
"""Open requests of one process to an AI service."""

SERVICES: Final = tuple(registry.SERVICES)
"""The names of all HTTP services."""


class Settings(BaseSettings):
    """The settings of one process, without the fields of services, which `load_settings` adds. Lists use commas."""

    model_config = SettingsConfigDict(
        env_prefix="ALEXANDRIA_",
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        nested_model_default_partial_update=True,
        populate_by_name=True,
        defer_build=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Adds the files of `<VARIABLE>_FILE` between the environment and `.env`."""
        environment, dotenv = (WithoutPrograms(settings_cls, source) for source in (env_settings, dotenv_settings))
        return init_settings, environment, SecretFiles(settings_cls), dotenv, file_secret_settings

    home: Path = Field(
        Path(".alexandria"),
        description="Folder of the local database server and its data; unset: `.alexandria` of the project, from any folder in it.",
    )
    database_url: SecretStr | None = Field(
        None, description="A PostgreSQL server of your own; unset: a local server is started."
    )
    database_password: SecretStr | None = Field(
        None, description="Password for ALEXANDRIA_DATABASE_URL, if the address has none; any characters."
    )
    catalog_url: SecretStr | None = Field(
        None,
        description="The PostgreSQL database of the local catalogue alone; unset: it is in the database of the months.",
    )
    catalog_password: SecretStr | None = Field(
        None, description="Password for ALEXANDRIA_CATALOG_URL, if the address has none; any characters."
    )
    postgres_binaries: Path | None = Field(
        None, description="Folder with initdb and postgres, if the packaged ones do not work."
    )

    curated_list: Path | None = Field(
        None,
        description="List of books: tab-separated, CSV, JSON, or an export of Goodreads or StoryGraph; unset: the sample.",
    )
    generators: Names = Field(
        (),
        description="Generators in order; unset: every generator with a key, else Wikidata if a contact is set, else the list.",
    )
    generate_books_per_provider: int = Field(20, ge=10, le=50, description="Books requested per AI service and month.")
    prompt_variant: PromptVariant | None = Field(None, description="Registered prompt; unset: chosen by the month.")

    resolver_order: Names = Field(
        (), description="The cascade in order; unset: the five services if any is set up, else the local catalogue."
    )
    local_catalog_first: bool = Field(
        True,
        description="Ask a local catalogue of more than 100,000 editions before the services, unless an order is set.",
    )
    dumps: Path | None = Field(None, description="Folder of Open Library's dumps that the asset local_catalog imports.")
    language: str = Field("en", description="ISO 639-1 code of the wanted editions.")
    negative_days: float = Field(7, gt=0, description="Days for which a definite no of a service is valid.")
    books_in_flight: int = Field(1000, ge=1, le=5000, description="Books in the cascade at the same time.")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Log level of the command line."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Format of the log of all processes: `text` or `json`."
    )

    retention_days: int = Field(
        90,
        ge=7,
        le=3650,
        description="Days for which old alerts, stages, superseded attempts and superseded runs of Dagster are kept.",
    )
    ledger_days: int = Field(
        400,
        ge=32,
        le=3650,
        description="Days for which each single call and each change of a field is kept. The totals of calls are kept forever.",
    )

    rollout: Rules = Field(
        Rules(), description="Phases of the rollout and its ISBNdb calls per day; see docs/rollout.md."
    )

    contact: str | None = Field(None, max_length=200, description="Mail address or web page sent to the free services.")

    cron_secret: SecretStr | None = Field(
        None, description="Value of X-Cron-Secret that opens /api/internal; unset: these endpoints are closed."
    )

    reviewers: SecretStr | None = Field(
        None,
        description="Who may decide at /review: entries of `alexandria reviewers add NAME`; unset: these pages are read-only.",
    )

    exports: Path | None = Field(
        None,
        description="Folder that the asset library_export writes, a folder for each year; unset: it writes nothing.",
    )
    export_formats: Names = Field(
        ("csv",), description="Formats of the asset library_export: csv, jsonl, jsonld, parquet, openlibrary, marc."
    )

    serve_hosts: Names = Field(
        (),
        description="Host names of `alexandria serve` beside IP addresses and names without a dot; *: every name.",
    )
    api_per_minute: int = Field(
        18_000, ge=0, description="Requests to /api/v1 of one client address per minute; 0: no limit."
    )

    covers_mb: int = Field(
        200,
        ge=0,
        description="Megabytes of the folder with covers that the pages of `alexandria serve` show; 0: none. They also need ALEXANDRIA_CONTACT.",
    )
    cover_hosts: Names = Field(
        (), description="Hosts of covers beside those of Open Library, the Internet Archive and Wikimedia Commons."
    )

    alert_urls: SecretStr | None = Field(
        None, description="Receivers of alerts: apprise URLs separated by commas (chat, mail, webhook); unset: the log."
    )
    dagster_url: str = Field("http://localhost:3000", description="Address of the Dagster UI, for links in alerts.")

    @field_validator("*", mode="before")
    @classmethod
    def _without_spaces(cls, value: object, info: ValidationInfo) -> object:
        """Files of variables, such as Docker's, keep spaces at the ends. A password may have them."""
        is_password = (info.field_name or "").endswith("_password")
        return value.strip() if isinstance(value, str) and not is_password else value

    @field_validator("cron_secret")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        secret = _header_value(value)
        if secret is not None and len(secret.get_secret_value()) < MIN_CRON_SECRET:
            raise ValueError(f"must have at least {MIN_CRON_SECRET} characters; for instance: openssl rand -hex 16")
        return secret

    @field_validator("reviewers")
    @classmethod
    def _are_reviewers(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and parse_reviewers(value.get_secret_value()) else None

    @field_validator("language")
    @classmethod
    def _is_language(cls, value: str) -> str:
        if len(value) != 2 or not (value.isascii() and value.isalpha() and value.islower()):
            raise ValueError("must be an ISO 639-1 code of two small letters, such as en")
        return value

    @field_validator("contact")
    @classmethod
    def _is_address_of_a_person(cls, value: str | None) -> str | None:
        if value is not None and not _CONTACT.fullmatch(value):
            raise ValueError(
                "must be a mail address (you@example.org) or a web address (https://example.org/about): the free services "
                "use it to reach you instead of blocking you"
            )
        return value

    @field_validator("home", "postgres_binaries", "curated_list", "dumps", "exports")
    @classmethod
    def _of_the_user(cls, value: Path | None) -> Path | None:
        """Reads ~ as a shell does; quotes and `.env` keep it."""
        try:
            return value.expanduser() if value is not None else None
        except RuntimeError:
            raise ValueError(f"{value} begins with ~, and there is no such user: write the whole path") from None

    @field_validator("dagster_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or any(map(str.isspace, value)):
            raise ValueError("must be an address such as http://localhost:3000")
        return value

    @field_validator("generators", "resolver_order", "serve_hosts", "cover_hosts", "export_formats", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("generators", "resolver_order")
    @classmethod
    def _are_known(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        capability = Capability.BOOK_GENERATION if info.field_name == "generators" else Capability.ISBN_RESOLUTION
        offered = registry.providers_with(capability)
        names = tuple(registry.canonical_name(name) for name in value)
        if unknown := [given for given, name in zip(value, names, strict=True) if name not in offered]:
            raise ValueError(f"names {', '.join(unknown)}; {capability.value} is offered by: {', '.join(offered)}")
        return tuple(dict.fromkeys(names))

    @field_validator("database_url", "catalog_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return value

    @property
    def database_address(self) -> str | None:
        """The address of the set database, with the password of `database_password`; None: the local server."""
        return _with_password(self.database_url, self.database_password)

    @property
    def catalog_address(self) -> str | None:
        """The address of the catalogue's own database, with the password of `catalog_password`; None: it has none."""
        return _with_password(self.catalog_url, self.catalog_password)

    @property
    def local_home(self) -> Path:
        """The home, for those who would make a local database in it.

        Raises SettingsError outside of a project if no home is set, because the data would be in a folder that was not chosen.
        """
        if self.home.exists() and not self.home.is_dir():
            raise SettingsError(f"{self.home} is a file: ALEXANDRIA_HOME must name a folder")
        if self.database_url is None and "home" not in self.model_fields_set and not self.home.exists():
            raise SettingsError(
                f"{Path.cwd()} is not in a project: {PROJECT_FILE} is neither here nor above. A local database would be made in"
                f" {self.home.absolute()}. Change to the folder of the project, or set ALEXANDRIA_HOME=.alexandria to make it here."
            )
        return self.home

    @property
    def services_set_up(self) -> bool:
        """Whether the services shall be called: a key, a contact, or the address of a service is set."""
        return self.contact is not None or any(
            self.service(name).key is not None or self.service(name).base_url != defaults.base_url
            for name, defaults in registry.SERVICES.items()
        )

    def wants_plan(self, name: str) -> bool:
        """Whether the plan of a key can change these settings: host, rate or daily limit is not set."""
        defaults = registry.SERVICES[name]
        given: ServiceSettings = getattr(self, _field(defaults))
        unset = (
            given.base_url == defaults.base_url,
            given.requests_per_second is None,
            given.daily_limit == defaults.daily_limit,
        )
        return any(unset)

    def with_plan(self, plan: ServicePlan) -> Settings:
        """These settings with the plan of a key, where nothing else is set."""
        defaults = registry.SERVICES[plan.service]
        given: ServiceSettings = getattr(self, _field(defaults))
        changed: dict[str, Any] = {}
        if given.base_url == defaults.base_url and plan.host:
            changed["base_url"] = f"https://{plan.host}"
        at_its_host = urlsplit(changed.get("base_url", given.base_url)).hostname == plan.host
        if given.requests_per_second is None and at_its_host:
            changed["requests_per_second"] = plan.requests_per_second
        if given.daily_limit == defaults.daily_limit:
            changed["daily_limit"] = max(1, plan.daily_limit)
        return self.model_copy(update={_field(defaults): given.model_copy(update=changed)})

    def service(self, name: str) -> ServiceConfig:
        """What the transport needs for one service. Raises SettingsError for an unknown name."""
        # Most commands ask no service.
        from alexandria_pipeline.domain.quota import QuotaLimits  # noqa: PLC0415
        from alexandria_pipeline.providers.transport.types import ServiceConfig  # noqa: PLC0415

        canonical = registry.canonical_name(name)
        if canonical not in registry.SERVICES:
            raise SettingsError(f"{name} is not a service; the services are: {', '.join(SERVICES)}")
        defaults = registry.SERVICES[canonical]
        given: ServiceSettings = getattr(self, _field(defaults))
        with_contact = defaults.requests_per_second_with_contact if self.contact else None
        rate = given.requests_per_second or with_contact or defaults.requests_per_second
        shared_with, shared_rate = registry.sharing(canonical, contact=self.contact is not None)
        seconds = max(given.timeout_seconds, thinking_seconds(given, defaults))
        share = int((given.daily_limit or 0) * defaults.unused_share)
        return ServiceConfig(
            base_url=given.base_url,
            requests_per_second=rate,
            timeout_seconds=seconds,
            enabled=given.enabled,
            key=getattr(self, defaults.key_variable.lower()) if defaults.key_variable else None,
            model=given.model,
            quota=QuotaLimits(
                given.daily_limit,
                share if given.safety_buffer is None else given.safety_buffer,
                defaults.quota_zone,
            ),
            key_variable=defaults.key_variable or "",
            enabled_variable=f"ALEXANDRIA_{defaults.prefix}_ENABLED",
            # Replies of AI services take up to a minute and more: the rate limits them, not the number of open requests.
            shared_with=shared_with,
            # A rate that is set by hand is one for a server of one's own.
            shared_rate=max(shared_rate, given.requests_per_second or 0.0),
            parallel=max(defaults.parallel, min(MAX_PARALLEL, ceil(rate * seconds)))
            if given.model
            else defaults.parallel,
            backoff_seconds=given.backoff_seconds,
            country=given.country,
            effort=given.effort,
            missing=(
                f"{canonical} rejects clients without a contact: set ALEXANDRIA_CONTACT to your mail address or web page"
                if defaults.needs_contact and self.contact is None
                else ""
            ),
        )


def _with_password(url: SecretStr | None, password: SecretStr | None) -> str | None:
    if url is None:
        return None
    address = url.get_secret_value()
    scheme, _, place = address.partition("://")
    user, at, rest = place.rpartition("@")
    if password is None or not at or ":" in user:
        return address
    return f"{scheme}://{user}:{quote(password.get_secret_value(), safe='')}@{rest}"


def _header_value(value: SecretStr | None) -> SecretStr | None:
    key = value.get_secret_value().strip() if value is not None else ""
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError("must be one word of ASCII characters")
    return SecretStr(key) if key else None


def _field(defaults: HttpDefaults) -> str:
    return defaults.prefix.lower()


def _service_fields() -> dict[str, Any]:
    """One field of settings and, where the service needs it, one field for the key, per service."""
    fields: dict[str, Any] = {}
    for defaults in registry.SERVICES.values():
        settings = ServiceSettings(
            base_url=defaults.base_url,
            timeout_seconds=defaults.timeout_seconds,
            model=defaults.model,
            daily_limit=defaults.daily_limit,
        )
        fields[_field(defaults)] = (ServiceSettings, Field(settings))
        if defaults.key_variable:
            fields[defaults.key_variable.lower()] = (
                SecretStr | None,
                Field(None, validation_alias=defaults.key_variable),
            )
    return fields


def _key_validator() -> dict[str, Any]:
    names = [each.key_variable.lower() for each in registry.SERVICES.values() if each.key_variable]
    return {"key_fits_a_header": field_validator(*names)(_header_value)}


AllSettings: Final = create_model(
    "AllSettings", __base__=Settings, __validators__=_key_validator(), **_service_fields()
)
