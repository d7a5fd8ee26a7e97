"""Requests to the read API over many connections at once: `read_api.py http://127.0.0.1:8080 --connections 250 --seconds 15`.

Reads the keys of works, and then asks from each connection for one after another: works, editions, pages of lists, searches. Prints one
line of JSON: requests a second, and the response times in ms. `alexandria serve` runs in a process of its own, with
ALEXANDRIA_API_PER_MINUTE=0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

WORDS = ("the", "night", "house", "war", "love", "girl", "last", "secret")


def paths(address: str) -> list[str]:
    """Paths to ask for: six works, two editions, one list and one search of ten."""
    with urlopen(f"{address}/api/v1/works?limit=100") as answer:  # noqa: S310 - the address of the command line
        works = json.load(answer)["items"]
    with urlopen(f"{address}/api/v1/editions?limit=100") as answer:  # noqa: S310
        editions = json.load(answer)["items"]
    rng = random.Random(3)  # noqa: S311 - a draw
    found: list[str] = []
    for _ in range(100):
        found += [f"/api/v1/works/{quote(rng.choice(works)['key'], safe='/:')}" for _ in range(6)]
        found += [f"/api/v1/editions/{rng.choice(editions)['isbn13']}" for _ in range(2)]
        found += ["/api/v1/works?limit=20", f"/api/v1/works?q={rng.choice(WORDS)}&limit=20"]
    return found


async def ask(host: str, port: int, asked: list[str], until: float, times: list[float], failures: list[str]) -> None:
    """One connection, one request after another."""
    reader, writer = await asyncio.open_connection(host, port)
    rng = random.Random()  # noqa: S311
    while time.perf_counter() < until:
        path, start = rng.choice(asked), time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        times.append(time.perf_counter() - start)
        if b" 200 " not in head.split(b"\r\n")[0]:
            failures.append(f"{path}: {head.split(b' ')[1].decode()}")
    writer.close()


async def measure(address: str, connections: int, seconds: float) -> dict[str, object]:
    parts, asked = urlsplit(address), paths(address)
    times: list[float] = []
    failures: list[str] = []
    until = time.perf_counter() + seconds
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    await asyncio.gather(*(ask(host, port, asked, until, times, failures) for _ in range(connections)))
    times.sort()
    return {
        "connections": connections, "requests_a_second": round(len(times) / seconds), "p50_ms": round(1e3 * times[len(times) // 2]),
        "p99_ms": round(1e3 * times[int(len(times) * 0.99)]), "not_200": len(failures), "first": failures[:3],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("address")
    parser.add_argument("--connections", type=int, default=250)
    parser.add_argument("--seconds", type=float, default=15)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(measure(given.address.rstrip("/"), given.connections, given.seconds))))


if __name__ == "__main__":
    main()
