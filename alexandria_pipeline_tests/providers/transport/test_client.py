"""The transport against a real server that misbehaves, with its shared parts in a real database."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from httpcore._synchronization import current_async_library
from pydantic import SecretStr

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.quota import QuotaLimits
from alexandria_pipeline.domain.service_answers import Failed, NotFound, Unavailable
from alexandria_pipeline.providers.transport.client import ServiceTransport
from alexandria_pipeline.providers.transport.connection import HttpClient
from alexandria_pipeline.providers.transport.rate_limiter import PROBE_POLL_SECONDS
from alexandria_pipeline.providers.transport.types import (
    Json,
    JsonResponse,
    KeyPlace,
    Params,
    ServiceConfig,
    ServiceSpec,
    TokenUsage,
    call_context,
)
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.http_cache import HttpCache
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.queries import Query
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.providers.transport import bad_server as bad
from alexandria_pipeline_tests.providers.transport.bad_server import answer, as_json, serving
from alexandria_pipeline_tests.world import dump

if TYPE_CHECKING:
    import psycopg

    from alexandria_pipeline.storage.embedded.server import EmbeddedServer
    from alexandria_pipeline_tests.providers.transport.bad_server import BadServer

pytestmark = pytest.mark.slow("waits for real rate limits and time-outs")

CANARY = "canary-4711/+secret"
PACKED = b64encode(CANARY.encode()).decode()
TIMEOUT = 60.0
"""Longer than a busy machine needs for an answer. The two services that never finish theirs are asked with one second."""
OK = as_json({"title": "Circe"})
EMPTY = as_json({"error": "nothing"}, status=404)
HTML = b"<!DOCTYPE html><html><body>Busy</body></html>"

Outcome = JsonResponse | NotFound | Unavailable | Failed


class Caller:
    """A transport with the parser of these tests: it accepts every response, and a 404 is a definite no."""

    def __init__(self, transport: ServiceTransport) -> None:
        self.transport = transport

    def unavailable(self) -> Unavailable | None:
        return self.transport.unavailable()

    async def get(self, path: str, params: Params | None = None) -> Outcome:
        return await self.transport.get(path, accept, params)

    async def post(self, path: str, body: dict[str, Any]) -> Outcome:
        return await self.transport.post(path, body, accept)


def accept(response: JsonResponse) -> JsonResponse | NotFound | Failed:
    if "unreadable" in response.data:
        return Failed("svc: the response has an unexpected shape")
    return NotFound() if response.status == 404 else response


Make = Callable[..., Caller]


def explain(status: int, body: Json) -> Unavailable | Failed | None:
    """The error table of an invented service."""
    if status == 429 and isinstance(body, dict) and "daily" in body:
        return Unavailable("the day is used up", temporary=True)
    if status == 401:
        return Unavailable("the key is refused")
    if status == 400:
        return Failed(f"a bad question: {body}", transient=False)
    return None


def usage(body: Json) -> TokenUsage:
    return TokenUsage(body["in"], body["out"], Decimal("0.0125")) if "in" in body else TokenUsage()


def spec(name: str = "svc", **others: Any) -> ServiceSpec:
    given: dict[str, Any] = {
        "cache_days": 1,
        "negative_cache_days": 1,
        "key": KeyPlace(header="X-Key", prefix="Bearer "),
    }
    return ServiceSpec(name, explain, **given | others)


@pytest.fixture(scope="module")
def shared_database(server: EmbeddedServer, administrator: psycopg.Connection, template: str) -> Iterator[Database]:
    """One database for the tests of this file: they are many, and need four tables."""
    administrator.execute(f"create database test_http template {template}".encode())
    with Database(server.url("test_http")) as database:
        yield database
    administrator.execute("drop database test_http with (force)")


@pytest.fixture
def database(shared_database: Database) -> Database:
    with shared_database.transaction() as tx:
        tx.execute("truncate api_call, http_cache, provider_health, quota_usage")
    return shared_database


@pytest.fixture
def make(database: Database) -> Iterator[Make]:
    """Makes services on the test's database; each is as good as one of another process."""
    threads, made = Threads(), []

    def service(server: BadServer | str, *, of: ServiceSpec | None = None, **others: Any) -> Caller:
        base = server if isinstance(server, str) else server.url + "/v1"
        given: dict[str, Any] = {
            "requests_per_second": 200, "timeout_seconds": TIMEOUT, "backoff_seconds": 0.02, "key": SecretStr(CANARY)
        }  # fmt: skip
        config = ServiceConfig(base, **given | others)
        shared = (Ledger(database, threads), HttpCache(database, threads))
        made.append(ServiceTransport(of or spec(), config, HttpClient("me@example.org"), *shared))
        return Caller(made[-1])

    yield service
    threads.close()


