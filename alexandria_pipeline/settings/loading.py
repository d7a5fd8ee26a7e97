"""Reads the settings of the environment and of `.env`, and finds the project that they belong to."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError as UnreadableSetting

from alexandria_pipeline.domain.errors import SettingsError
from alexandria_pipeline.settings.model import PROJECT_FILE, AllSettings

if TYPE_CHECKING:
    from alexandria_pipeline.settings.model import Settings

log = logging.getLogger(__name__)

PACKAGE: Final = "alexandria_pipeline"

# Variables that docker-compose.yml reads and the pipeline does not.
_OF_COMPOSE: Final = frozenset(
    {"ALEXANDRIA_DAGSTER_PORT", "ALEXANDRIA_MONITORING_PORT", "ALEXANDRIA_LISTS", "ALEXANDRIA_SECRETS"}
)


def project_folder() -> Path | None:
    """The folder of the project: the working folder or the first above it whose dagster.yaml names this package, else DAGSTER_HOME."""
    here = Path.cwd()
    instance = os.environ.get("DAGSTER_HOME")
    for folder in (here, *here.parents, *([Path(instance)] if instance else [])):
        with suppress(OSError, UnicodeDecodeError):
            if PACKAGE in (folder / PROJECT_FILE).read_text("utf-8"):
                return folder
    return None


def env_file() -> Path:
    """The `.env` of the project; outside of a project, that of the working folder."""
    project = project_folder()
    return Path(".env") if project in (None, Path.cwd()) else project / ".env"


def load_settings(**overrides: Any) -> Settings:
    """The settings of this environment and of `.env`. Raises SettingsError that names every wrong variable.

    The home is that of the project, from any folder in it, unless it is set. A variable that looks like a misspelt setting is
    logged, once in a process.
    """
    _warn_of_misspelt(frozenset(os.environ))
    file = env_file()
    if file.is_dir():
        raise SettingsError(f"{file.absolute()} is a folder (Docker makes one for a file that is missing): remove it")
    try:
        settings = AllSettings(_env_file=file, **overrides)
    except UnicodeDecodeError:
        raise SettingsError(".env is not a UTF-8 text: save it with the encoding UTF-8") from None
    except PermissionError:
        raise SettingsError(f"{file.absolute()} cannot be read by this user: change its owner or its rights") from None
    except UnreadableSetting as error:
        raise SettingsError(f"ALEXANDRIA_ROLLOUT_PHASES is not a JSON list: {error.__cause__}") from None
    except ValidationError as error:
        wrong = [
            f"  {_located(e['loc'])}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_input=False)
        ]
        raise SettingsError("these settings are wrong:\n" + "\n".join(wrong)) from None
    project = project_folder()
    if project is None or "home" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"home": settings.home if project == Path.cwd() else project / settings.home})


@cache
def _warn_of_misspelt(names: frozenset[str]) -> None:
    """Logs each variable that is no setting and nearly has the name of one."""
    known = list(_variables())
    for name in sorted(names):
        if name.removesuffix("_FILE") in known or name in _OF_COMPOSE:
            continue
        # Other names are other programs', except those that nearly are the name of a key.
        ours = name.startswith("ALEXANDRIA_")
        candidates = (
            known if ours else [each for each in known if not each.startswith("ALEXANDRIA_") and each[0] == name[0]]
        )
        if candidates and (near := _nearest(name, candidates, 0.8 if ours else 0.7)):
            log.warning("%s is not a setting; did you mean %s?", name, near)


def _nearest(name: str, candidates: list[str], similarity: float) -> str | None:
    # Two names differ by at least the difference of their lengths: most variables of other programs end here.
    candidates = [each for each in candidates if min(len(each), len(name)) >= similarity * max(len(each), len(name))]
    candidates = [
        each for each in candidates if _letters_in_common(name, each) >= similarity * max(len(each), len(name))
    ]
    if not candidates:
        return None
    from rapidfuzz import process  # noqa: PLC0415 - only an unknown variable needs it
    from rapidfuzz.distance import Levenshtein  # noqa: PLC0415

    scorer = Levenshtein.normalized_similarity
    best = process.extractOne(name, candidates, scorer=scorer, score_cutoff=similarity)
    return best[0] if best else None


def _letters_in_common(name: str, other: str) -> int:
    """The most letters that two names can have in common, in whatever order."""
    return (Counter(name) & Counter(other)).total()


def _variables() -> Iterator[str]:
    """The environment variables of all settings."""
    for name, field in AllSettings.model_fields.items():
        yield _variable((name,))
        if isinstance(field.default, BaseModel):
            yield from (_variable((name, inner)) for inner in type(field.default).model_fields)


def _located(location: tuple[int | str, ...]) -> str:
    """The environment variable of a field, and the place in its JSON if it is a list."""
    at = next((at for at, part in enumerate(location) if isinstance(part, int)), len(location))
    inner = f" (entry {location[at] + 1}: {' '.join(map(str, location[at + 1 :]))})" if at < len(location) else ""  # type: ignore[operator]
    return _variable(location[:at]) + inner


def _variable(location: tuple[int | str, ...]) -> str:
    """The environment variable of a field; the variables of keys have no prefix."""
    name = "_".join(map(str, location)).upper()
    return name if name.endswith("_API_KEY") else f"ALEXANDRIA_{name}"
