"""Bytes to exchanges: whole, one byte at a time, and wrong in every way a head or a body can be."""

from __future__ import annotations

import pytest

from fake_server.wire.bounds import Bounds
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing, Request, Write
from fake_server.wire.head import Malformed, TooLarge
from fake_server.wire.request import RequestCapture

GET = Request("GET", "/v1/models")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def capture(
    data: bytes, *, request: Request = GET, step: int = 0, bounds: Bounds | None = None, fin: bool = True
) -> ReplyCapture:
    reply = ReplyCapture(request, bounds=bounds)
    for start in range(0, len(data), step or max(len(data), 1)):
        reply.feed(data[start : start + (step or len(data))], 0.0)
    if fin:
        reply.eof()
    return reply


WELL_FORMED = {
    "length": b'HTTP/1.1 200 OK\r\nX-MiXed: a,  b\r\nX-MIXED: c\r\nContent-Length: 8\r\n\r\n{"id":1}',
    "chunked": CHUNKED + b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n",
    "close": b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    "old": b"HTTP/1.0 200 OK\r\nServer: old\r\n\r\nuntil the end",
    "none": b"HTTP/1.1 204 No Content\r\n\r\n",
    "informational": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    "latin-1": b"HTTP/1.1 200 \xe9t\xe9\r\nX-Odd: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    "chunked, bare LF": CHUNKED + b"2\n{}\n0\n\n",
}


@pytest.mark.parametrize("name", WELL_FORMED)
def test_a_reply_reads_the_same_whole_and_byte_by_byte(name: str) -> None:
    whole, bits = capture(WELL_FORMED[name]).exchange, capture(WELL_FORMED[name], step=1).exchange
    assert whole.ending is Ending.CLEAN
    assert bits.payload == whole.payload
    assert bits.but(writes=()) == whole.but(writes=())
    if whole.framing is Framing.CHUNKED:
        assert bits.writes == whole.writes


@pytest.mark.parametrize("name", WELL_FORMED)
def test_every_shortened_reply_is_cut_but_one_that_the_close_ends(name: str) -> None:
    data = WELL_FORMED[name]
    for length in range(len(data)):
        exchange = capture(data[:length]).exchange
        if exchange.framing is Framing.CLOSE:
            assert exchange.ending is Ending.CLEAN
        else:
            assert (exchange.ending, bool(exchange.problem)) == (Ending.CUT, True), data[:length]


def test_header_order_case_and_repetition_are_kept() -> None:
    exchange = capture(WELL_FORMED["length"]).exchange
    assert exchange.headers == (("X-MiXed", "a,  b"), ("X-MIXED", "c"), ("Content-Length", "8"))
    assert exchange.header("x-mixed") == "a,  b, c"
    assert (exchange.reason, exchange.framing) == ("OK", Framing.LENGTH)


def test_chunks_are_writes_and_trailers_are_kept() -> None:
    exchange = capture(WELL_FORMED["chunked"]).exchange
    assert exchange.writes == (Write(b"hello"), Write(b" world"))
    assert exchange.trailers == (("X-Sum", "1"),)


def test_informational_heads_come_before_the_status() -> None:
    exchange = capture(WELL_FORMED["informational"]).exchange
    assert (exchange.status, exchange.informational) == (200, ((103, (("Link", "x"),)),))


def test_pauses_count_from_the_request_the_head_and_the_last_byte_of_each_chunk() -> None:
    reply = ReplyCapture(GET, sent_at=10.0)
    reply.feed(CHUNKED[:20], 10.5)
    reply.feed(CHUNKED[20:], 11.0)
    reply.feed(b"5\r\nhel", 12.0)
    reply.feed(b"lo", 13.5)
    reply.feed(b"\r\n1\r\n!\r\n0\r\n\r\n", 14.0)
    assert reply.exchange.head_pause == 1.0
    assert reply.exchange.writes == (Write(b"hello", 2.5), Write(b"!", 0.5))


def test_without_chunks_each_read_is_a_write() -> None:
    reply = ReplyCapture(GET)
    reply.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", 1.0)
    reply.feed(b"cd", 3.0)
    assert reply.exchange.writes == (Write(b"ab", 0.0), Write(b"cd", 2.0))


@pytest.mark.parametrize(
    ("request_method", "head"),
    [("HEAD", b"200 OK\r\nContent-Length: 5"), ("GET", b"304 Not Modified\r\nContent-Length: 5")],
)
def test_replies_without_a_body_ignore_their_length(request_method: str, head: bytes) -> None:
    reply = capture(b"HTTP/1.1 " + head + b"\r\n\r\n", request=Request(request_method, "/"), fin=False)
    assert (reply.ending, reply.framing, reply.exchange.problem) == (Ending.CLEAN, Framing.NONE, "")