def rows(database: Database, text: str) -> list[dict[str, Any]]:
    return database.fetch_all(Query("test", "what a test wants to see", text))


def calls(database: Database) -> list[tuple[str, int | None, int]]:
    """Outcome, status and number of every attempt in the ledger."""
    found = rows(database, "select outcome, status, attempt from api_call order by call_id")
    return [(row["outcome"], row["status"], row["attempt"]) for row in found]


def ask(make: Make, *answers: bad.Answer, **others: Any) -> tuple[Outcome, BadServer]:
    """One question to a server with these answers."""

    async def scenario() -> tuple[Outcome, BadServer]:
        async with serving(*answers) as server:
            return await make(server, **others).get("/books", {"q": "a & b"}), server

    return asyncio.run(scenario())


def test_an_answer_its_address_its_key_and_its_row(make: Make, database: Database) -> None:
    with call_context(run_id="run-1", month=Month(2020, 6), stage="resolved_isbns"), call_context(purpose="bulk"):
        reply, server = ask(make, OK)
    assert reply == JsonResponse(200, {"title": "Circe"}, '{"title": "Circe"}')
    (asked,) = server.asked
    assert asked.target == "/v1/books?q=a+%26+b"
    assert asked.headers["x-key"] == f"Bearer {CANARY}"
    assert asked.headers["user-agent"].startswith("alexandria-pipeline/")
    assert asked.headers["user-agent"].endswith(" (+me@example.org)")
    (row,) = rows(database, "select * from api_call")
    assert (row["run_id"], row["year"], row["month"], row["stage"]) == ("run-1", 2020, 6, "resolved_isbns")
    assert (row["operation"], row["outcome"], row["status"], row["bytes"]) == ("bulk", "answered", 200, 18)


@pytest.mark.parametrize(
    "good",
    [
        answer(200, b'[1, 2.5, {"a": null}]', content_type="text/html"),
        answer(200, b'\xef\xbb\xbf{"a": "\xc3\xa9"}', content_type="application/json; charset=latin-1"),
        bad.zipped(b'{"a": 1}'),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n4\r\n: 1}\r\n0\r\n\r\n',
    ],
)
def test_what_parses_is_accepted(make: Make, good: bytes) -> None:
    reply, _ = ask(make, good)
    assert isinstance(reply, JsonResponse)


def test_text_that_no_table_can_hold_is_cleaned(make: Make) -> None:
    reply, _ = ask(make, answer(200, rb'{"a\u0000": "x\u0000y \ud83d z \ud83d\ude00"}'))
    assert isinstance(reply, JsonResponse)
    assert reply.data == {"a": "xy ? z \U0001f600"}


