"""Parts `sse`, `fixtures`, `imports`, `judging`: any recording is read, saved, replayed and judged."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import httpx2
from hypothesis import strategies as st

from contract_tests.lab.fuzz.fake_process import FakeProcess
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.fuzz.values import byte_mutations, mutations
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.recordings.importing import FORMATS, InputError, read
from contract_tests.rules import judge
from fake_server.replay import ReplayTransport
from fake_server.wire import fixture
from fake_server.wire.capture import ReplyCapture
from fake_server.wire.exchange import Ending, Exchange, Framing, Request, Write
from fake_server.wire.fixture import Fixture, FixtureError
from fake_server.wire.jsontext import parse
from fake_server.wire.proof import differences
from fake_server.wire.sse import BOM, Decoder, Event, EventMeter, EventTooLarge, decode, encode

SAMPLES = sorted((ROOT / "contract_tests" / "tests" / "samples").iterdir())
HEADS = [path for name in ("conforming", "broken", "bugs") for path in fixture.find(ROOT / "fixtures" / name)]
_EVENTS = (
    b"data: ", b"data:", b"event: error", b"id: 1", b": c", b"retry: 9", b"[DONE]", b"\n", b"\n\n", b"\r",
    b"\r\n", BOM, b"\0", b"\xff", b"\xe2\x80", "é\u2028".encode(),
    b'{"choices":[{"index":0,"delta":{"content":"a"}}]}', b'{"error":{"message":"a"}}',
)  # fmt: skip
_JSON = (
    b"{", b"}", b"[", b"]", b'"', b"null", b"-1", b"1e999", b"NaN", b'""', b"[" * 3000, b"\\ud800",
    b'"a":1,', b"\xff", *_EVENTS,
)  # fmt: skip
_YAML = (
    b"{", b"}", b"- ", b": ", b"&a ", b"*a", b"null", b"-1", b"1e9", b"!!x ", b"..", b"/", b"'", b"\t",
    b"\xff", b"\0", b"true",
)  # fmt: skip
_HTTP = (
    b"\r\n", b"\n", b"HTTP/1.1 200 OK\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 9\r\n",
    b"0\r\n\r\n", b"fff\r\n",
)  # fmt: skip


@cache
def _exchange(head: Path) -> Exchange:
    return fixture.load(head).exchange


def check_events(fake: FakeProcess, value: tuple[bytes, int]) -> None:
    stream, step = value
    whole = decode(stream)
    decoder, meter = Decoder(), EventMeter(1000)
    events: list[Event] = []
    try:
        for start in range(0, len(stream), step):
            events += decoder.feed(stream[start : start + step])
            meter.feed(stream[start : start + step])
        assert [*events, *decoder.close()] == whole
    except EventTooLarge:
        assert len(stream) > 1000
    for event in whole:
        if event.data is not None and event.complete and "\0" not in event.type:
            assert [decoded.data for decoded in decode(encode(event.data.replace("\r", ""), space=True))]


STREAMS = st.tuples(
    st.lists(st.sampled_from(_EVENTS) | st.binary(max_size=4), max_size=30).map(b"".join), st.integers(1, 9)
)


@st.composite
def fixtures(draw: st.DrawFn) -> tuple[Path, bytes, bytes]:
    """A committed fixture, and its head and body with changes."""
    head = draw(st.sampled_from(HEADS))
    text = draw(byte_mutations(st.just(head.read_bytes()), _YAML, most=2))
    body = b"".join(write.data for write in _exchange(head).writes)
    return head, text, draw(st.just(body) | byte_mutations(st.just(body), _JSON))


def check_fixture(fake: FakeProcess, value: tuple[Path, bytes, bytes]) -> None:
    """Assert that a damaged file is refused or read, and that what is read is saved and replayed."""
    head, text, body = value
    folder = fake.folder / "fixtures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for beside in head.parent.glob(f"{head.stem}-*.body"):
        shutil.copy(beside, folder)
    (folder / head.name).write_bytes(text)
    message = str(folder)
    readable = [_exchange(head).but(writes=(Write(body),) if body else (), raw=())]
    try:
        readable.append(fixture.load(folder / head.name).exchange)
    except FixtureError as error:
        message = str(error)
    assert message.startswith(str(folder)), message
    for exchange in readable:
        differences(exchange)
        judge(exchange)
        _replay(exchange)
    for exchange in readable:
        _check_saved(Fixture(exchange), folder)


def _check_saved(whole: Fixture, folder: Path) -> None:
    path = folder / f"saved-{whole.exchange.label}.yaml"
    fixture.save(whole, path)
    assert fixture.load(path) == replace(whole, exchange=whole.exchange.but(label=path.stem))
    for file in folder.glob(f"{path.stem}*"):
        file.unlink()


def _replay(exchange: Exchange) -> None:
    with httpx2.Client(transport=ReplayTransport(exchange, speed=0, match="any"), timeout=5) as client:
        try:
            client.get("http://replayed.invalid/v1/models", follow_redirects=False)
        except (httpx2.TransportError, httpx2.DecodingError):
            return


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes, str | None]:
    """A file in another tool's format with changes, and the format that it is declared to be."""
    sample = draw(st.sampled_from(SAMPLES))
    text = sample.read_bytes().startswith((b"{", b"-", b"interactions"))
    bits = (*_JSON, *_YAML) if text else _HTTP
    form = draw(st.none() | st.none() | st.sampled_from(FORMATS))
    return sample.name, draw(byte_mutations(st.just(sample.read_bytes()), bits)), form