MALFORMED = {
    "a status line": (b"HTTP/2.0 200 OK\r\n\r\n", "not a status line", 0),
    "two digits": (b"HTTP/1.1 20 OK\r\n\r\n", "not a status line", 0),
    "a blank line first": (b"\r\nHTTP/1.1 200 OK\r\n\r\n", "status line", 0),
    "no colon": (b"HTTP/1.1 200 OK\r\nA: b\r\nbroken\r\n\r\n", "no colon", 23),
    "no name": (b"HTTP/1.1 200 OK\r\n: b\r\n\r\n", "not a header name", 17),
    "a space in the name": (b"HTTP/1.1 200 OK\r\nA B: c\r\n\r\n", "not a header name", 17),
    "folded at once": (b"HTTP/1.1 200 OK\r\n folded\r\n\r\n", "white space", 17),
    "NUL": (b"HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n", "NUL", 21),
    "lone CR": (b"HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", "CR without LF", 21),
    "size": (CHUNKED + b"2\r\n{}\r\n 1\r\n", "not a chunk size", len(CHUNKED) + 7),
    "no size": (CHUNKED + b"\r\n", "not a chunk size", len(CHUNKED)),
    "size 0x": (CHUNKED + b"0x2\r\n{}\r\n", "not a chunk size", len(CHUNKED)),
    "chunk end": (CHUNKED + b"2\r\n{}}\r\n", "a chunk must be followed by a line ending", len(CHUNKED) + 5),
    "trailer": (CHUNKED + b"0\r\nbroken\r\n\r\n", "no colon", len(CHUNKED) + 3),
    "after 1xx": (b"HTTP/1.1 100 C\r\n\r\nhello", "status line", 18),
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("step", [0, 1])
def test_malformed_replies_say_what_and_at_which_byte(name: str, step: int) -> None:
    data, detail, offset = MALFORMED[name]
    exchange = capture(data, step=step).exchange
    assert exchange.ending is Ending.MALFORMED
    assert detail in exchange.problem
    assert f"(byte {offset})" in exchange.problem


REMARKS = {
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "folded": b"HTTP/1.1 200 OK\r\nA: b\r\n  c\r\nContent-Length: 0\r\n\r\n",
    "there is white space between": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "is repeated": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "both Transfer-Encoding": CHUNKED[:-2] + b"Content-Length: 9\r\n\r\n0\r\n\r\n",
    "HTTP/1.0 reply has": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "is not chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "is not removed": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "control character": b"HTTP/1.1 200 OK\r\nA: \x07\r\nContent-Length: 0\r\n\r\n",
    "follow the end of the reply (byte 40)": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}!",
    "chunk framing ends with a bare LF": CHUNKED + b"0\n\r\n",
}


@pytest.mark.parametrize("remark", REMARKS)
def test_what_a_recipient_may_repair_is_clean_with_a_remark(remark: str) -> None:
    exchange = capture(REMARKS[remark]).exchange
    assert exchange.ending is Ending.CLEAN
    assert remark in exchange.problem


def test_reset_says_how_far_the_body_had_come() -> None:
    reply = capture(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", fin=False)
    reply.reset()
    assert reply.ending is Ending.RESET
    assert reply.problem == "the server reset the connection: the body has 3 of 9 bytes"


def test_a_head_cut_short_keeps_its_whole_lines_and_knows_it_lacks_some() -> None:
    exchange = capture(b"HTTP/1.1 200 OK\r\nA: b\r\nHalf: x").exchange
    assert (exchange.status, exchange.headers, exchange.framing) == (200, (("A", "b"),), None)
    assert not exchange.knows(Aspect.ALL_HEADERS)


@pytest.mark.parametrize("step", [0, 1, 7])
@pytest.mark.parametrize("framing", [b"Content-Length: 90", b"Transfer-Encoding: chunked", b"X-None: 1"])
def test_the_body_bound_cuts_the_payload_exactly(step: int, framing: bytes) -> None:
    body = b"x" * 90 if b"chunked" not in framing else b"5a\r\n" + b"x" * 90 + b"\r\n0\r\n\r\n"
    data = b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + body
    over = capture(data, step=step, bounds=Bounds(body=89)).exchange
    assert (over.ending, over.payload) == (Ending.OVERSIZED, b"x" * 89)
    assert over.problem == "the body is larger than 89 bytes (bound: body)"
    assert capture(data, step=step, bounds=Bounds(body=90)).ending is Ending.CLEAN


@pytest.mark.parametrize("step", [0, 1, 3])
def test_the_event_bound_is_the_same_for_every_cut(step: int) -> None:
    stream = b"data: 12\n\ndata: 345\n\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    assert capture(head + stream, step=step, bounds=Bounds(event=10)).ending is Ending.CLEAN
    over = capture(head + stream, step=step, bounds=Bounds(event=9)).exchange
    assert over.ending is Ending.OVERSIZED
    assert "byte 10 is larger than 9 bytes (bound: event)" in over.problem


def test_the_head_bound_counts_every_informational_head() -> None:
    one = b"HTTP/1.1 102 P\r\n\r\n"
    over = capture(one * 6, bounds=Bounds(head=5 * len(one))).exchange
    assert over.ending is Ending.OVERSIZED
    assert over.problem == "the head is larger than 90 bytes (bound: head)"
    assert len(over.informational) == 5


def test_a_request_is_read_with_chunked_body_and_the_rest_left() -> None:
    data = b"\r\nPOST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET"
    whole, bits = RequestCapture(), RequestCapture()
    assert whole.feed(data) == len(data) - 3
    used = sum(bits.feed(data[index : index + 1]) for index in range(len(data)))
    assert used == len(data) - 3
    assert whole.request == bits.request
    assert whole.request.body == b"abc"


@pytest.mark.parametrize(
    "data",
    [
        b"GET /\r\n\r\n",
        b"GET / HTTP/3\r\n\r\n",
        b"G@T / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
)
def test_malformed_requests_raise(data: bytes) -> None:
    with pytest.raises(Malformed):
        RequestCapture().feed(data)


def test_requests_are_bounded() -> None:
    with pytest.raises(TooLarge, match="bound: body"):
        RequestCapture(Bounds(body=3)).feed(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd")
    with pytest.raises(TooLarge, match="bound: head"):
        RequestCapture(Bounds(head=30)).feed(b"POST / HTTP/1.1\r\nX: " + b"y" * 40)


def test_what_happens_after_the_end_changes_nothing() -> None:
    reply = capture(WELL_FORMED["none"], fin=False)
    before: Exchange = reply.exchange
    reply.eof()
    reply.reset()
    reply.stop(Ending.TIMED_OUT, "late")
    assert reply.exchange == before
