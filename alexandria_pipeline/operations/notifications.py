"""Messages to people: one function that hands a text to one receiver (chat, mail, webhook) by its apprise URL.

Here: apprise, and that no address ever shows, because it is a password as well. Not here: what is said, to whom, and
what is done when it fails.
"""

from __future__ import annotations

import logging
import re
import warnings
from hashlib import sha256

from pydantic import SecretStr

_BETWEEN = re.compile(r"[,\s]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
"""Addresses may hold commas themselves (several mail recipients); a new one begins with its scheme."""


def receivers(urls: SecretStr | None) -> list[SecretStr]:
    """The addresses of a comma-separated list."""
    parts = _BETWEEN.split(urls.get_secret_value()) if urls is not None else []
    return [SecretStr(part.strip(" \t\r\n,")) for part in parts if part.strip(" \t\r\n,")]


def digest(receiver: SecretStr) -> str:
    """Tells receivers apart without saying who they are."""
    return sha256(receiver.get_secret_value().encode()).hexdigest()[:16]


def kind(receiver: SecretStr) -> str:
    """The scheme of the address (slack, mailto, json): all of it that may be said."""
    scheme = receiver.get_secret_value().partition("://")[0]
    return scheme if scheme.isalnum() else "address"


def send(receiver: SecretStr, title: str, text: str, *, severe: bool) -> str | None:
    """None when the receiver took the message, else why not, without its address. Waits a few seconds at most."""
    import apprise  # noqa: PLC0415 - loads a hundred plugins; only who sends needs them

    logging.getLogger("apprise").disabled = True  # it logs addresses
    line = apprise.Apprise()
    with warnings.catch_warnings():
        # plugins that nobody here uses import what Python deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        known = line.add(receiver.get_secret_value())
    if not known:
        return (
            f"a {kind(receiver)} address of ALEXANDRIA_ALERT_URLS cannot be read: see the list of apprise for its form"
        )
    notify_type = apprise.NotifyType.FAILURE if severe else apprise.NotifyType.WARNING
    try:
        taken = line.notify(body=text, title=title, notify_type=notify_type, body_format=apprise.NotifyFormat.TEXT)
    except Exception as error:  # noqa: BLE001 - a plugin's fault is a message not sent; its text may hold the address
        return f"the {kind(receiver)} receiver failed with {type(error).__name__}"
    return None if taken else f"the {kind(receiver)} receiver refused the message or did not answer"
