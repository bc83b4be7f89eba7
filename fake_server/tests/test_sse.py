"""Server-sent events: one table read whole and in bits, and the encoder read back."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_server.wire.sse import BOM, Decoder, Event, EventMeter, EventTooLarge, decode, encode

OTHER_SEPARATORS = "data: a\u2028b\u0085c\x0bd\n\n".encode()

# Streams and the (type, data, complete) of each event, by WHATWG HTML section 9.2.6.
TABLE: dict[str, tuple[bytes, list[tuple[str, str | None, bool]]]] = {
    "LF": (b"data: a\n\ndata: b\n\n", [("message", "a", True), ("message", "b", True)]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [("message", "a", True), ("message", "b", True)]),
    "CR": (b"data: a\r\rdata: b\r\r", [("message", "a", True), ("message", "b", True)]),
    "mixed ends": (b"data: a\r\n\ndata: b\n\r\n", [("message", "a", True), ("message", "b", True)]),
    "no space": (b"data:a\n\n", [("message", "a", True)]),
    "two spaces": (b"data:  a\n\n", [("message", " a", True)]),
    "several data lines": (b"data: a\ndata:\ndata: b\n\n", [("message", "a\n\nb", True)]),
    "no colon": (b"data\n\n", [("message", "", True)]),
    "comment": (b": hi\n\n:\ndata: a\n\n", [("message", None, True), ("message", "a", True)]),
    "named": (b"event: x\nevent: y\ndata: a\n\n", [("y", "a", True)]),
    "empty name": (b"event:\ndata: a\n\n", [("message", "a", True)]),
    "unknown field": (b"id: 1\nfoo: bar\ndata: a\n\n", [("message", "a", True)]),
    "field in upper case": (b"DATA: a\n\n", [("message", None, True)]),
    "blank lines only": (b"\n\n\r\n\r", []),
    "unfinished": (b"data: a\n\ndata: b\n", [("message", "a", True), ("message", "b", False)]),
    "unfinished line": (b"data: a", [("message", "a", False)]),
    "BOM": (BOM + b"data: a\n\n", [("message", "a", True)]),
    "BOM inside": (b"\n" + BOM + b"data: a\n\n", [("message", None, True)]),
    "half a BOM": (b"\xef\xbbdata: a\n\n", [("message", None, True)]),
    "other separators": (OTHER_SEPARATORS, [("message", OTHER_SEPARATORS.decode()[6:-2], True)]),
    "not UTF-8": (b"data: \xff\n\n", [("message", "\ufffd", True)]),
    "colons": (b"data: a: b\n\n", [("message", "a: b", True)]),
    "nothing": (b"", []),
}


PIECES = [b"data", b"event", b":", b" ", b"\n", b"\r", b"\r\n", b"x", BOM, BOM[:1], "é".encode()]


def facts(events: list[Event]) -> list[tuple[str, str | None, bool]]:
    return [(event.type, event.data, event.complete) for event in events]


def in_bits(stream: bytes, step: int) -> list[Event]:
    decoder = Decoder()
    events = [event for start in range(0, len(stream), step) for event in decoder.feed(stream[start : start + step])]
    return [*events, *decoder.close()]


@pytest.mark.parametrize("name", TABLE)
def test_a_stream_gives_its_events_in_pieces_of_any_size(name: str) -> None:
    stream, expected = TABLE[name]
    whole = decode(stream)
    assert facts(whole) == expected
    for step in range(1, 6):
        assert in_bits(stream, step) == whole


@given(
    st.lists(
        st.sampled_from([b"data", b"event", b":", b" ", b"\n", b"\r", b"\r\n", b"x", BOM, BOM[:1], "é".encode()])
    ).map(b"".join),
    st.integers(1, 9),
)
def test_pieces_never_change_the_events(stream: bytes, step: int) -> None:
    whole = decode(stream)
    assert in_bits(stream, step) == whole
    for event in whole:
        assert stream[event.start : event.stop].startswith(event.lines[0].data)
        for line in event.lines:
            assert stream[line.start : line.start + len(line.data)] == line.data
    assert [event.index for event in whole] == list(range(len(whole)))
    assert all(one.stop <= other.start for one, other in pairwise(whole))


def test_offsets_point_into_the_stream() -> None:
    stream = BOM + b": hi\r\n\r\nevent: x\r\ndata: a\r\n\r\n"
    comment, event = decode(stream)
    assert (comment.start, comment.stop) == (3, 11)
    assert stream[event.data_start :].startswith(b"a\r\n")
    assert stream[event.start : event.stop] == b"event: x\r\ndata: a\r\n\r\n"
    assert [line.end for line in event.lines] == [b"\r\n", b"\r\n"]
    assert comment.data_start == comment.start


@given(
    st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"])),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.sampled_from([None, "error"]),
)
def test_what_is_encoded_decodes_to_itself(data: str, end: str, space: bool, name: str | None) -> None:
    if not space and any(line.startswith(" ") for line in data.split("\n")):
        space = True  # without the space after the colon, the data's own first space is taken off
    [event] = decode(encode(data, event=name, line_end=end, space=space))
    assert (event.data, event.type, event.complete) == (data, name or "message", True)


@pytest.mark.parametrize("step", [1, 2, 100])
@pytest.mark.parametrize("tail", [b"\n\n", b""])
def test_the_bound_on_an_event_does_not_depend_on_the_pieces(step: int, tail: bytes) -> None:
    stream = b"data\n\ndata: 234" + tail + b"data: 5\n\n" * bool(tail)
    size = len(b"data: 234" + tail[:1])

    def feed(limit: int) -> None:
        meter = EventMeter(limit)
        for start in range(0, len(stream), step):
            meter.feed(stream[start : start + step])

    feed(size)
    with pytest.raises(EventTooLarge, match=f"starts at byte 6 is larger than {size - 1} bytes"):
        feed(size - 1)


@given(st.lists(st.sampled_from(PIECES)).map(b"".join), st.integers(1, 9), st.integers(1, 12))
def test_the_meter_agrees_with_the_decoder_for_every_cut(stream: bytes, step: int, limit: int) -> None:
    stream = stream.replace(BOM, b"")
    sizes = [(event.start, event.lines[-1]) for event in decode(stream)]
    too_large = [start for start, last in sizes if last.start + len(last.data + last.end) - start > limit]
    meter, found = EventMeter(limit), None
    try:
        for start in range(0, len(stream), step):
            meter.feed(stream[start : start + step])
    except EventTooLarge as error:
        found = error.start
    assert found == (too_large[0] if too_large else None)


@pytest.mark.parametrize("piece", [b"\n", b"a\n\n", b"a", b"a\n", b"\r\n"])
def test_the_meter_is_quick_on_the_worst_streams(piece: bytes) -> None:
    meter, data = EventMeter(100_000_000), piece * (65536 // len(piece))
    started = time.process_time()
    for _ in range(256):
        meter.feed(data)
    assert time.process_time() - started < 5