@pytest.mark.parametrize(
    ("answers", "reason", "attempts"),
    [
        ([answer(200, HTML, content_type="text/html")], "HTML instead of JSON", 1),
        ([answer(404, HTML, content_type="text/html")], "HTTP 404, the response is HTML", 1),
        ([answer(503, HTML, content_type="text/html")], "HTTP 503", 3),
        ([as_json({}, status=500)], "HTTP 500", 3),
        ([as_json({}, status=429)], "HTTP 429", 3),
        ([as_json({"why": "so"}, status=400)], "a bad question", 1),
        ([as_json({}, status=304)], "HTTP 304", 1),
        ([answer(200)], "empty", 1),
        ([answer(204)], "empty", 1),
        ([answer(200, b'{"books": [{"title": "Cir')], "truncated or damaged", 1),
        ([answer(200, b" " * (10 << 20))], "larger than 8 MiB", 1),
        ([bad.zipped(b" " * (10 << 20))], "larger than 8 MiB", 1),
        ([answer(200, '{"a": 1}'.encode("utf-16"))], "not UTF-8", 1),
        ([answer(200, '{"a": 1}'.encode("utf-16-le"))], "another character set", 1),
        ([answer(200, b'{"a": "\xff"}')], "not UTF-8", 1),
        ([answer(200, b"\x1f\x8b\x08damage", content_encoding="gzip")], "compressed response is damaged", 1),
        ([bad.zipped(b'{"a": 1}', cut=6)], "compressed response is truncated", 1),
        ([answer(200, b"{}", content_encoding="br")], "not requested", 1),
        ([answer(200, b'{"a": NaN}')], "the number NaN", 1),
        ([answer(200, b'{"a": 1e999}')], "too large", 1),
        ([answer(200, b'{"a": ' + b"9" * 5000 + b"}")], "truncated or damaged", 1),
        ([answer(200, b'{"a": 1, "a": 2}')], "duplicate key", 1),
        ([answer(200, b"[" * 90_000)], "nested too deeply", 1),
        ([answer(200, b"[" * 200_000)], "more than 100,000 values", 1),
        ([answer(200, b'"nothing"')], "neither an object nor an array", 1),
        ([answer(200, b"null")], "neither an object nor an array", 1),
        ([b"SMTP ready\r\n\r\n"], "does not speak HTTP", 3),
        ([bad.drop], "connection broke", 3),
        ([bad.drop_within], "connection broke", 3),
        ([bad.trickle], "within 1 s", 1),
        ([bad.silence], "within 1 s", 1),
    ],
)
def test_every_misbehaviour_is_a_failure_with_a_reason(
    make: Make, database: Database, answers: list[bad.Answer], reason: str, attempts: int
) -> None:
    limit = 1.0 if "within" in reason else TIMEOUT
    outcome, server = ask(make, *answers, timeout_seconds=limit)
    assert isinstance(outcome, Failed)
    assert reason in outcome.reason
    assert len(server.asked) == attempts == len(calls(database))
    assert [outcome for outcome, _, _ in calls(database)] == ["failed"] * attempts
    assert not rows(database, "select from http_cache")


@pytest.mark.parametrize("trouble", [bad.drop, bad.drop_within, answer(503, HTML), as_json({}, status=408)])
def test_trouble_that_passes_is_overcome(make: Make, database: Database, trouble: bad.Answer) -> None:
    reply, _ = ask(make, trouble, trouble, OK)
    assert isinstance(reply, JsonResponse)
    assert [number for _, _, number in calls(database)] == [1, 2, 3]
    assert calls(database)[2][0] == "answered"


def test_no_server_at_all(make: Make, database: Database) -> None:
    outcome = asyncio.run(make("http://127.0.0.1:9/v1").get("/x"))
    assert outcome == Failed("svc: no connection")
    assert [outcome for outcome, _, _ in calls(database)] == ["failed"] * 3


@pytest.mark.parametrize("wanted", ["1", "1.0", "date"])
def test_a_pause_that_is_asked_for_is_kept_by_every_process(make: Make, wanted: str) -> None:
    if wanted == "date":
        wanted = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)

    async def scenario() -> list[float]:
        async with serving(as_json({}, status=429, retry_after=wanted), OK) as server:
            first, second = make(server), make(server)
            one = asyncio.ensure_future(first.get("/a"))
            await server.arrived.wait()
            await asyncio.sleep(0.1)
            replies = [await second.get("/b"), await one]
            assert all(isinstance(reply, JsonResponse) for reply in replies)
            return [asked.at - server.asked[0].at for asked in server.asked]

    first, *others = asyncio.run(scenario())
    assert first == 0
    assert len(others) == 2
    assert min(others) >= 0.9


