"""Every fault at a raw socket: the exact bytes that arrive, and how the connection ends.

The stream is the same in every test: five events whose bytes are known, the fourth of them with characters of
several bytes, and `[DONE]`.
"""

from __future__ import annotations

import ast
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_server import FakeServer
from fake_server.faults import CATALOGUE
from fake_server.tests.raw_client import Got, ask

DATA = ['{"content":"a"}', '{"content":"b"}', '{"content":"c"}', '{"content":"é木"}', "[DONE]"]
EVENTS = [f"data: {one}\n\n".encode() for one in DATA]
WHOLE, AFTER_1, AFTER_2, DONE = b"".join(EVENTS), b"".join(EVENTS[1:]), b"".join(EVENTS[2:]), EVENTS[-1]
MIXED = b"".join(event.replace(b"\n", (b"\r", b"\n", b"\r\n")[n % 3]) for n, event in enumerate(EVENTS))
DICT = '{"content":"é木"}'.encode()
COMMENTED = EVENTS[0] + b": xx\n\n" * 3 + AFTER_1
ERROR = b'data: {"error": {"message": "no", "type": "server_error", "param": null, "code": null}}\n\n'
HALF = b"\xed\xa0\xbd"  # half of a surrogate pair, which is no UTF-8
DONE_ERROR = EVENTS[0] + ERROR + DONE


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    script = {"name": "known", "reply": {"raw": {"stream": DATA, "body": DICT.decode()}}}
    with FakeServer([script], plain=True) as server:
        yield server


def port(fake: FakeServer) -> int:
    return int(fake.root.rpartition(":")[2])


def broken(fake: FakeServer, fault: str, *, stream: bool = True, **parameters: Any) -> Got:
    """What arrives of the reply when the fault is in force."""
    fake.reset()
    fake.fault(fault, **parameters)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    got = ask(port(fake), body)
    assert fake.requests[-1].faults == (fault,)
    return got


STREAMS: list[tuple[str, dict[str, Any], bytes, str, bool]] = [
    # fault, parameters, the body's bytes, the connection's end, whether the last chunk came
    ("cut", {"after_bytes": 20}, WHOLE[:20], "fin", False),
    ("cut", {"after_bytes": 20, "ending": "rst"}, WHOLE[:20], "rst", False),
    ("cut", {"after_events": 3}, b"".join(EVENTS[:3]), "fin", False),
    ("cut", {"after_events": 3, "ending": "rst"}, b"".join(EVENTS[:3]), "rst", False),
    ("cut", {}, b"", "fin", False),
    ("cut", {"after_seconds": 0.05}, WHOLE, "fin", False),
    ("no-last-chunk", {}, WHOLE, "fin", False),
    ("stall", {"after_events": 2, "seconds": 0.05}, WHOLE, "fin", True),
    ("slow", {"bytes_per_second": 2000}, WHOLE, "fin", True),
    ("slow-head", {"piece": 50, "seconds": 0.01}, WHOLE, "fin", True),
    ("split", {"every": 5}, WHOLE, "fin", True),
    ("split-utf8", {}, WHOLE, "fin", True),
    ("merge", {}, WHOLE, "fin", True),
    ("drop-event", {"event": 2}, WHOLE.replace(EVENTS[1], b""), "fin", True),
    ("drop-event", {"event": -1}, b"".join(EVENTS[:-1]), "fin", True),
    ("double-event", {"event": 2}, b"".join([*EVENTS[:2], *EVENTS[1:]]), "fin", True),
    ("truncated-event", {"event": 2, "keep": 9}, EVENTS[0] + EVENTS[1][:9] + AFTER_2, "fin", True),
    ("no-done", {}, b"".join(EVENTS[:-1]), "fin", True),
    ("double-done", {}, WHOLE + EVENTS[-1], "fin", True),
    ("late-done", {"seconds": 0.05}, WHOLE, "fin", True),
    ("after-done", {}, WHOLE + EVENTS[3], "fin", True),
    ("after-done", {"data": "late"}, WHOLE + b"data: late\n\n", "fin", True),
    ("error-event", {"after_events": 1, "message": "no"}, EVENTS[0] + ERROR, "fin", True),
    (
        "error-event",
        {"after_events": 1, "message": "no", "done": True},
        EVENTS[0] + ERROR + DONE,
        "fin",
        True,
    ),
    ("garbage", {"after_events": 1, "text": "??"}, EVENTS[0] + b"??" + AFTER_1, "fin", True),
    ("bom", {}, b"\xef\xbb\xbf" + WHOLE, "fin", True),
    ("invalid-utf8", {}, WHOLE.replace(b'"a"', b'"\xffa"'), "fin", True),
    ("line-ends", {"ends": "crlf"}, WHOLE.replace(b"\n", b"\r\n"), "fin", True),
    ("line-ends", {"ends": "cr"}, WHOLE.replace(b"\n", b"\r"), "fin", True),
    ("line-ends", {}, MIXED, "fin", True),
    ("no-space", {}, WHOLE.replace(b"data: ", b"data:"), "fin", True),
    (
        "comments",
        {"count": 3, "size": 2, "after_events": 1},
        EVENTS[0] + b": xx\n\n" * 3 + AFTER_1,
        "fin",
        True,
    ),
    ("empty-body", {}, b"", "fin", True),
    ("header", {"name": "Content-Type", "value": "text/plain"}, WHOLE, "fin", True),
    ("double-framing", {}, WHOLE, "fin", True),
    ("after-done", {"data": "\ud83d"}, WHOLE + b"data: " + HALF + b"\n\n", "fin", True),
    ("garbage", {"after_events": 1, "text": "\ud83d"}, EVENTS[0] + HALF + AFTER_1, "fin", True),
    ("error-event", {"after_events": 1, "message": "\ud83d"}, EVENTS[0] + ERROR.replace(b"no", HALF), "fin", True),
]


