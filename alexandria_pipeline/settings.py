"""Every setting, with its default, unit and source. Frozen; read from the environment by the entry points, nowhere else.

Names: `ALEXANDRIA_<FIELD>`. A wrong value is named, all of them at once, in a SettingsError.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from alexandria_pipeline.domain.errors import SettingsError
from alexandria_pipeline.domain.prompts import PromptVariant

Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """All settings of one process. Lists are written with commas."""

    model_config = SettingsConfigDict(env_prefix="ALEXANDRIA_", frozen=True, extra="ignore", env_ignore_empty=True)

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

    resolver_order: Names = Field(("local-catalog",), description="The cascade, in order.")
    language: str = Field("en", pattern="^[a-z]{2}$", description="ISO 639-1 code of the editions wanted.")
    negative_days: float = Field(7, gt=0, description="How long a service's definite no is believed, in days.")
    books_in_flight: int = Field(
        200, ge=1, le=5000, description="Books at different steps of the cascade at the same time."
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much the command line says."
    )

    @field_validator("generators", "resolver_order", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _postgres_only(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must start with postgresql://")
        return value


def load_settings(**overrides: Any) -> Settings:  # noqa: ANN401 - any field of Settings
    """The settings of this environment. Raises SettingsError naming every wrong variable."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        wrong = [
            f"  ALEXANDRIA_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}"
            for e in error.errors(include_input=False)
        ]
        raise SettingsError("these settings are wrong:\n" + "\n".join(wrong)) from None