def test_a_pause_reaches_those_who_have_their_slot(make: Make) -> None:
    async def scenario() -> list[float]:
        async with serving(as_json({}, status=429, retry_after="2"), OK) as server:
            services = [make(server, requests_per_second=4) for _ in range(4)]
            await asyncio.gather(*(service.get(f"/{number}") for number, service in enumerate(services)))
            return [asked.at - server.asked[0].at for asked in server.asked]

    first, *others = asyncio.run(scenario())
    assert first == 0
    assert len(others) == 4
    assert min(others) >= 1.9


def test_a_pause_beyond_patience_leaves_the_service_alone(make: Make, database: Database) -> None:
    async def scenario() -> tuple[Outcome, Outcome, int, Caller]:
        async with serving(as_json({}, status=503, retry_after="3600"), OK) as server:
            other = make(server)
            return await make(server).get("/a"), await other.get("/b"), len(server.asked), other

    first, second, asked, other = asyncio.run(scenario())
    assert first == Unavailable("svc requests a pause of 3,600 s (HTTP 503)", temporary=True)
    assert isinstance(second, Unavailable)
    assert second.temporary
    assert asked == 1
    assert "paused" in (other.unavailable() or Unavailable("")).reason
    (health,) = rows(database, "select retry_at - clock_timestamp() as left from provider_health")
    assert health["left"] > timedelta(minutes=59)


def test_a_ban_is_obeyed_to_its_end(make: Make, database: Database) -> None:
    until = datetime.now(UTC) + timedelta(hours=30)
    body = f"You have been banned until {until:%Y-%m-%dT%H:%M:%S}.000Z, please respect throttling.".encode()
    outcome, server = ask(make, answer(403, body, content_type="text/plain"))
    assert isinstance(outcome, Unavailable)
    assert outcome.temporary
    assert f"banned this client until {until:%Y-%m-%d %H:%M} UTC" in outcome.reason
    assert "alexandria services reopen svc" in outcome.reason
    assert len(server.asked) == 1
    (health,) = rows(database, "select breaker, retry_at from provider_health")
    assert health["breaker"] == "open"
    assert abs(health["retry_at"] - until) < timedelta(minutes=1)


def test_an_error_that_asks_for_a_pause_in_a_200_is_retried_after_it(make: Make) -> None:
    def paused(status: int, body: Json) -> Failed | None:
        return Failed("busy", pause_seconds=0.5) if "busy" in body else explain(status, body)  # type: ignore[return-value]

    outcome, server = ask(make, as_json({"busy": 1}), OK, of=replace(spec(), explain=paused))
    assert isinstance(outcome, JsonResponse)
    assert server.asked[1].at - server.asked[0].at >= 0.45


def test_a_refusal_of_one_request_does_not_open_the_breaker(make: Make, database: Database) -> None:
    def refused(status: int, body: Json) -> Failed | Unavailable | None:
        return (
            Failed("this prompt is refused", transient=False, refusal=True) if status == 403 else explain(status, body)
        )

    service = replace(spec(), explain=refused, cache_days=0)
    for _ in range(6):
        outcome, _ = ask(make, as_json({}, status=403), of=service)
        assert outcome == Failed("this prompt is refused", transient=False, refusal=True)
    (health,) = rows(database, "select breaker, failures from provider_health")
    assert health == {"breaker": "closed", "failures": 0}


def test_a_service_that_fails_in_waves_is_tried_eight_times_without_opening_the_breaker(
    make: Make, database: Database
) -> None:
    waves = replace(spec(), max_attempts=8, fails_in_waves=True)
    wave = [as_json({}, status=503)] * 7
    outcome, server = ask(make, *wave, OK, of=waves, backoff_seconds=0.005)
    assert isinstance(outcome, JsonResponse)
    assert len(server.asked) == 8
    (health,) = rows(database, "select breaker, failures from provider_health")
    assert health == {"breaker": "closed", "failures": 0}


def test_a_call_whose_attempts_all_failed_counts_for_the_breaker(make: Make, database: Database) -> None:
    waves = replace(spec(), max_attempts=3, fails_in_waves=True)
    outcome, _ = ask(make, as_json({}, status=503), of=waves)
    assert isinstance(outcome, Failed)
    assert rows(database, "select failures from provider_health") == [{"failures": 1}]


