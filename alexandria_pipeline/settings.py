"""Every setting, with its default, unit and source. Frozen; read from the environment by the entry points, nowhere else.

Names: `ALEXANDRIA_<FIELD>`, `ALEXANDRIA_<SERVICE>_<FIELD>`, and `<SERVICE>_API_KEY`. A wrong value is named, all of them at
once, in a SettingsError.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableSetting

from alexandria_pipeline.domain.errors import SettingsError
from alexandria_pipeline.domain.generation.prompts import PromptVariant
from alexandria_pipeline.domain.quota import QuotaLimits
from alexandria_pipeline.domain.rollout.phases import Rules
from alexandria_pipeline.domain.services import provider_of
from alexandria_pipeline.providers import known
from alexandria_pipeline.providers.base import Capability
from alexandria_pipeline.providers.transport.types import ServiceConfig

Names = Annotated[tuple[str, ...], NoDecode]

SERVICES = ("isbndb", "google_books", "open_library", "archive_org", "wikidata", "wikipedia", "gemini", "xai")

# Open Library answers 3 a second to a client that names itself and a contact, 1 a second to others
# (https://openlibrary.org/developers/api, autumn 2026).
PACE_WITH_CONTACT = {"open_library": 3.0}
USUAL_PACE = 1.0
# ISBNdb: 2,000 of the 15,000 calls a day stay unused (BEHAVIOUR, "Quota"), and as large a part of another plan's.
UNUSED_PART = {"isbndb": (2, 15)}
# The query service runs 5 queries of a client side by side (https://www.mediawiki.org/wiki/Wikidata_Query_Service/User_Manual,
# autumn 2026).
PARALLEL = {"wikidata": 5}


class ServiceSettings(BaseModel):
    """What can be set for one service, as `ALEXANDRIA_<SERVICE>_<FIELD>`: pace in requests a second, times in seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    base_url: str
    requests_per_second: float | None = Field(None, gt=0, le=1000, allow_inf_nan=False)
    timeout_seconds: float = Field(15, gt=0, le=3600, allow_inf_nan=False)
    enabled: bool = True
    model: str | None = Field(None, min_length=1, description="AI services only.")
    daily_limit: int | None = Field(None, ge=1, description="Calls a day; unset: not limited.")
    safety_buffer: int | None = Field(None, ge=0, description="Calls of the daily limit that are left unused.")

    @field_validator("base_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.fragment
            or parts.username
            or parts.port == 0  # reading it also refuses what is no port
        ):
            raise ValueError("must be an address such as https://host/path, without a query and without a password")
        return value.strip().rstrip("/")

    @field_validator("safety_buffer")
    @classmethod
    def _leaves_something(cls, value: int | None, info: ValidationInfo) -> int | None:
        limit = info.data.get("daily_limit")
        if value is not None and limit is not None and value >= limit:
            raise ValueError(f"must be below the daily limit ({limit:,})")
        return value


def _service(base_url: str, **others: Any) -> Any:
    """A field with the defaults of one service."""
    return Field(ServiceSettings(base_url=base_url, **others))


