"""Part `wire`: any bytes on a connection are refused or answered, and the connection ends in time."""

from __future__ import annotations

from hypothesis import strategies as st

from contract_tests.lab.fuzz.client import check_log, check_well_formed, first_exchange, send
from contract_tests.lab.fuzz.fake_process import FakeProcess
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.fuzz.values import byte_mutations
from fake_server.wire.exchange import Request

METHODS = ["GET", "POST", "HEAD", "OPTIONS", "CONNECT", "PRI", "get", "", "G\0T", "X" * 300, "\xe9"]
TARGETS = [
    "/v1/models", "/v1/chat/completions", "/__fake__/faults", "*", "", "/", "//", "/%00", "/%ff%zz",
    "/?" * 50, "x:1", "http://a/v1/models", "http://", "/@a/v1/models", "/@/x", "/@%2f/v1/models", "/ ",
    "/a b", "/\xe9", "/" + "a" * 70_000, "/v1/models/" + "%F0%9F%98%80" * 20, "/../v1/models",
    "/v1/models#x", "/__fake__/assets/..%2f..%2fapp.py",
]  # fmt: skip
VERSIONS = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.1 ", "", "http/1.1"]
LINES = [
    "Content-Length: 2", "Content-Length: 0", "Content-Length: -1", "Content-Length: +2",
    "Content-Length: 0x2", "Content-Length: 2, 2", "Content-Length: 2\r\nContent-Length: 3",
    "Content-Length: " + "9" * 40, "Content-Length: 99999999999", "Content-Length: \xb2",
    "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding: xchunked",
    "TE: trailers", "Expect: 100-continue", "Expect: 200-ok", "Connection: close",
    "Connection: keep-alive, upgrade", "Upgrade: h2c",
    "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x", "Host:", "Host: localhost\r\nHost: b",
    " folded", "A", ":", "A : b", "A: \0", "A: \x7f", "A:b\rC: d", "X" * 70_000 + ": a",
    "Content-Type: application/json", "Content-Type: \xff", "Origin: \xff", "X-Fake-Space: \xff",
    "X-Fake-Fault: \xff", "Authorization: Bearer sk-\xff@\xff", "Content-Encoding: gzip",
    "Access-Control-Request-Method: \xff\r\nOrigin: a", "Date: x", "Cookie: " + "a=b;" * 999,
]  # fmt: skip
BODIES = [
    b"", b"{}", b"2\r\n{}\r\n0\r\n\r\n", b"2;a=b\r\n{}\r\n0\r\nA: b\r\n\r\n", b"-2\r\n{}\r\n",
    b"fffffffffffffffff\r\n{}", b"2\r\n{}0\r\n\r\n", b"0\r\n" + b"A: b\r\n" * 200, b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0\x01",
    b'{"model":"gpt-4o","messages":[{"role":"user","content":"a"}],"stream":true}', b"x" * 200_000,
]  # fmt: skip
BITS = (
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b"\xff", b" ", b"\t", b":", b"HTTP/1.1",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)  # fmt: skip


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A request made of odd parts."""
    first_line = [draw(st.sampled_from(choices)) for choices in (METHODS, TARGETS, VERSIONS)]
    lines = [" ".join(first_line), *draw(st.lists(st.sampled_from(["Host: localhost", *LINES]), max_size=4))]
    if draw(st.booleans()):
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + draw(st.sampled_from(BODIES))


@st.composite
def pieces(draw: st.DrawFn) -> tuple[list[bytes], bool]:
    """Bytes in a few writes, and whether the client leaves at once."""
    data = draw(byte_mutations(st.lists(messages(), min_size=1, max_size=2).map(b"".join), BITS, most=2))
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=3)))
    writes = [data[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return writes, draw(st.integers(0, 9)) == 0


def check(fake: FakeProcess, value: tuple[list[bytes], bool]) -> None:
    sent, leaves = value
    received = send(fake.port, sent, close=leaves)
    assert received.ended, "the connection does not end"
    check_log(fake)
    if received.data:
        method = b"".join(sent).lstrip(b"\r\n").partition(b" ")[0].decode("latin-1")
        exchange = first_exchange(Request(method, "/", (), b""), received.data)
        assert exchange.status is not None, received.data[:200]
        check_well_formed(exchange)


PART = Part("wire", "any bytes are refused or answered", pieces(), check, asks_fake=True, examples=50)
