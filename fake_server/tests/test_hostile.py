"""The relay in front of every hostile target ends in time, in bounds, and says what it saw."""

from __future__ import annotations

import asyncio
import gc
import logging
import tracemalloc
from dataclasses import replace

import pytest

from fake_server.relay.relay import Relay
from fake_server.tests.hostile import ZOO, target
from fake_server.tests.listening import Handler
from fake_server.tests.steady_loop import run_steadily
from fake_server.tests.wire_client import Answer, ask, post
from fake_server.wire.bounds import Bounds
from fake_server.wire.coding import decode_content
from fake_server.wire.exchange import Aspect, Ending, Exchange
from fake_server.wire.jsontext import parse

pytestmark = pytest.mark.security("hostile targets")

SMALL = Bounds(
    connect=5.0,
    first_byte=5.0,
    idle=5.0,
    exchange=10.0,
    body=200_000,
    event=50_000,
    head=8192,
    writes=5000,
    grace=0.05,
)
QUICK = replace(SMALL, first_byte=0.25, idle=0.25, exchange=0.5, body=8_000_000)
"""For targets that are slow: their bounds are those on time."""
LONGEST = 5.0
BIG_REQUEST = 8_000_000
"""More than the kernel's buffers take when the other side never reads."""

EXPECTED = {
    "endless_stream": (Ending.OVERSIZED, "bound: "),
    "one_byte_per_second": (Ending.TIMED_OUT, "bound: exchange"),
    "one_head_byte_per_second": (Ending.TIMED_OUT, "bound: exchange"),
    "gigabyte_body": (Ending.OVERSIZED, "bound: body"),
    "gigabyte_chunk": (Ending.OVERSIZED, "bound: body"),
    "endless_to_close": (Ending.OVERSIZED, "bound: body"),
    "huge_event": (Ending.OVERSIZED, "bound: event"),
    "countless_tiny_chunks": (Ending.OVERSIZED, "bound: writes"),
    "reset_in_head": (Ending.RESET, "the head is unfinished"),
    "reset_in_body": (Ending.RESET, "the last chunk is missing"),
    "no_headers_ever": (Ending.TIMED_OUT, "bound: first_byte"),
    "never_reads": (Ending.TIMED_OUT, "bound: first_byte"),
    "silent_after_head": (Ending.TIMED_OUT, "bound: idle"),
    "silent_in_body": (Ending.TIMED_OUT, "bound: idle"),
    "closes_at_once": (Ending.CUT, "no byte of a reply"),
    "closes_after_request": (Ending.CUT, "no byte of a reply"),
    "answers_unasked": (Ending.CLEAN, ""),
    "endless_header_lines": (Ending.OVERSIZED, "bound: head"),
    "huge_header_line": (Ending.OVERSIZED, "bound: head"),
    "endless_informational": (Ending.OVERSIZED, "bound: head"),
    "endless_chunk_extension": (Ending.OVERSIZED, "bound: head"),
    "endless_trailers": (Ending.OVERSIZED, "bound: head"),
    "redirect_loop": (Ending.CLEAN, ""),
    "redirect_with_endless_body": (Ending.OVERSIZED, "bound: body"),
    "endless_comments": (Ending.OVERSIZED, "bound: body"),
    "endless_calls": (Ending.OVERSIZED, "bound: "),
    "gzip_bomb": (Ending.CLEAN, ""),
    "deflate_bomb": (Ending.CLEAN, ""),
    "gzip_members_by_the_thousand": (Ending.CLEAN, ""),
    "coded_a_thousand_times": (Ending.CLEAN, ""),
    "choices_of_nothing": (Ending.CLEAN, ""),
    "a_number_of_100_kB": (Ending.CLEAN, ""),
    "members_by_the_thousand": (Ending.CLEAN, ""),
    "error_of_tags": (Ending.CLEAN, ""),
    "invalid_utf8": (Ending.CLEAN, ""),
    "deep_nesting": (Ending.CLEAN, ""),
    "duplicate_keys": (Ending.CLEAN, ""),
    "not_a_number": (Ending.CLEAN, ""),
    "length_too_long": (Ending.CUT, "2 of 10 bytes"),
    "length_too_short": (Ending.CLEAN, "bytes follow the end of the reply (byte 72)"),
    "two_lengths": (Ending.MALFORMED, "2 and 20"),
    "length_no_number": (Ending.MALFORMED, "Content-Length is not a number: '+2'"),
    "chunk_size_garbage": (Ending.MALFORMED, "not a chunk size: b'zz"),
    "chunk_size_negative": (Ending.MALFORMED, "not a chunk size: b'-2"),
    "chunk_size_enormous": (Ending.MALFORMED, "not a chunk size"),
    "chunk_without_line_end": (Ending.MALFORMED, "a chunk must be followed by a line ending, not b'0"),
    "no_last_chunk": (Ending.CUT, "the last chunk is missing"),
    "nul_in_header": (Ending.MALFORMED, "the value of X-Nul has a NUL byte (byte 25)"),
    "lone_cr_line_ends": (Ending.MALFORMED, "the head has a CR without LF (byte 15)"),
    "header_without_colon": (Ending.MALFORMED, "no colon"),
    "not_http": (Ending.MALFORMED, "b'SSH-2.0"),
    "tls_alert": (Ending.MALFORMED, r"b'\x15\x03\x01"),
    "http2_preface": (Ending.MALFORMED, "must begin with a status line"),
    "bare_body": (Ending.MALFORMED, "must begin with a status line"),
    "status_no_number": (Ending.MALFORMED, "not a status line"),
    "body_after_204": (Ending.CLEAN, "bytes follow the end of the reply"),
}


