"""Responses that are made to stop a run: every text is as long and as bad as a large response allows."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
import zlib
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from alexandria_pipeline.domain.errors import SourceError
from alexandria_pipeline.domain.generation.reply_parser import read_book_list
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.json_text import InterruptibleDecoder, load, load_each
from alexandria_pipeline.domain.matching.verdict import judge
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookQuery, GenerationRequest
from alexandria_pipeline.domain.service_answers import Answer
from alexandria_pipeline.providers.common.contributors import MAX_PEOPLE, contributors
from alexandria_pipeline.providers.common.text_fields import (
    MAX_PLAIN_TEXT,
    MAX_TEXT,
    MAX_TEXTS,
    plain_text,
    text,
    texts,
)
from alexandria_pipeline.providers.common.wire_models import MAX_ISBNS, MAX_RECORDS, isbns, read_models
from alexandria_pipeline.providers.nyt.models import Book, lists_of
from alexandria_pipeline.providers.transport.body import (
    MAX_BODY_BYTES,
    MAX_ESCAPES,
    MAX_LIST_LENGTH,
    MAX_PARTS,
    MAX_STRING_LENGTH,
    MAX_VALUES,
    Body,
    Decoded,
    Undecodable,
    decode,
    decompressed,
)
from alexandria_pipeline.providers.transport.client import INLINE_BYTES, ServiceTransport
from alexandria_pipeline.providers.transport.connection import HttpClient
from alexandria_pipeline.providers.transport.secret import MAX_WINDOWS, Secret
from alexandria_pipeline.providers.transport.types import JsonResponse, ServiceConfig, ServiceSpec
from alexandria_pipeline.providers.wikidata.client import ROWS_INLINE, _made
from alexandria_pipeline.providers.wikidata.models import SparqlRow
from alexandria_pipeline.storage.http_cache import HttpCache
from alexandria_pipeline.storage.ledger import Ledger
from alexandria_pipeline.storage.queries import Query
from alexandria_pipeline.storage.threads import Threads
from alexandria_pipeline_tests.providers.scripted_http import JSON, PAYLOADS, ScriptedHttp
from alexandria_pipeline_tests.providers.transport.bad_server import as_json, serving

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Database

CPU_SECONDS = 2.0  # of this process for one response; it needs about 0.03
UNITS = (
    " ", "a", "(", "<", "< ", "<!--", "&amp;", "a, ", "and ", "by ", "é ", "1", "- ", ": ", "\u0301", "[", "''", "A. ", "; ", "1-",
)  # fmt: skip
RESOLVERS = ("isbndb", "google_books", "open_library", "internet_archive", "wikidata")
OUTCOMES = Query("test", "the outcomes of calls", "select outcome from api_call")
QUERY = BookQuery("Circe", "Madeline Miller", 2020, "en", ())


class Kit:
    """What the clients are built from."""

    today = date(2026, 1, 1)
    curated_list = catalog = None

    def __init__(self, data: Any) -> None:
        self._data = data

    def country(self, _name: str) -> None:
        return None

    def service(self, spec: ServiceSpec) -> ScriptedHttp:
        return ScriptedHttp(spec, JsonResponse(200, self._data, ""))


def _with_texts(value: Any, filler: str, name: str = "") -> Any:
    """The JSON value with every text but identifiers replaced."""
    if isinstance(value, str):
        return value if "isbn" in name.lower() or name in ("key", "value", "type") else f"Circe {filler}"
    if isinstance(value, list):
        return [_with_texts(each, filler, name) for each in value]
    return {key: _with_texts(each, filler, key) for key, each in value.items()} if isinstance(value, dict) else value


@pytest.mark.slow("reads responses of the largest size")
@pytest.mark.parametrize("service", RESOLVERS)
def test_no_response_of_a_service_takes_long(service: str) -> None:
    build = import_module(f"alexandria_pipeline.providers.{service}.client").build
    for file in sorted((PAYLOADS / service).glob("*.json")):
        payload = json.loads(file.read_text(encoding="utf-8"))
        length = MAX_BODY_BYTES // 8 // max(1, len(json.dumps(payload).split('"')))
        for unit in UNITS:
            body = json.dumps(_with_texts(payload, unit * (length // len(unit.encode()))), ensure_ascii=False).encode()
            started = time.process_time()
            decoded = decode(body)
            if isinstance(decoded, Undecodable):
                assert "," in unit
                continue
            answer = asyncio.run(build(Kit(decoded.data)).resolve(QUERY))
            if isinstance(answer, list | tuple):
                judge(QUERY, answer)
            assert time.process_time() - started < CPU_SECONDS, (file.name, unit)


@pytest.mark.slow("reads responses of the largest size")
@pytest.mark.parametrize("unit", [*UNITS, "[", "{", '{"title":', '{"title": "a"', "[{", '"'])
def test_no_reply_of_a_model_takes_long(unit: str) -> None:
    reply = unit * (MAX_BODY_BYTES // len(unit))
    started = time.process_time()
    for hostile in (reply, json.dumps({"books": [{"title": reply, "author": [reply] * 3}]})):
        with pytest.raises(SourceError):
            read_book_list(hostile, "gemini", GenerationRequest(Month(2020, 1), 20, "baseline"))
    assert time.process_time() - started < CPU_SECONDS


def test_texts_are_cut_where_they_enter() -> None:
    long = "word " * 100_000
    assert len(text(long) or "") <= MAX_TEXT
    assert len(plain_text(long) or "") <= MAX_PLAIN_TEXT
    assert len(texts([f"text {number}" for number in range(10_000)])) == MAX_TEXTS
    people = contributors([f"Person {number} " + "x" * 5000 for number in range(10_000)])
    assert len(people) == MAX_PEOPLE
    assert max(len(person.name) for person in people) <= 300
    assert Isbn13.find("x" * 5000 + " 9780306406157") is None
    assert text("a &amp; b") == "a & b"


def test_long_strings_and_lists_are_cut_and_the_text_stays_whole() -> None:
    body = json.dumps({"a": "x" * 100_000, "b": [{"c": ["y" * 50_000]}], "d": [1] * 50_000}).encode()
    decoded = decode(body)
    assert isinstance(decoded, Decoded)
    assert isinstance(decoded.data, dict)
    assert decoded.text.encode() == body
    assert len(decoded.data["a"]) == len(decoded.data["b"][0]["c"][0]) == MAX_STRING_LENGTH
    assert len(decoded.data["d"]) == MAX_LIST_LENGTH


def test_records_and_isbns_of_a_list_are_cut() -> None:
    assert len(read_models(Book, [{"title": "Circe"}] * (MAX_RECORDS + 1))) == MAX_RECORDS
    numbers = (f"978{number:09}" for number in range(10_000_000, 10_006_000))
    assert (
        len(isbns([number + str(-sum(map(int, number[::2] + number[1::2] * 3)) % 10) for number in numbers]))
        == MAX_ISBNS
    )
    week = {"results": {"lists": [{"books": [{"isbns": [{"isbn10": "0316556343"}] * 60}] * 200}] * 200}}
    lists = list(lists_of(week))
    assert (len(lists), len(lists[0].books), len(lists[0].books[0].pairs)) == (100, 100, 50)


def test_a_long_result_of_wikidata_is_read_outside_the_event_loop() -> None:
    def thread(_rows: object) -> Answer[int]:
        return threading.get_ident()

    assert asyncio.run(_made((SparqlRow({}),) * ROWS_INLINE, thread)) == threading.get_ident()
    assert asyncio.run(_made((SparqlRow({}),) * (ROWS_INLINE + 1), thread)) != threading.get_ident()


def test_a_response_with_millions_of_values_is_refused_without_decoding_it() -> None:
    refused = decode(b"[" + b"1," * MAX_VALUES + b"1,1]")
    assert refused == Undecodable("the response has more than 100,000 values")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" * (MAX_VALUES + 1), "values"),
        (b'["' + b"\\\\" * MAX_ESCAPES + b'"]', "escaped characters"),
        (json.dumps({str(number): 1 for number in range(MAX_LIST_LENGTH + 1)}).encode(), "members"),
    ],
)
def test_what_no_service_sends_is_refused(body: bytes, reason: str) -> None:
    refused = decode(body)
    assert isinstance(refused, Undecodable)
    assert reason in refused.reason


def test_nothing_is_read_after_the_end_of_a_compressed_body_and_not_more_than_a_number_of_parts() -> None:
    body = Body("gzip")
    assert not body.add(gzip.compress(b"[1]"))
    assert (body.end(), body.problem) == (b"[1]", None)
    plain = Body("")
    assert sum(1 for _ in iter(lambda: plain.add(b" "), False)) == MAX_PARTS
    assert plain.problem == f"the response has more than {MAX_PARTS:,} parts"


def test_a_cached_body_expands_to_its_limit_only() -> None:
    packed = zlib.compress(b"x" * 1000)
    assert decompressed(packed, 1000) == b"x" * 1000
    assert decompressed(packed, 999) is decompressed(packed[:-1], 1000) is decompressed(b"x", 1000) is None


@given(JSON)
def test_the_decoder_that_can_be_interrupted_reads_the_same(value: Any) -> None:
    text = json.dumps(value)
    assert InterruptibleDecoder().decode(text) == json.loads(text) == load(text)


@given(JSON)
def test_the_values_of_a_list_are_read_one_after_the_other(value: Any) -> None:
    text = json.dumps(value, indent=1)
    if isinstance(value, list):
        assert list(load_each(text)) == value
        text = text.rstrip()[:-1]
    with pytest.raises(ValueError, match=r"not a JSON list|Expecting value"):
        list(load_each(text))
    with pytest.raises(ValueError, match="Expecting value"):
        list(load_each("[1, ]"))


def test_a_key_is_hidden_wherever_it_is_in_a_large_body() -> None:
    secret = Secret("sk-test/0123456789")
    space = "sk-test 0123456789 " * 400
    quoted = f"{space}sk-test/0123456789{space}sk-test%2F0123456789{space}c2stdGVzdC8wMTIzNDU2Nzg5"
    assert secret.hide(quoted) == f"{space}***{space}***{space}***"
    assert "sk-test/" not in secret.hide("sk-test/0123456789 " * (MAX_WINDOWS + 5))


def test_a_large_response_is_read_outside_the_event_loop_whether_cached_or_not(database: Database) -> None:
    threads = Threads()
    readers: list[int] = []

    def parse(response: JsonResponse) -> JsonResponse:
        readers.append(threading.get_ident())
        return response

    async def scenario() -> None:
        async with serving(as_json({"a": ["x" * 90 + str(number) for number in range(INLINE_BYTES // 10)]})) as server:
            shared = (Ledger(database, threads), HttpCache(database, threads))
            spec = ServiceSpec("svc", lambda *_: None, cache_days=1)
            transport = ServiceTransport(spec, ServiceConfig(server.url, 100), HttpClient(), *shared)
            for _ in range(2):
                assert isinstance(await transport.get("/books", parse), JsonResponse)
            assert len(server.asked) == 1
            assert len(readers) == 2
            assert threading.get_ident() not in readers

    asyncio.run(scenario())
    threads.close()


def test_a_large_response_is_recorded_though_its_caller_is_cancelled_twice_while_it_is_read(database: Database) -> None:
    threads = Threads()
    started, released = threading.Event(), threading.Event()

    def parse(response: JsonResponse) -> JsonResponse:
        if not started.is_set():
            started.set()
            released.wait()
        return response

    async def scenario() -> None:
        async with serving(as_json({"a": ["x" * 90 + str(number) for number in range(INLINE_BYTES // 10)]})) as server:
            shared = (Ledger(database, threads), HttpCache(database, threads))
            transport = ServiceTransport(
                ServiceSpec("svc", lambda *_: None, cache_days=0), ServiceConfig(server.url, 100), HttpClient(), *shared
            )
            caller = asyncio.create_task(transport.get("/books", parse))
            await asyncio.to_thread(started.wait)
            for _ in range(2):
                caller.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await caller
            released.set()

    asyncio.run(scenario())
    threads.close()
    assert database.fetch_all(OUTCOMES) == [{"outcome": "answered"}]
