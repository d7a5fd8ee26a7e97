"""Where values come from, beside the environment: files of secrets, and `.env` without the folder of programs."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from alexandria_pipeline.domain.errors import SettingsError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

log = logging.getLogger(__name__)


class SecretFiles(PydanticBaseSettingsSource):
    """Secrets from files: `<VARIABLE>_FILE` names a file that holds the value, as Docker and Kubernetes mount secrets."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:
        alias = field.validation_alias
        variable = alias if isinstance(alias, str) else f"ALEXANDRIA_{field_name.upper()}"
        path = os.environ.get(f"{variable}_FILE", "")
        if SecretStr not in get_args(field.annotation) or not path:
            return None, field_name, False
        try:
            return Path(path).read_text("utf-8").strip(), alias if isinstance(alias, str) else field_name, False
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise SettingsError(f"{variable}_FILE names {path}, which cannot be read: {reason}") from None

    def __call__(self) -> dict[str, Any]:
        """The values of all secrets that have a file. Raises SettingsError for a file that cannot be read."""
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {name: value for value, name, _ in found if value is not None}


class WithoutPrograms(PydanticBaseSettingsSource):
    """The values of `.env` without the folder of programs: an `.env` that lies in a working folder must not run code."""

    def __init__(self, settings_cls: type[BaseSettings], dotenv: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._dotenv = dotenv

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._dotenv.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        """The values; a folder of programs is left out and named in the log."""
        found = self._dotenv()
        if found.pop("postgres_binaries", None) is not None:
            log.warning("ALEXANDRIA_POSTGRES_BINARIES is not taken from .env: set it in the environment")
        return found