async def through_relay(handler: Handler, request: bytes, bounds: Bounds = SMALL) -> tuple[list[Exchange], Answer]:
    troubles: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: troubles.append(context))
    started = loop.time()
    async with target(handler) as url, Relay(url + "/v1", bounds=bounds) as relay:
        answer = await ask(relay.port, request, LONGEST)
        await relay.wait_until_idle()
        exchanges = list(relay.exchanges)
    assert loop.time() - started < LONGEST
    gc.collect()
    await asyncio.sleep(0)
    assert not troubles
    return exchanges, answer


def test_every_hostile_target_has_an_expected_ending() -> None:
    assert set(ZOO) == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(ZOO))
def test_relay_ends_within_its_bounds(name: str, caplog: pytest.LogCaptureFixture) -> None:
    ending, problem = EXPECTED[name]
    bounds = QUICK if ending is Ending.TIMED_OUT else SMALL
    body = b"x" * BIG_REQUEST if name == "never_reads" else b"{}"
    with caplog.at_level(logging.WARNING):
        request = post(body, "/chat/completions")
        exchanges, answer = run_steadily(through_relay(ZOO[name], request, bounds))
    assert not caplog.records
    [exchange] = exchanges
    assert (exchange.ending, problem in exchange.problem) == (ending, True), exchange.problem
    assert len(exchange.payload) <= SMALL.body
    assert len(exchange.writes) <= SMALL.writes
    assert exchange.request.target == "/chat/completions"
    if ending is Ending.CLEAN and not problem:
        assert not exchange.problem
        assert answer.body == exchange.payload


def test_memory_stays_near_the_bound_of_the_body() -> None:
    """A hundred times the bound is sent; no more than a few times the bound is ever held."""

    async def run() -> None:
        bounds = replace(SMALL, body=1_000_000, exchange=5.0)
        [exchange], _ = await through_relay(ZOO["gigabyte_chunk"], post(), bounds)
        assert exchange.ending is Ending.OVERSIZED
        assert len(exchange.payload) == bounds.body

    tracemalloc.start()
    try:
        run_steadily(run())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000


def test_a_gzip_bomb_is_unpacked_to_the_limit_only() -> None:
    [exchange], _ = run_steadily(through_relay(ZOO["gzip_bomb"], post()))
    text, problem = decode_content(exchange, limit=1_000_000)
    assert len(text) == 1_000_000
    assert problem == "gzip: the body unpacks to more than 1000000 bytes"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("invalid_utf8", "encoding"),
        ("deep_nesting", "depth"),
        ("duplicate_keys", "duplicate"),
        ("not_a_number", "number"),
    ],
)
def test_bad_json_passes_unchanged_and_is_named(name: str, kind: str) -> None:
    [exchange], answer = run_steadily(through_relay(ZOO[name], post()))
    assert answer.body == exchange.payload
    assert kind in {problem.kind for problem in parse(exchange.payload).problems}


def test_endless_head_kept_in_part() -> None:
    [exchange], _ = run_steadily(through_relay(ZOO["reset_in_head"], post()))
    assert exchange.status == 200
    assert exchange.headers == (("Content-Type", "application/json"),)
    assert not exchange.knows(Aspect.ALL_HEADERS)
