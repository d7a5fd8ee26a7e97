"""What can be set for one HTTP service."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from alexandria_pipeline.domain.ai_models import default_effort, effort_of, model_names

if TYPE_CHECKING:
    from alexandria_pipeline.providers.base import HttpDefaults

# Seconds for a reply at each effort. At high effort, replies take minutes (docs/services/xai.md).
_EFFORT_SECONDS: Final = {"minimal": 60.0, "low": 60.0, "medium": 180.0, "high": 600.0}


class ServiceSettings(BaseModel):
    """What can be set for one service, as `ALEXANDRIA_<SERVICE>_<FIELD>`: rate in requests a second, times in seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    plain_http: bool = Field(
        False,
        description="Allow an address with http:// that is not on this machine. Keys and answers then travel in clear.",
    )
    base_url: str
    requests_per_second: float | None = Field(None, gt=0, le=1000, allow_inf_nan=False)
    timeout_seconds: float = Field(15, gt=0, le=3600, allow_inf_nan=False)
    backoff_seconds: float = Field(1, gt=0, le=60, description="Delay before the first retry; it doubles.")
    enabled: bool = True
    model: str | None = Field(
        None, min_length=1, description="AI services only; several with commas: the next one if one does not answer."
    )
    effort: str | None = Field(
        None, description="AI services only: minimal, low, medium or high; for single models: grok-4.6=low,medium."
    )
    country: str | None = Field(
        None, description="Google Books only: two letters, such as US, of the country of the user."
    )
    daily_limit: int | None = Field(None, ge=1, description="Calls per day that the service allows; unset: no limit.")
    safety_buffer: int | None = Field(None, ge=0, description="Calls of the daily limit that stay unused.")

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str, info: ValidationInfo) -> str:
        parts = urlsplit(value.strip())
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.fragment
            or parts.username
            or parts.port == 0  # reading the port also rejects what is no port
        ):
            raise ValueError("must be an address such as https://host/path, without a query and without a password")
        if parts.scheme == "http" and not _is_loopback(parts.hostname) and not info.data.get("plain_http"):
            raise ValueError(
                "must start with https://, because keys and answers can be read on the way;"
                " ALEXANDRIA_<SERVICE>_PLAIN_HTTP=true allows http://"
            )
        return value.strip().rstrip("/")

    @field_validator("model")
    @classmethod
    def _names_a_model(cls, value: str | None) -> str | None:
        if value is not None and not value.replace(",", "").strip():
            raise ValueError("must name at least one model")
        return value

    @field_validator("effort")
    @classmethod
    def _is_effort(cls, value: str | None) -> str | None:
        for part in (value or "").split(","):
            if (effort := part.rpartition("=")[2].strip()) and effort not in _EFFORT_SECONDS:
                raise ValueError(f"must be one of {', '.join(_EFFORT_SECONDS)}, or model=effort with commas between")
        return value

    @field_validator("country")
    @classmethod
    def _is_country(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z]{2}", value.strip()):
            raise ValueError("must be an ISO 3166-1 code of two letters, such as US")
        return value.strip().upper() if value is not None else None

    @field_validator("safety_buffer")
    @classmethod
    def _is_below_limit(cls, value: int | None, info: ValidationInfo) -> int | None:
        limit = info.data.get("daily_limit")
        if value is not None and limit is not None and value >= limit:
            raise ValueError(f"must be below the daily limit ({limit:,})")
        return value


def thinking_seconds(given: ServiceSettings, defaults: HttpDefaults) -> float:
    """The time-out that the effort of the slowest model needs; 0 if a time-out is set, or for other services."""
    if given.model is None or given.timeout_seconds != defaults.timeout_seconds:
        return 0
    efforts = (effort_of(given.effort, model) or default_effort(model) for model in model_names(given.model))
    return max(_EFFORT_SECONDS.get(effort or "", 0.0) for effort in efforts)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