@pytest.mark.parametrize(
    ("fault", "parameters", "body", "ending", "last_chunk"),
    STREAMS,
    ids=[f"{name} {given}" for name, given, *_ in STREAMS],
)
def test_a_stream(
    fake: FakeServer, fault: str, parameters: dict[str, Any], body: bytes, ending: str, last_chunk: bool
) -> None:
    got = broken(fake, fault, **parameters)
    assert (got.status, got.body, got.ending) == (200, body, ending)
    assert got.chunks[1] is last_chunk


def test_the_pieces_are_those_of_the_fault(fake: FakeServer) -> None:
    assert broken(fake, "merge").chunks[0] == [WHOLE]
    assert {len(one) for one in broken(fake, "split", every=5).chunks[0]} <= {
        5,
        len(EVENTS[0]) % 5,
        len(EVENTS[3]) % 5,
        len(EVENTS[4]) % 5,
    }
    pieces = broken(fake, "split-utf8").chunks[0]
    assert sum(1 for one in pieces if one and 0x80 <= one[0] < 0xC0) == 2


def test_pauses_take_their_time(fake: FakeServer) -> None:
    for fault, parameters in (
        ("stall", {"after_events": 2, "seconds": 0.2}),
        ("late-done", {"seconds": 0.2}),
        ("slow", {"bytes_per_second": len(WHOLE) * 4}),
        ("slow-head", {"piece": 40, "seconds": 0.1}),
    ):
        assert broken(fake, fault, **parameters).seconds >= 0.18


def test_a_stall_without_seconds_lasts_until_the_client_leaves(fake: FakeServer) -> None:
    fake.reset()
    fake.fault("stall", after_bytes=30)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    got = ask(port(fake), body, until=WHOLE[:30], seconds=0.3)
    assert (got.body, got.ending) == (WHOLE[:30], "open")


@pytest.mark.parametrize("ending", ["fin", "rst"])
def test_close_sends_nothing(fake: FakeServer, ending: str) -> None:
    got = broken(fake, "close", ending=ending)
    assert (got.head, got.framed, got.ending) == (b"", b"", ending)


@pytest.mark.parametrize(("by", "length"), [(10, len(DICT) + 10), (-4, len(DICT) - 4), (-1000, 0)])
def test_wrong_length(fake: FakeServer, by: int, length: int) -> None:
    got = broken(fake, "wrong-length", stream=False, by=by)
    assert (got.fields["content-length"], got.framed, got.ending) == (str(length), DICT, "fin")
    streamed = broken(fake, "wrong-length", by=5)
    assert (streamed.fields["content-length"], streamed.framed) == (str(len(WHOLE) + 5), WHOLE)


def test_a_dict_is_cut_behind_its_true_length(fake: FakeServer) -> None:
    got = broken(fake, "cut", stream=False, after_bytes=7)
    assert (got.fields["content-length"], got.framed, got.ending) == (str(len(DICT)), DICT[:7], "fin")


def test_broken_gzip(fake: FakeServer) -> None:
    for how in ("truncated", "corrupt", "not-gzip"):
        got = broken(fake, "broken-gzip", stream=False, how=how)
        assert got.fields["content-encoding"] == "gzip"
        assert int(got.fields["content-length"]) == len(got.framed)
        with pytest.raises((EOFError, zlib.error, gzip.BadGzipFile)):
            gzip.decompress(got.framed)
    cut = broken(fake, "broken-gzip", stream=False, how="truncated").framed
    assert gzip.compress(DICT, mtime=0).startswith(cut)


