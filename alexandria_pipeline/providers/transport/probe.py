"""Probes of service hosts: whether a host answers, and its clock. A probe carries no key and requests no resource."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from alexandria_pipeline.providers.transport.connection import HttpClient

PROBE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Probe:
    """One host. `problem`: why it does not answer. `clock_offset`: its clock minus ours in seconds; None without a date."""

    host: str
    problem: str = ""
    clock_offset: float | None = None


def probe_hosts(client: HttpClient, base_urls: Iterable[str]) -> Mapping[str, Probe]:
    """Sends HEAD / to the host of each base URL, all at the same time. Returns the probes by base URL; never raises.

    These requests are not calls of a service: they carry no key, and no quota counts them.
    """
    urls = list(dict.fromkeys(base_urls))
    return dict(zip(urls, asyncio.run(_probe_all(client, urls)), strict=True))


async def _probe_all(client: HttpClient, urls: list[str]) -> list[Probe]:
    http = (await client.loop_state()).http
    return await asyncio.gather(*(_probe(http, url) for url in urls))


async def _probe(http: httpx.AsyncClient, base_url: str) -> Probe:
    parts = urlsplit(base_url)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            response = await http.head(f"{parts.scheme}://{parts.netloc}/")
    except TimeoutError:
        return Probe(parts.netloc, f"no response within {PROBE_SECONDS:g} s")
    except (httpx.HTTPError, OSError, ValueError) as error:
        return Probe(parts.netloc, f"no connection ({type(error).__name__})")
    return Probe(parts.netloc, clock_offset=_offset(response.headers.get("date", "")))


def _offset(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()
