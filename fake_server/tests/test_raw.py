"""Every byte of a reply is kept: captured, saved, loaded and sent again it is seen the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_server.tests.strategies import exchanges
from fake_server.tests.test_capture import MALFORMED, REMARKS, WELL_FORMED
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Aspect, Ending, Exchange, Request, Write
from fake_server.wire.fixture import Fixture, load, save
from fake_server.wire.outgoing import serialize_reply
from fake_server.wire.proof import differences

POST = Request("POST", "/v1/chat/completions", (), b"{}")
REPLIES = [*WELL_FORMED.values(), *(data for data, *_ in MALFORMED.values()), *REMARKS.values()]


def captured(pieces: list[tuple[bytes, float]], ending: Ending) -> Exchange:
    """What a recorder keeps of these reads, the pauses being those before each."""
    reply, at = ReplyCapture(POST, keep_raw=True, label="one"), 0.0
    for data, pause in pieces:
        at += pause
        reply.feed(data, at)
    if ending is Ending.RESET:
        reply.reset()
    elif ending is Ending.CUT:
        reply.eof()
    else:
        reply.stop(ending, "left")
    return reply.exchange


def through_a_file(exchange: Exchange) -> Exchange:
    with tempfile.TemporaryDirectory() as folder:
        save(Fixture(exchange), Path(folder) / "one.yaml")
        return load(Path(folder) / "one.yaml").exchange


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(REPLIES) | st.binary(max_size=60),
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from([0.0, 0.25, 1.5])), max_size=8),
    st.integers(0, 200),
    st.sampled_from([Ending.CUT, Ending.RESET, Ending.TIMED_OUT]),
)
def test_what_is_sent_again_is_every_byte_that_came(
    data: bytes, cuts: list[tuple[int, float]], stop: int, ending: Ending
) -> None:
    data, pieces = data[: stop or None], []
    for size, pause in cuts:
        pieces.append((data[:size], pause))
        data = data[size:]
    pieces = [piece for piece in [*pieces, (data, 0.5)] if piece[0]]
    exchange = captured(pieces, ending)
    loaded = through_a_file(exchange)
    assert loaded == exchange
    assert b"".join(write.data for write in serialize_reply(loaded)) == b"".join(piece for piece, _ in pieces)
    assert differences(loaded) == []


@pytest.mark.parametrize("name", WELL_FORMED)
def test_raw_bytes_are_kept_only_where_the_values_would_be_sent_otherwise(name: str) -> None:
    written_otherwise = {"chunked", "bare LF", "chunked, bare LF", "no reason"}
    exchange = captured([(WELL_FORMED[name], 0.0)], Ending.CUT)
    assert exchange.raw == ((Write(WELL_FORMED[name]),) if name in written_otherwise else ())


@pytest.mark.parametrize("place", [20, 53, 58])
def test_a_pause_that_no_write_holds_is_kept(place: int) -> None:
    """Inside the head, inside a chunk, before the last chunk."""
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n"
    exchange = captured([(whole[:place], 0.0), (whole[place:], 1.5)], Ending.CUT)
    assert exchange.raw == (Write(whole[:place]), Write(whole[place:], 1.5))
    assert differences(exchange) == []
    assert captured([(whole[:place], 0.0), (whole[place:], 0.01)], Ending.CUT).raw == ()


@pytest.mark.parametrize("place", [47, 58])
def test_a_pause_between_writes_needs_no_raw_bytes(place: int) -> None:
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n1\r\ng\r\n0\r\n\r\n"
    exchange = captured([(whole[:place], 0.0), (whole[place:], 1.5)], Ending.CUT)
    assert exchange.raw == ()
    assert 1.5 in [write.pause for write in exchange.writes]


def test_bytes_after_the_end_are_kept() -> None:
    data = WELL_FORMED["length"] + b"HTTP/1.1 500 too many\r\n"
    exchange = captured([(data, 0.0)], Ending.CUT)
    assert exchange.ending is Ending.CLEAN
    assert b"".join(write.data for write in exchange.raw) == data
    assert differences(exchange) == []


@settings(max_examples=100, deadline=None)
@given(exchanges())
def test_an_exchange_without_raw_bytes_proves_itself(exchange: Exchange) -> None:
    assert differences(exchange) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": 204}, "body"),
        ({"headers": (("Content-Length", "3"),)}, "body"),
        ({"writes": (Write(b"ab", 0.5), Write(b"cd"), Write(b""))}, "write sizes"),
        ({"ending": Ending.CUT}, "ending"),
    ],
)
def test_a_recording_that_contradicts_itself_does_not(change: dict[str, object], words: str) -> None:
    exchange = captured([(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", 0.0)], Ending.CUT)
    assert differences(exchange) == []
    assert words in " ".join(differences(exchange.but(raw=(), **change)))


def test_a_length_that_a_decoded_body_no_longer_has_is_put_right() -> None:
    imported = Exchange(
        POST,
        200,
        (("Content-Length", "900"),),
        (Write(b"abcd"),),
        ending=Ending.UNKNOWN,
        unknown=frozenset({Aspect.FRAMING}),
    )
    assert b"Content-Length: 4\r\n" in next(serialize_reply(imported)).data
    assert differences(imported) == []
