"""Which requests a web page of ours refuses: those that another site made a browser send.

Without a login, every client that reaches the port is trusted; and every page in a browser can reach the port. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def refusal(headers: Mapping[str, str], hosts: Collection[str], *, changes: bool) -> str | None:
    """Why a request is refused, or None. `headers` have lower-case names; `hosts` are allowed names beside the local ones.

    A name with a dot that is not allowed is refused because its owner may point it at this machine (DNS rebinding). With
    `changes`, the request may change something: it must come from this site or from no browser at all.
    """
    host = headers.get("host", "")
    if not _is_allowed(_name(host), hosts):
        return "the host name is not allowed"
    if not changes:
        return None
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return "the request comes from another site"
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return "the request comes from another site"
    return None


def _is_allowed(name: str, hosts: Collection[str]) -> bool:
    """Whether the name is an IP address, a name without a dot (localhost, a container), or in the list."""
    if not name:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name in hosts
    return True


def _name(host: str) -> str:
    """The host without port and brackets, in lower case; "" if it cannot be read."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""