@pytest.mark.parametrize("nonsense", ["soon", "-5", "", "Thu, 99 Foo", "nan", "9" * 400])
def test_a_pause_that_cannot_be_read_is_the_usual_one(make: Make, nonsense: str) -> None:
    outcome, server = ask(make, as_json({}, status=429, retry_after=nonsense), OK)
    assert len(server.asked) in (1, 2)
    assert isinstance(outcome, JsonResponse | Unavailable)


def test_a_pause_may_be_stated_in_the_body(make: Make) -> None:
    def wanted(body: Json) -> float:
        return float(body["delay"])

    outcome, server = ask(make, as_json({"delay": 0.5}, status=429), OK, of=spec(retry_after=wanted))
    assert isinstance(outcome, JsonResponse)
    assert server.asked[1].at - server.asked[0].at >= 0.45


def test_what_another_process_has_asked_meanwhile_is_not_asked_again(make: Make) -> None:
    questions = [f"/books/{number}" for number in range(6)]

    async def scenario() -> list[str]:
        async with serving(OK) as server:
            one, other = (make(server, requests_per_second=4) for _ in range(2))
            both = [*map(one.get, questions), *map(other.get, reversed(questions))]
            assert all(isinstance(answer, JsonResponse) for answer in await asyncio.gather(*both))
            return [asked.target for asked in server.asked]

    asked = asyncio.run(scenario())
    assert len(set(asked)) == 6
    assert len(asked) <= 8, "they meet in the middle"


def test_answers_are_asked_for_once(make: Make, database: Database) -> None:
    async def scenario() -> int:
        async with serving(OK, EMPTY, answer(503, HTML), answer(503, HTML), answer(503, HTML), OK) as server:
            service = make(server)
            first, again = await service.get("/a", {"n": 1}), await make(server).get("/a", {"n": 1})
            assert first == again
            assert await service.post("/a", {"n": 1}) == await service.post("/a", {"n": 1})
            assert isinstance(await service.get("/b"), Failed)
            assert isinstance(await service.get("/b"), JsonResponse)
            return len(server.asked)

    assert asyncio.run(scenario()) == 6
    kept = rows(database, "select status, negative from http_cache order by stored_at")
    assert kept == [
        {"status": 200, "negative": False},
        {"status": 404, "negative": True},
        {"status": 200, "negative": False},
    ]


def test_the_same_question_at_the_same_time_is_one(make: Make, database: Database) -> None:
    async def scenario() -> None:
        async with serving(OK) as server:
            service = make(server)
            questions = [asyncio.ensure_future(service.get("/a")) for _ in range(10)]
            await asyncio.sleep(0)
            questions[0].cancel()  # the one that began it
            replies = await asyncio.gather(*questions[1:])
            assert all(isinstance(reply, JsonResponse) for reply in replies)
            assert len(server.asked) == 1

    asyncio.run(scenario())
    assert len(calls(database)) == 1


def test_many_first_questions_share_one_client() -> None:
    async def scenario() -> None:
        client = HttpClient()
        found = await asyncio.gather(*(client.loop_state() for _ in range(20)))
        assert len({id(state) for state in found}) == 1

    asyncio.run(scenario())


def test_one_transport_serves_one_loop_after_the_other(make: Make) -> None:
    services: list[Caller] = []

    async def scenario() -> Outcome:
        async with serving(OK) as server:
            services[:] = services or [make("http://127.0.0.1:9")]
            requests = services[0].transport._requests
            requests._base = requests._base.copy_with(port=int(server.url.rpartition(":")[2]))
            return await services[0].get(f"/{time.monotonic()}")

    assert all(isinstance(asyncio.run(scenario()), JsonResponse) for _ in range(3))


def test_redirects_within_the_host_are_followed_and_counted(make: Make, database: Database) -> None:
    reply, server = ask(make, answer(302, location="/v1/works/1?key=x"), answer(301, location="two"), OK)
    assert isinstance(reply, JsonResponse)
    assert [asked.target for asked in server.asked] == ["/v1/books?q=a+%26+b", "/v1/works/1?key=x", "/v1/works/two"]
    assert all(asked.headers["x-key"] for asked in server.asked)
    assert [outcome for outcome, _, _ in calls(database)] == ["redirected", "redirected", "answered"]


