"""Two replies compared: each difference of framing and timing has a pair that shows exactly it."""

from __future__ import annotations

import json

import pytest

from contract_tests.diffing import Kind, compare
from contract_tests.tests.diff_pairs import (
    DICT,
    STREAM,
    between,
    message,
    of,
    reply,
    rows,
)
from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing, Write


def rewritten(old: bytes, new: bytes) -> Exchange:
    """The stream with bytes replaced in each write."""
    return STREAM.but(writes=tuple(Write(write.data.replace(old, new)) for write in STREAM.writes))


LONG = b"".join(write.data for write in STREAM.writes)
FRAMINGS: dict[str, tuple[Exchange, Exchange, tuple[str, str, str]]] = {
    "status": (DICT, DICT.but(status=201), ("status", "200", "201")),
    "reason": (DICT, DICT.but(reason="Fine"), ("reason phrase", "OK", "Fine")),
    "version": (DICT, DICT.but(http_version="1.0"), ("HTTP version", "1.1", "1.0")),
    "transfer": (
        DICT,
        DICT.but(framing=Framing.CLOSE),
        ("end of the body", "content-length", "the connection closes"),
    ),
    "1xx": (DICT, DICT.but(informational=((103, ()),)), ("informational", "absent", "103")),
    "trailers": (DICT, DICT.but(trailers=(("X-T", "1"),)), ("trailers", "absent", "X-T")),
    "a field": (DICT, DICT.but(headers=(*DICT.headers, ("Via", "x"))), ("header via", "absent", "x")),
    "a value": (
        DICT,
        DICT.but(headers=(("Content-Type", "text/plain"),)),
        ("header content-type", "application/json", "text/plain"),
    ),
    "case": (
        DICT,
        DICT.but(headers=(("content-type", "application/json"),)),
        ("case of header names", "Title-Case", "lower case"),
    ),
    "ending": (DICT, DICT.but(ending=Ending.CUT), ("ending", "clean", "cut")),
    "spacing": (
        DICT,
        reply(json.dumps(message(), separators=(",", ":")).encode()),
        ("JSON spacing", "spaced", "compact"),
    ),
    "lines": (
        DICT,
        reply(json.dumps(message(), indent=1).encode()),
        ("JSON spacing", "spaced", "over lines"),
    ),
    "escapes": (
        reply(message("é")),
        reply(json.dumps(message("é"), ensure_ascii=False).encode()),
        ("letters beyond ASCII", "escaped", "as they are"),
    ),
    "line ends": (STREAM, rewritten(b"\n", b"\r\n"), ("line ends", "LF", "CRLF")),
    "no space": (STREAM, rewritten(b"data: ", b"data:"), ("space after data:", "one", "none")),
    "comments": (STREAM, rewritten(b"data: ", b": x\ndata: "), ("comments", "absent", "present")),
    "event: lines": (
        STREAM,
        rewritten(b"data: ", b"event: message\ndata: "),
        ("event: lines", "absent", "present"),
    ),
    "blank lines first": (
        STREAM,
        rewritten(b'data: {"id"', b'\n\ndata: {"id"'),
        ("blank lines", "one", "several in a row"),
    ),
    "other fields": (STREAM, rewritten(b"data: ", b"x: y\ndata: "), ("other fields", "absent", "x")),
    "a BOM": (
        STREAM,
        STREAM.but(writes=(Write(b"\xef\xbb\xbf" + STREAM.writes[0].data), *STREAM.writes[1:])),
        ("byte order mark", "absent", "first"),
    ),
    "an unfinished event": (
        STREAM,
        STREAM.but(writes=(*STREAM.writes[:-1], Write(b"data: [DONE]\n"))),
        ("last event", "finished", "unfinished"),
    ),
    "writes": (STREAM, STREAM.with_payload(LONG), ("writes", "one for each event", "all in one")),
    "cut events": (
        STREAM,
        STREAM.but(writes=(Write(LONG[:20]), Write(LONG[20:]))),
        ("writes", "one for each event", "events split, several events in one"),
    ),
}


@pytest.mark.parametrize(("a", "b", "expected"), FRAMINGS.values(), ids=FRAMINGS)
def test_a_difference_of_framing_alone(a: Exchange, b: Exchange, expected: tuple[str, str, str]) -> None:
    assert rows(between(a, b)) == [("framing", *expected)]


def test_header_values_that_vary_are_compared_by_kind() -> None:
    def answered(request_id: str, took: str, cookie: str) -> Exchange:
        more = (("x-request-id", request_id), ("openai-processing-ms", took), ("set-cookie", cookie))
        return DICT.but(headers=(*DICT.headers, *more))

    one = answered("req_0123", "12", "a=1")
    assert rows(between(one, answered("req_4567", "9000", "b=secret"))) == []
    assert rows(between(one, answered("77", "9000", "b"))) == [
        ("framing", "header x-request-id", "an id req_…", "a number")
    ]


def test_times_are_told_where_they_differ_notably() -> None:
    def paced(head: float, pause: float) -> Exchange:
        return STREAM.but(head_pause=head, writes=tuple(Write(write.data, pause) for write in STREAM.writes))

    assert rows(between(paced(0.1, 0.02), paced(0.14, 0.025))) == []
    found = between(paced(0.1, 0.02), paced(0.5, 0.02))
    assert rows(found) == [
        ("timing", "time to the head", "100 ms", "500 ms (×5)"),
        ("timing", "time to the first write", "120 ms", "520 ms (×4.33)"),
        ("timing", "time in all", "200 ms", "600 ms (×3)"),
    ]
    assert found.same
    assert "pause between writes" in [row[1] for row in rows(between(paced(0.1, 0.02), paced(0.1, 0.2)))]
    assert between(paced(0.1, 0.02), STREAM).unknown == ("times (not recorded in B)",)


def test_what_a_side_does_not_know_is_said_once_and_not_compared() -> None:
    dim = STREAM.but(
        headers=(),
        reason="",
        framing=None,
        ending=Ending.UNKNOWN,
        http_version="1.0",
        writes=(Write(LONG.replace(b"\n", b"\r\n")),),
        unknown=frozenset(Aspect) - {Aspect.REQUEST},
    )
    found = between(STREAM, dim)
    assert rows(found) == []
    assert len([one for one in found.unknown if "(not recorded in B)" in one]) == 1


def test_only_some_kinds() -> None:
    other = reply({"x": 1, **dict(reversed(message().items()))}).but(status=201)
    assert {one.kind for one in between(DICT, other).differences} == {Kind.SHAPE, Kind.ORDER, Kind.FRAMING}
    for kind in Kind:
        assert {one.kind for one in compare(of(DICT), of(other), (kind,)).differences} <= {kind}
