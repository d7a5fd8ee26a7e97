"""Notifications: sends one message to one receiver (chat, mail, webhook) by its apprise URL.

An address holds a password, so no address appears in any message or log. The texts are in `domain/alerts.py`; retries
and the choice of receivers are in `operations/alerting.py`.
"""

from __future__ import annotations

import logging
import re
import warnings
from hashlib import sha256

from pydantic import SecretStr

from alexandria_pipeline.domain.text.display import for_chat

_BETWEEN = re.compile(r"(?<![,\s])[,\s]++(?=[A-Za-z][A-Za-z0-9+.-]*+://)")
"""Separates addresses. An address can hold commas itself (several mail recipients); the next one starts with its scheme."""


def receivers(urls: SecretStr | None) -> list[SecretStr]:
    """Returns the addresses of a comma-separated list."""
    parts = _BETWEEN.split(urls.get_secret_value()) if urls is not None else []
    return [SecretStr(part.strip(" \t\r\n,")) for part in parts if part.strip(" \t\r\n,")]


def digest(receiver: SecretStr) -> str:
    """Returns a short hash that identifies a receiver without showing its address."""
    return sha256(receiver.get_secret_value().encode()).hexdigest()[:16]


def kind(receiver: SecretStr) -> str:
    """Returns the scheme of an address (slack, mailto, json), the only part that may be shown."""
    scheme = receiver.get_secret_value().partition("://")[0]
    return scheme if scheme.isalnum() else "address"


def send(receiver: SecretStr, title: str, text: str, *, severe: bool) -> str | None:
    """Sends a message. Returns None, or the reason of the failure without the address. Takes a few seconds at most."""
    import apprise  # noqa: PLC0415 - loads a hundred plugins; only sending needs them

    logging.getLogger("apprise").disabled = True  # it logs addresses
    client = apprise.Apprise()
    with warnings.catch_warnings():
        # unused plugins import deprecated modules
        warnings.simplefilter("ignore", DeprecationWarning)
        known = client.add(receiver.get_secret_value())
    if not known:
        return f"a {kind(receiver)} address of ALEXANDRIA_ALERT_URLS is invalid: the documentation of apprise lists the forms of addresses"
    notify_type = apprise.NotifyType.FAILURE if severe else apprise.NotifyType.WARNING
    try:
        accepted = client.notify(
            body=for_chat(text), title=for_chat(title), notify_type=notify_type, body_format=apprise.NotifyFormat.TEXT
        )
    except Exception as error:  # noqa: BLE001 - a plugin error means "not sent"; its text can hold the address
        return f"the {kind(receiver)} receiver failed with {type(error).__name__}"
    return None if accepted else f"the {kind(receiver)} receiver rejected the message or did not answer"