def check_file(fake: FakeProcess, value: tuple[str, bytes, str | None]) -> None:
    name, data, form = value
    path = fake.folder / name
    path.write_bytes(data)
    message = str(path)
    try:
        for recording in read(path, form):
            judge(recording.fixture.exchange)
            _check_saved(recording.fixture, fake.folder)
    except InputError as error:
        message = str(error)
    assert str(path) in message
    assert "\n" not in message


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """A committed exchange with changes to its request or reply, or with any bytes that a socket may give."""
    exchange = _exchange(draw(st.sampled_from(HEADS)))
    request, payload = exchange.request, exchange.payload
    if draw(st.booleans()):
        body = draw(_content(request.body))
        path = draw(
            st.just(request.target) | st.sampled_from(["/v1/embeddings", "/v1/models/a", "/v1/models", "/x", "", "//"])
        )
        request = Request(draw(st.sampled_from([request.method, "GET", "POST", "HEAD"])), path, request.headers, body)
    if draw(st.integers(0, 4)) == 0:
        reply = ReplyCapture(request, keep_raw=True)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + payload
        reply.feed(draw(byte_mutations(st.just(head), (*_HTTP, *_JSON))))
        reply.eof()
        return reply.exchange
    events = payload.split(b"\n\n")
    place = draw(st.integers(0, len(events) - 1))
    start = b"data: " if events[place].startswith(b"data: ") else b""
    events[place] = start + draw(_content(events[place].removeprefix(b"data: ")))
    if draw(st.booleans()):
        events.insert(draw(st.integers(0, len(events))), draw(st.sampled_from(events)))
    status = draw(st.just(exchange.status) | st.sampled_from([None, 100, 200, 204, 304, 400, 401, 429, 500, 999]))
    fields = draw(st.just(exchange.headers) | st.lists(st.sampled_from(_FIELDS), max_size=4).map(tuple))
    ending, framing = (
        draw(st.sampled_from([exchange.ending, *Ending])),
        draw(st.sampled_from([exchange.framing, *Framing])),
    )
    writes = (Write(b"\n\n".join(events)),)
    return exchange.but(
        request=request, status=status, headers=fields, writes=writes, ending=ending, framing=framing, raw=()
    )


def _content(data: bytes) -> st.SearchStrategy[bytes]:
    """The data with changes to its JSON value where it has one, or to its bytes."""
    document = parse(data)
    if not document.ok or not isinstance(document.value, dict | list):
        return byte_mutations(st.just(data), _JSON)
    values = mutations(st.just(document.value)).map(_encode)
    return values | byte_mutations(st.just(data), _JSON)


def _encode(value: object) -> bytes:
    return json.dumps(value).encode()


_FIELDS = [
    ("Content-Type", "application/json"), ("content-type", "text/event-stream; charset=latin-1"),
    ("Content-Type", "\xff"), ("Content-Encoding", "gzip"), ("Content-Length", "7"),
    ("Content-Length", "-"), ("Transfer-Encoding", "chunked"), ("", ""), ("Retry-After", "soon"),
    ("x-ratelimit-reset-requests", "1x"), ("x-ratelimit-remaining-tokens", "-9"), ("x-request-id", ""),
    ("Set-Cookie", "a=b"), ("Location", "http://["), ("openai-processing-ms", "fast"),
    ("Date", "yesterday"), ("a b", "c"),
]  # fmt: skip


def check_exchange(fake: FakeProcess, exchange: Exchange) -> None:
    judge(exchange)
    differences(exchange)


PARTS = (
    Part("sse", "events are the same in whatever pieces they come", STREAMS, check_events),
    Part(
        "fixtures",
        "a fixture is read or refused with a message, saved as it is, and replayed",
        fixtures(),
        check_fixture,
    ),
    Part("imports", "a file of another tool is read, or refused with a message", files(), check_file),
    Part("judging", "no rule raises, whatever was exchanged", exchanges(), check_exchange),
)
