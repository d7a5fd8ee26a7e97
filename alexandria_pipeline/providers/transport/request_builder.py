"""What a service is asked: the address without the key, the request with it, and where a redirect may lead.

The key goes to the service's own host only, and into nothing that is kept or shown. Not here: when to ask, and how often
(`http.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx

from alexandria_pipeline.domain.service_answers import Failed

if TYPE_CHECKING:
    from alexandria_pipeline.providers.transport.response_policy import Secret
    from alexandria_pipeline.providers.transport.types import Params, ServiceConfig, ServiceSpec


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """One address to be asked. `url` is without the key; `ours`: it is the service's own host, which gets the key."""

    method: str
    url: httpx.URL
    content: bytes | None = None
    ours: bool = True


class RequestBuilder:
    """The addresses of one service: its base, its key, and the hosts that it may redirect to."""

    def __init__(self, spec: ServiceSpec, config: ServiceConfig, secret: Secret) -> None:
        self._name, self._key, self._secret = spec.name, spec.key, secret
        self._base = httpx.URL(config.base_url.rstrip("/"))
        self._redirect_hosts = config.redirect_hosts

    def ask(self, method: str, path: str, params: Params | None, content: bytes | None) -> PreparedRequest | Failed:
        """A path below the base, with its parameters."""
        try:
            url = httpx.URL(f"{self._base}/{path.lstrip('/')}")
            return PreparedRequest(method, url.copy_merge_params(dict(params)) if params else url, content)
        except (httpx.InvalidURL, ValueError):
            return Failed(f"{self._name} cannot be asked this: it makes no address", transient=False)

    def request(self, http: httpx.AsyncClient, ask: PreparedRequest) -> httpx.Request:
        headers, url = {}, ask.url
        if ask.content is not None:
            headers["Content-Type"] = "application/json"
        place = self._key
        if place is not None and ask.ours and self._secret.key:
            value = place.prefix + self._secret.key
            if place.header:
                headers[place.header] = value
            if place.parameter:
                url = url.copy_set_param(place.parameter, value)
        return http.build_request(ask.method, url, headers=headers, content=ask.content)

    def redirected(self, ask: PreparedRequest, location: str, *, as_get: bool) -> PreparedRequest | Failed:
        """Where a redirect leads, if we go there: the same host or one that is allowed, never from https to http."""
        refused = Failed(f"{self._name} redirects to where we do not go")
        try:
            target = ask.url.join(location).copy_with(fragment=None)
        except (httpx.InvalidURL, ValueError):
            return refused
        if self._key is not None and self._key.parameter:
            target = target.copy_remove_param(self._key.parameter)
        ours = _same_host(target, self._base)
        other = not ours and target.host in self._redirect_hosts
        safe = target.scheme == "https" or (target.scheme == "http" and self._base.scheme == "http")
        if not safe or not (ours or other) or target.userinfo or self.readable(target) != str(target):
            return refused
        if as_get and ask.content is not None:
            return refused
        return replace(ask, url=target, ours=ours)

    def readable(self, url: httpx.URL) -> str:
        """An address for people and tables: no key in it, in whatever dress."""
        return self._secret.hidden(str(url))


def cache_key(service: str, ask: PreparedRequest) -> str:
    """Method, address and body, as a hash: it holds no secret, since the key is not part of the address yet."""
    asked = f"{ask.method} {ask.url}\n".encode() + (ask.content or b"")
    return f"{service}:{hashlib.sha256(asked).hexdigest()}"


def _same_host(target: httpx.URL, base: httpx.URL) -> bool:
    """The same host and port, or the same host over TLS."""
    if target.host != base.host:
        return False
    upgraded = (base.scheme, target.scheme) == ("http", "https") and base.port is None and target.port is None
    return upgraded or (target.scheme == base.scheme and target.port == base.port)