class Settings(BaseSettings):
    """All settings of one process. Lists are written with commas."""

    model_config = SettingsConfigDict(
        env_prefix="ALEXANDRIA_",
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        nested_model_default_partial_update=True,
        populate_by_name=True,
    )

    home: Path = Field(Path(".alexandria"), description="Where the local server and its data live.")
    database_url: SecretStr | None = Field(
        None, description="A PostgreSQL server of your own; unset: a local one is started."
    )
    postgres_binaries: Path | None = Field(
        None, description="Folder with initdb and postgres, if the packaged ones do not suit."
    )

    curated_list: Path | None = Field(None, description="Tab-separated list of books; unset: the sample.")
    generators: Names = Field((), description="Which generators to ask, in order; unset: those that are configured.")
    generate_books_per_provider: int = Field(20, ge=10, le=50, description="Books asked of each AI service and month.")
    prompt_variant: PromptVariant | None = Field(None, description="Registered prompt; unset: chosen by the month.")

    resolver_order: Names = Field(
        (), description="The cascade, in order; unset: the five services once one is set up, else the local catalogue."
    )
    language: str = Field("en", pattern="^[a-z]{2}$", description="ISO 639-1 code of the editions wanted.")
    negative_days: float = Field(7, gt=0, description="How long a service's definite no is believed, in days.")
    books_in_flight: int = Field(
        1000, ge=1, le=5000, description="Books at different steps of the cascade at the same time."
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much the command line says."
    )

    rollout: Rules = Field(
        Rules(), description="Phases of the rollout, and its ISBNdb calls a day; see docs/rollout.md."
    )

    contact: str | None = Field(
        None, pattern=r"^[!-~]([ -~]*[!-~])?$", max_length=200, description="Mail or page named to the services."
    )

    cron_secret: SecretStr | None = Field(
        None, description="What callers of /api/internal bring in X-Cron-Secret; unset: these are closed."
    )

    alert_urls: SecretStr | None = Field(
        None,
        description="Who is told of failures: apprise URLs with commas between (chat, mail, webhook); unset: the log.",
    )
    dagster_url: str = Field(
        "http://localhost:3000",
        pattern=r"^https?://\S+$",
        description="Where people open the Dagster UI; alerts link to it.",
    )

    # RequestBuilder, paces and limits as PROVIDERS gives them, autumn 2026; where no pace is named, 1 request a second.
    # 15,000 calls a day and 3 a second are those of the Premium plan (https://isbndb.com/isbn-database).
    isbndb: ServiceSettings = _service("https://api2.isbndb.com", requests_per_second=3, daily_limit=15_000)
    # A key has 1,000 calls a day (https://console.cloud.google.com/apis/api/books.googleapis.com/quotas).
    google_books: ServiceSettings = _service("https://www.googleapis.com/books/v1", daily_limit=1_000)
    open_library: ServiceSettings = _service("https://openlibrary.org")
    archive_org: ServiceSettings = _service("https://archive.org")
    # 60 s of query time a minute and client: one a second leaves each query its second.
    wikidata: ServiceSettings = _service("https://query.wikidata.org")
    # 200 a minute (https://www.mediawiki.org/wiki/Wikimedia_APIs/Rate_limits); 3 a second stays below.
    wikipedia: ServiceSettings = _service("https://en.wikipedia.org", requests_per_second=3)
    gemini: ServiceSettings = _service(
        "https://generativelanguage.googleapis.com/v1beta", timeout_seconds=60, model="gemini-3.5-flash-lite"
    )
    xai: ServiceSettings = _service("https://api.x.ai/v1", timeout_seconds=60, model="grok-4.3")

    isbndb_api_key: SecretStr | None = Field(None, validation_alias="ISBNDB_API_KEY")
    google_books_api_key: SecretStr | None = Field(None, validation_alias="GOOGLE_BOOKS_API_KEY")
    gemini_api_key: SecretStr | None = Field(None, validation_alias="GEMINI_API_KEY")
    xai_api_key: SecretStr | None = Field(None, validation_alias="XAI_API_KEY")

    @field_validator("isbndb_api_key", "google_books_api_key", "gemini_api_key", "xai_api_key", "cron_secret")
    @classmethod
    def _fits_a_header(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value().strip() if value is not None else ""
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValueError("must be one word of ASCII characters")
        return SecretStr(key) if key else None

    @property
    def services_set_up(self) -> bool:
        """Whether somebody means the services to be asked: a key, a contact, or an address of a service is set."""
        keys = (self.isbndb_api_key, self.google_books_api_key, self.gemini_api_key, self.xai_api_key)
        own = (getattr(self, name).base_url != type(self).model_fields[name].default.base_url for name in SERVICES)
        return self.contact is not None or any(keys) or any(own)

    def service(self, name: str) -> ServiceConfig:
        """What the transport needs of one service; `name` as in `SERVICES`, with - or _ between its words.

        Raises SettingsError for a name that is none.
        """
        field = name.replace("-", "_")
        if field not in SERVICES:
            raise SettingsError(f"{name} is no service: {', '.join(SERVICES)}")
        given: ServiceSettings = getattr(self, field)
        usual = PACE_WITH_CONTACT.get(field, USUAL_PACE) if self.contact else USUAL_PACE
        part, of = UNUSED_PART.get(field, (0, 1))
        unused = given.safety_buffer if given.safety_buffer is not None else (given.daily_limit or 0) * part // of
        return ServiceConfig(
            base_url=given.base_url,
            requests_per_second=given.requests_per_second or usual,
            timeout_seconds=given.timeout_seconds,
            enabled=given.enabled,
            key=getattr(self, f"{field}_api_key", None),
            model=given.model,
            quota=QuotaLimits(given.daily_limit, unused),
            key_setting=f"{field.upper()}_API_KEY",
            enabled_setting=f"ALEXANDRIA_{field.upper()}_ENABLED",
            parallel=PARALLEL.get(field, 32),
        )

    @field_validator("generators", "resolver_order", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("generators", "resolver_order")
    @classmethod
    def _known(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        capability = Capability.BOOK_GENERATION if info.field_name == "generators" else Capability.ISBN_RESOLUTION
        names, able = tuple(provider_of(name) for name in value), known.able(capability)
        if unknown := [told for told, name in zip(value, names, strict=True) if name not in able]:
            raise ValueError(f"names {', '.join(unknown)}; {capability.value} is offered by: {', '.join(able)}")
        return tuple(dict.fromkeys(names))

    @field_validator("database_url")
    @classmethod
    def _postgres_only(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return value


def load_settings(**overrides: Any) -> Settings:
    """The settings of this environment. Raises SettingsError naming every wrong variable."""
    try:
        return Settings(_env_file=".env", **overrides)
    except UnreadableSetting as error:
        raise SettingsError(f"ALEXANDRIA_ROLLOUT_PHASES is no JSON list: {error.__cause__}") from None
    except ValidationError as error:
        wrong = [f"  {_variable(e['loc'])}: {e['msg']}" for e in error.errors(include_input=False)]
        raise SettingsError("these settings are wrong:\n" + "\n".join(wrong)) from None


def _variable(location: tuple[int | str, ...]) -> str:
    """The environment variable of a field: the keys of services are known by their own names."""
    name = "_".join(map(str, location)).upper()
    return name if name.endswith("_API_KEY") else f"ALEXANDRIA_{name}"