def test_redirects_end_somewhere(make: Make) -> None:
    outcome, server = ask(make, answer(302, location="/round"))
    assert outcome == Failed("svc redirects more than 3 times")
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:9/x", "https://example.org/", "ftp://127.0.0.1/", "http://[", "//user:word@127.0.0.1/"],
)
def test_redirects_elsewhere_are_not_followed(make: Make, location: str) -> None:
    outcome, server = ask(make, answer(302, location=location))
    assert outcome == Failed("svc redirects to an address that is not allowed")
    assert len(server.asked) == 1


def test_a_post_is_not_turned_into_a_get(make: Make) -> None:
    async def scenario(status: int) -> Outcome:
        async with serving(answer(status, location="/there"), OK) as server:
            return await make(server).post("/books", {"status": status})

    assert isinstance(asyncio.run(scenario(302)), Failed)
    assert isinstance(asyncio.run(scenario(307)), JsonResponse)


def test_another_host_never_gets_the_key(make: Make) -> None:
    async def scenario() -> None:
        async with serving(OK) as other, serving(answer(302, location="")) as server:
            target = other.url.replace("127.0.0.1", "localhost")
            server.answers = [answer(302, location=f"{target}/x?apikey={CANARY}&a=1")]
            keyed = spec(key=KeyPlace(parameter="apikey"))
            assert isinstance(await make(server, of=keyed, redirect_hosts=("localhost",)).get("/a"), JsonResponse)
            assert (other.asked[0].target, "x-key" in other.asked[0].headers) == ("/x?a=1", False)
            server.answers = [answer(302, location=f"{target}/{CANARY}")]
            assert isinstance(await make(server, of=keyed, redirect_hosts=("localhost",)).get("/b"), Failed)
            assert len(other.asked) == 1

    asyncio.run(scenario())