@pytest.mark.parametrize("by", [0, 7, -7, -1000])
def test_content_length_stands_beside_chunked(fake: FakeServer, by: int) -> None:
    """In one row of STREAMS the chunks are right; here they are missing, although the head says that they are there."""
    for stream, body in ((True, WHOLE), (False, DICT)):
        got = broken(fake, "double-framing", stream=stream, by=by)
        assert (got.fields["transfer-encoding"], got.body, got.chunks[1]) == ("chunked", body, True)
        assert got.fields["content-length"] == str(max(len(body) + by, 0))
        got = broken(fake, "double-framing", stream=stream, by=by, chunks=False)
        assert (got.fields["transfer-encoding"], got.framed, got.ending) == ("chunked", body, "fin")
        assert got.head.lower().count(b"content-length") == got.head.lower().count(b"transfer-encoding") == 1


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_reply_is_compressed_although_nobody_asked(fake: FakeServer, coding: str) -> None:
    window = zlib.MAX_WBITS + (16 if coding == "gzip" else 0)
    got = broken(fake, "compress", stream=False, coding=coding)
    assert (zlib.decompress(got.framed, window), got.fields["content-encoding"]) == (DICT, coding)
    assert got.fields["content-length"] == str(len(got.framed))
    assert "content-encoding" not in broken(fake, "compress", coding=coding, named=False).fields
    got, unpacking = broken(fake, "compress", coding=coding), zlib.decompressobj(window)
    assert (b"".join(map(unpacking.decompress, got.chunks[0])), unpacking.eof, got.chunks[1]) == (WHOLE, True, True)


def test_each_compressed_event_can_be_read_when_it_comes(fake: FakeServer) -> None:
    fake.reset()
    fake.fault("compress")
    fake.fault("cut", after_events=3)
    fake.fault("split", every=5)
    got = ask(port(fake), {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "stream": True})
    assert fake.requests[-1].faults == ("cut", "split", "compress")
    unpacking = zlib.decompressobj(zlib.MAX_WBITS + 16)
    texts = [unpacking.decompress(piece) for piece in got.chunks[0]]
    assert max(map(len, texts)) == 5
    assert (b"".join(texts), unpacking.eof, got.chunks[1]) == (b"".join(EVENTS[:3]), False, False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504, 529])
def test_errors_have_openais_form(fake: FakeServer, status: int) -> None:
    got = broken(fake, "error", status=status, retry_after=1.5)
    assert (got.status, got.fields["content-type"]) == (status, "application/json")
    assert (got.fields["retry-after"], got.fields["retry-after-ms"]) == ("2", "1500")
    error = json.loads(got.framed)["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert got.fields["x-request-id"].startswith("req_")


def test_an_error_of_ones_own_words(fake: FakeServer) -> None:
    got = broken(fake, "error", status=400, message="no", type="t", param="p", code="c")
    assert json.loads(got.framed) == {"error": {"message": "no", "type": "t", "param": "p", "code": "c"}}
    assert json.loads(broken(fake, "insufficient-quota").framed)["error"]["code"] == "insufficient_quota"


def test_a_gateways_page(fake: FakeServer) -> None:
    got = broken(fake, "html-error", status=503)
    assert (got.status, got.fields["content-type"]) == (503, "text/html")
    assert got.framed.startswith(b"<html>")


def test_every_fault_is_shown_here(fake: FakeServer) -> None:
    """By a row of STREAMS or by a test, here, in test_value_faults_on_the_wire.py or (quota) in test_faults.py."""
    files = ("test_faults_on_the_wire.py", "test_value_faults_on_the_wire.py", "test_faults.py")
    shown = {name for file in files for name in _shown_faults(Path(__file__).with_name(file))}
    missing = sorted(set(CATALOGUE) - shown)
    assert not missing, (
        f"no test shows what these faults do to the bytes: {', '.join(missing)}. Add a row to STREAMS in {files[0]}, "
        f"or in {files[1]} for JSON values, or a test that calls broken(fake, NAME) or fake.fault(NAME)"
    )


def _shown_faults(file: Path) -> Iterator[str]:
    """The faults of a file's table STREAMS, and those that its tests put in force."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "STREAMS":
            assert isinstance(node.value, ast.List)
            for row in node.value.elts:
                assert isinstance(row, ast.Tuple)
                yield ast.literal_eval(row.elts[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("broken", "fake.fault", "sensible.fault"):
            for argument in node.args:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)
