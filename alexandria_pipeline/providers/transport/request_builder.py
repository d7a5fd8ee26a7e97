"""Builds requests: the URL without the key, the request with it, and the targets of redirects.

The key is sent to the service's own host only, and is part of nothing that is stored or shown. When and how often a
request is sent is the business of `client.py`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import httpx

from alexandria_pipeline.domain.service_answers import Failed

if TYPE_CHECKING:
    from alexandria_pipeline.providers.transport.secret import Secret
    from alexandria_pipeline.providers.transport.types import Params, ServiceConfig, ServiceSpec


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request without its key. `own_host`: `url` is on the service's own host, which gets the key."""

    method: str
    url: httpx.URL
    content: bytes | None = None
    own_host: bool = True


class RequestBuilder:
    """Builds the requests of one service from its base URL, its key, and the hosts to which it may redirect."""

    def __init__(self, spec: ServiceSpec, config: ServiceConfig, secret: Secret) -> None:
        self._name, self._key, self._secret = spec.name, spec.key, secret
        self._base = httpx.URL(config.base_url.rstrip("/"))
        self._redirect_hosts = config.redirect_hosts

    def prepare(self, method: str, path: str, params: Params | None, content: bytes | None) -> PreparedRequest | Failed:
        """The request for a path below the base URL."""
        try:
            url = httpx.URL(f"{self._base}/{path.lstrip('/')}")
            return PreparedRequest(method, url.copy_merge_params(dict(params)) if params else url, content)
        except (httpx.InvalidURL, ValueError):
            return Failed(f"{self._name} was not called: the request has no valid URL", transient=False)

    def build(self, http: httpx.AsyncClient, prepared: PreparedRequest) -> httpx.Request:
        """The request with its key. Raises ValueError or TypeError when it cannot be encoded."""
        headers, url = {}, prepared.url
        if prepared.content is not None:
            headers["Content-Type"] = "application/json"
        place = self._key
        if place is not None and prepared.own_host and self._secret.key:
            value = place.prefix + self._secret.key
            if place.header:
                headers[place.header] = value
            if place.parameter:
                url = url.copy_set_param(place.parameter, value)
        return http.build_request(prepared.method, url, headers=headers, content=prepared.content)

    def redirected(self, prepared: PreparedRequest, location: str, *, as_get: bool) -> PreparedRequest | Failed:
        """The target of a redirect: the same host or an allowed one, and never from https to http; Failed otherwise."""
        refused = Failed(f"{self._name} redirects to an address that is not allowed")
        try:
            target = prepared.url.join(location).copy_with(fragment=None)
        except (httpx.InvalidURL, ValueError):
            return refused
        if self._key is not None and self._key.parameter:
            target = target.copy_remove_param(self._key.parameter)
        own_host = _same_host(target, self._base)
        other = not own_host and target.host in self._redirect_hosts
        safe = target.scheme == "https" or (target.scheme == "http" and self._base.scheme == "http")
        if not safe or not (own_host or other) or target.userinfo or self.without_key(target) != str(target):
            return refused
        if as_get and prepared.content is not None:
            return refused
        return replace(prepared, url=target, own_host=own_host)

    def without_key(self, url: httpx.URL) -> str:
        """The URL for people and tables: the key is removed in every encoding."""
        return self._secret.hide(str(url))


def cache_key(service: str, prepared: PreparedRequest) -> str:
    """The service and a hash of method, URL and body. It contains no secret: the key is not part of the URL yet."""
    content = f"{prepared.method} {prepared.url}\n".encode() + (prepared.content or b"")
    return f"{service}:{hashlib.sha256(content).hexdigest()}"


def _same_host(target: httpx.URL, base: httpx.URL) -> bool:
    """The same host and port, or the same host over TLS."""
    if target.host != base.host:
        return False
    upgraded = (base.scheme, target.scheme) == ("http", "https") and base.port is None and target.port is None
    return upgraded or (target.scheme == base.scheme and target.port == base.port)
