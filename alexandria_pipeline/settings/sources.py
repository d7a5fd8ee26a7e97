"""Where values come from, beside the environment: files of secrets, and `.env` without the folder of programs."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from dotenv import dotenv_values
from pydantic import SecretStr
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource

from alexandria_pipeline.domain.errors import SettingsError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

log = logging.getLogger(__name__)

PROGRAMS: Final = "ALEXANDRIA_POSTGRES_BINARIES"


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
    """The values of the environment or of `.env`, without a folder of programs that an `.env` names.

    An `.env` that lies in a working folder must not choose what is run. Dagster puts the `.env` of the working folder into the
    environment of its processes, so a value of the environment is not used either if that file has it.
    """

    def __init__(self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._source = source

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        """The values; a folder of programs is left out and named in the log."""
        found = self._source()
        named = found.get("postgres_binaries")
        if named is not None and (isinstance(self._source, DotEnvSettingsSource) or named in _named_in_files()):
            del found["postgres_binaries"]
            log.warning("%s is not taken from .env: set it in the environment alone", PROGRAMS)
        return found


def _named_in_files() -> set[str | None]:
    """The folders of programs that the `.env` files of the working folder and of the folders above it name."""
    here = Path.cwd()
    found = set()
    for folder in (here, *here.parents):
        with suppress(OSError, UnicodeDecodeError):
            found.add(dotenv_values(folder / ".env").get(PROGRAMS))
    return found