def test_the_key_is_nowhere_to_be_seen(make: Make, database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "hpack"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    keyed = spec(key=KeyPlace(parameter="key"), cache_days=1)
    spellings = [
        CANARY,
        quote_plus(CANARY),
        quote(quote(CANARY, safe=""), safe=""),
        json.dumps(json.dumps(CANARY)),
        CANARY.replace("/", "\\/"),
        CANARY.replace("/", "\\u002F").replace("+", "\\u002b"),
        CANARY.replace("/", "&#x2f;").replace("+", "&plus;"),
        PACKED,
    ]
    echo = as_json({"title": spellings, "url": f"http://x/?key={CANARY}"})
    refusal = as_json({"why": f"the keys {spellings} are unknown"}, status=400)
    seen: list[object] = []

    async def scenario() -> None:
        async with serving(
            echo, answer(302, location=f"http://127.0.0.1:9/?key={CANARY}"), refusal, bad.drop
        ) as server:
            for service in (make(server, of=keyed), make(server)):
                seen.append(service)
                seen.extend(
                    [await service.get("/a"), await service.get("/b"), await service.get("/c"), await service.get("/d")]
                )
            assert any(
                f"key={CANARY.replace('/', '%2F').replace('+', '%2B')}" in asked.target for asked in server.asked
            )
        seen.append(await make("http://127.0.0.1:9/v1", of=keyed).get("/e"))
        seen.append(await make("http://127.0.0.1:9/v1", of=keyed, key=SecretStr(CANARY + "\n")).get("/f"))

    asyncio.run(scenario())
    for table in ("api_call", "http_cache", "provider_health", "quota_usage"):
        seen.extend(dump(database, [table])[table])
    seen.extend(zlib.decompress(row["body"]) for row in rows(database, "select body from http_cache"))
    for text in (repr(seen), caplog.text):
        assert "canary" not in text.lower()
        assert PACKED not in text


def test_a_service_that_fails_is_not_asked_and_found_again(make: Make, database: Database) -> None:
    async def scenario() -> None:
        async with serving(*[as_json({}, status=500)] * 6, OK) as server:
            service, other = make(server), make(server)
            await service.get("/a")
            await service.get("/b")
            assert len(server.asked) == 5  # three, and two more: the third retry finds the breaker open
            refusal = await other.get("/c")
            assert isinstance(refusal, Unavailable)
            assert "HTTP 500" in refusal.reason
            for asked, expected in ((6, Unavailable), (7, JsonResponse), (8, JsonResponse)):
                with database.transaction() as tx:
                    tx.execute("update provider_health set retry_at = clock_timestamp() where breaker = 'open'")
                outcomes = await asyncio.gather(*(make(server).get(f"/{asked}/{n}") for n in range(3)))
                assert sum(isinstance(outcome, expected) for outcome in outcomes) >= 1
                assert asked <= len(server.asked)

    asyncio.run(scenario())
    (health,) = rows(database, "select breaker, failures, openings from provider_health")
    assert health == {"breaker": "closed", "failures": 0, "openings": 0}


@pytest.mark.parametrize(("status", "expected"), [(200, JsonResponse), (500, Unavailable)])
def test_while_one_finds_out_whether_it_is_back_the_others_wait(
    make: Make, database: Database, status: int, expected: type
) -> None:
    found_out = asyncio.Event()

    async def late(writer: asyncio.StreamWriter) -> None:
        await found_out.wait()
        writer.write(as_json({}, status=status))
        await writer.drain()

    async def scenario() -> tuple[list[Outcome], int]:
        async with serving(*[as_json({}, status=500)] * 5, late, OK) as server:
            config: dict[str, Any] = {"timeout_seconds": 30}
            await make(server, **config).get("/a")
            await make(server, **config).get("/b")
            rows(database, "update provider_health set retry_at = clock_timestamp() returning service")
            server.arrived.clear()
            probe = asyncio.ensure_future(make(server, **config).get("/probe"))
            await server.arrived.wait()
            others = [make(server, **config) for _ in range(4)]
            assert [other.unavailable() for other in others] == [None] * 4
            waiting = [asyncio.ensure_future(other.get(f"/{n}")) for n, other in enumerate(others)]
            await asyncio.sleep(PROBE_POLL_SECONDS)
            assert not any(each.done() for each in waiting)
            assert len(server.asked) == 6
            found_out.set()
            return await asyncio.gather(probe, *waiting), len(server.asked)

    (_, *others), asked = asyncio.run(scenario())
    assert {type(other) for other in others} == {expected}
    assert asked == (6 if expected is Unavailable else 10)


def test_no_caller_waits_longer_for_a_probe_than_it_may_take(make: Make, database: Database) -> None:
    async def scenario() -> tuple[Outcome, int]:
        async with serving(OK) as server:
            rows(
                database,
                "insert into provider_health (service, breaker, retry_at, probe_until)"
                " values ('svc', 'half_open', now(), now() + interval '1 hour') returning service",
            )
            return await make(server, timeout_seconds=0.1).get("/a"), len(server.asked)

    outcome, asked = asyncio.run(scenario())
    assert isinstance(outcome, Unavailable)
    assert outcome.temporary
    assert asked == 0


def test_a_failure_is_logged_once_and_names_the_service_once(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    ask(make, as_json({}, status=500))
    (line,) = (record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
    assert line.startswith("svc: HTTP 500 (GET ")


def test_a_quota_is_kept(make: Make, database: Database) -> None:
    async def scenario() -> tuple[list[Outcome], int, Caller]:
        async with serving(OK) as server:
            service = make(server, quota=QuotaLimits(10, 8))
            return [await service.get(f"/{n}") for n in range(3)], len(server.asked), service

    outcomes, asked, service = asyncio.run(scenario())
    assert asked == 2
    assert outcomes[2] == Unavailable(
        "the daily quota of svc (safe limit: 2 calls) is used up until 00:00 UTC", temporary=True
    )
    assert "quota" in (service.unavailable() or Unavailable("")).reason
    assert rows(database, "select used from quota_usage") == [{"used": 2}]


def test_a_service_that_reports_its_day_is_used_up_is_not_asked_again(make: Make, database: Database) -> None:
    async def scenario() -> tuple[list[Outcome], int]:
        async with serving(as_json({"daily": 1}, status=429), OK) as server:
            return [await make(server).get("/a"), await make(server).get("/b")], len(server.asked)

    outcomes, asked = asyncio.run(scenario())
    assert asked == 1
    assert outcomes[0] == Unavailable("the day is used up", temporary=True)
    assert isinstance(outcomes[1], Unavailable)
    assert outcomes[1].temporary
    assert rows(database, "select used, exhausted from quota_usage") == [{"used": 1, "exhausted": "the day is used up"}]
    assert calls(database) == [("refused", 429, 1)]


def test_what_is_off_states_which_setting(make: Make) -> None:
    off = make("http://127.0.0.1:9", enabled=False, enabled_variable="ALEXANDRIA_SVC_ENABLED").unavailable()
    keyless = make("http://127.0.0.1:9", key=None, key_variable="SVC_API_KEY")
    assert off == Unavailable("svc is switched off by ALEXANDRIA_SVC_ENABLED")
    assert keyless.unavailable() == Unavailable("svc needs a key: set SVC_API_KEY") == asyncio.run(keyless.get("/a"))
    assert make("http://127.0.0.1:9").unavailable() is None


def test_without_a_database_nothing_is_sent() -> None:
    async def scenario() -> tuple[list[Outcome], Caller, int]:
        async with serving(OK) as server:
            shared = (Ledger(nowhere, threads), HttpCache(nowhere, threads))
            service = Caller(ServiceTransport(spec(key=None), ServiceConfig(server.url, 10), HttpClient(), *shared))
            return [await service.get("/a"), await service.post("/a", {})], service, len(server.asked)

    threads = Threads()
    with Database("postgresql://nobody:word@127.0.0.1:9/none") as nowhere:
        outcomes, service, asked = asyncio.run(scenario())
        unavailable = service.unavailable()
    threads.close()
    assert asked == 0
    assert all(isinstance(outcome, Unavailable) and outcome.temporary for outcome in (*outcomes, unavailable))


def test_who_gives_up_before_sending_leaves_nothing_behind(make: Make, database: Database) -> None:
    async def scenario() -> int:
        async with serving(OK) as server:
            service = make(server, requests_per_second=0.5)
            await service.get("/a")
            waiting = asyncio.ensure_future(service.get("/b"))
            await asyncio.sleep(0.3)
            assert len(calls(database)) == 2
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            return len(server.asked)

    assert asyncio.run(scenario()) == 1
    assert calls(database) == [("answered", 200, 1)]
    assert rows(database, "select used from quota_usage") == [{"used": 1}]


def test_who_gives_up_after_sending_has_called(make: Make, database: Database) -> None:
    seen: list[tuple[str, int | None, int]] = []

    async def note(_: asyncio.StreamWriter) -> None:
        seen.extend(calls(database))
        await asyncio.sleep(3600)

    async def scenario() -> None:
        async with serving(note) as server:
            waiting = asyncio.ensure_future(make(server).get("/b"))
            await server.arrived.wait()
            await asyncio.sleep(0.1)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(scenario())
    assert seen == [("sent", None, 1)]  # the row is there before the request is
    assert calls(database) == [("cancelled", None, 1)]
    assert rows(database, "select used from quota_usage") == [{"used": 1}]


def test_what_an_ai_used_is_in_the_ledger_and_its_answer_not_in_the_cache(make: Make, database: Database) -> None:
    async def scenario() -> list[Outcome]:
        async with serving(as_json({"in": 120, "out": 450})) as server:
            service = make(server, of=spec(cache_days=0, usage=usage))
            return [await service.post("/generate", {"month": "2020-06 – Ä"}) for _ in range(2)]

    assert all(isinstance(outcome, JsonResponse) for outcome in asyncio.run(scenario()))
    used = rows(database, "select input_tokens, output_tokens, cost_usd from api_call")
    assert used == [{"input_tokens": 120, "output_tokens": 450, "cost_usd": Decimal("0.012500")}] * 2
    assert not rows(database, "select from http_cache")


def test_httpcore_searches_no_folder_for_a_module_that_is_not_installed() -> None:
    current_async_library()
    assert "sniffio" in sys.modules, "otherwise it is searched for with each lock"
