"""Faults that responses can have on request: statuses, wrong bodies, broken connections."""

from __future__ import annotations

import gzip
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline_tests.upstream.listener import Delivery, Response
from alexandria_pipeline_tests.upstream.randomness import seeded_random

if TYPE_CHECKING:
    from collections.abc import Callable

_HTML: Final = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Service Temporarily Unavailable</h1></body></html>"
_SPACES: Final = 10 * 1024 * 1024
# The target of redirects: a page that is not a response of any service.
REDIRECT_TARGET: Final = "/control/lost"


def _status(
    status: int, body: bytes = b"", content_type: str = "text/plain", **headers: str
) -> Callable[[Response], Response]:
    return lambda _: Response(
        status, body, content_type, {name.replace("_", "-"): value for name, value in headers.items()}
    )


def _gzip_damage(good: Response) -> Response:
    packed = bytearray(gzip.compress(good.body, mtime=0))
    packed[len(packed) // 2 :] = bytes(len(packed) - len(packed) // 2)
    return replace(good, body=bytes(packed), headers={**good.headers, "content-encoding": "gzip"})


KINDS: Final[dict[str, Callable[[Response], Response]]] = {
    "429": _status(429, b'{"message": "Too Many Requests"}', "application/json"),
    "429-retry-after": _status(429, b'{"message": "Too Many Requests"}', "application/json", Retry_After="1"),
    "500": _status(500, b'{"message": "Internal Server Error"}', "application/json"),
    "503-html": _status(503, _HTML, "text/html; charset=utf-8"),
    "200-html": _status(200, _HTML, "text/html; charset=utf-8"),
    "cut-json": lambda good: replace(good, status=200, body=good.body[: max(1, len(good.body) // 2)]),
    "spaces-10mib": _status(200, b" " * _SPACES, "application/json"),
    "utf16": lambda good: replace(good, body=good.body.decode(errors="replace").encode("utf-16")),
    "gzip-damage": _gzip_damage,
    "redirect": _status(302, b"", "text/html", location=REDIRECT_TARGET),
    "drop-before": lambda good: replace(good, delivery=Delivery.DROP_BEFORE),
    "drop-within": lambda good: replace(good, delivery=Delivery.DROP_WITHIN),
    "slow-2bytes": lambda good: replace(good, delivery=Delivery.SLOW),
    "wrong-content-type": lambda good: replace(good, content_type="image/png"),
}


@dataclass
class Fault:
    """A fault of a service's responses, with a probability, at most `count` times, if the path contains `path`."""

    service: str
    kind: str
    probability: float = 1.0
    count: int | None = None
    path: str = ""
    retry_after: str = "1"
    done: int = 0

    def applies(self, service: str, path: str, rng: float) -> bool:
        spent = self.count is not None and self.done >= self.count
        return self.service in {service, "*"} and self.path in path and not spent and rng < self.probability

    def apply(self, good: Response) -> Response:
        self.done += 1
        bad = KINDS[self.kind](good)
        return replace(bad, headers={"Retry-After": self.retry_after}) if self.kind == "429-retry-after" else bad


class Faults:
    """The active faults, in order. The first one that applies is used."""

    def __init__(self, seed: int) -> None:
        self._listed: list[Fault] = []
        self._throw = seeded_random(seed, "faults")

    def add(self, values: dict[str, Any]) -> None:
        """Adds a fault. Raises ValueError for an unknown kind and TypeError for an unknown field."""
        fault = Fault(**values)
        if fault.kind not in KINDS:
            raise ValueError(f"{fault.kind!r} is not a kind of fault; use one of: {', '.join(KINDS)}")
        self._listed.append(fault)

    def clear(self) -> None:
        self._listed.clear()

    def as_list(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._listed]

    def apply_to(self, service: str, path: str, good: Response) -> tuple[Response, str | None]:
        """The response to send, and the kind of its fault."""
        rng = self._throw.random()
        fault = next((each for each in self._listed if each.applies(service, path, rng)), None)
        return (fault.apply(good), fault.kind) if fault else (good, None)
