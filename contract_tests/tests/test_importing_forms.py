"""Forms of recordings that other tools write: go-vcr, Ruby's VCR, httprr, HTTPie, bodies alone, gzipped files."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

import pytest
import yaml

from contract_tests.recordings import reading
from contract_tests.recordings.importing import CurlRequest, Imported, InputError, read
from contract_tests.rules import judge
from contract_tests.tests.shared import SHARED
from contract_tests.tests.test_importing import SAMPLES
from contract_tests.tests.test_importing_bad import har
from fake_server.wire.coding import decode_content
from fake_server.wire.exchange import Aspect, in_turn

URL = "https://api.example.invalid/v1/chat/completions"
ASKED = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}]}'


def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    base = {"id": "chatcmpl-AbC123", "object": "chat.completion.chunk", "created": 1780000000, "model": "gpt-4o"}
    return f"data: {json.dumps({**base, 'choices': [choice]})}\n\n"


STREAM = chunk({"role": "assistant", "content": "Grüße"}) + chunk({}, "stop") + "data: [DONE]\n\n"
REFUSAL = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}


def imported(tmp_path: Path, content: str | bytes, name: str = "some", **options: Any) -> list[Imported]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read(path, **options))


def go_vcr(version: int, **response: Any) -> str:
    reply = {"body": STREAM, "headers": {"Content-Type": ["text/event-stream"]}, "status": "200 OK", "code": 200}
    request = {"url": URL, "method": "POST", "body": ASKED.decode(), "form": {}, "headers": {"Accept": ["*/*"]}}
    interaction = {"request": request, "response": {**reply, "duration": "412ms", **response}}
    return yaml.safe_dump({"version": version, "interactions": [interaction]}, allow_unicode=True)


@pytest.mark.parametrize("version", [1, 2])
def test_cassettes_of_go_vcr(tmp_path: Path, version: int) -> None:
    (entry,) = imported(tmp_path, go_vcr(version))
    exchange = entry.fixture.exchange
    assert (entry.format, exchange.status, exchange.reason) == ("go-vcr", 200, "OK")
    assert (exchange.request.target, exchange.request.body) == ("/v1/chat/completions", ASKED)
    assert exchange.payload == STREAM.encode()
    assert judge(exchange).findings == ()
    (entry,) = imported(tmp_path, go_vcr(version, status="", code=404, body=b"\xff"))
    assert (entry.fixture.exchange.status, entry.fixture.exchange.reason) == (404, "")
    assert entry.fixture.exchange.payload == b"\xff"
    with pytest.raises(InputError, match="interaction 0: 'code' must be a whole number, but is '200'"):
        imported(tmp_path, go_vcr(version, code="200"))


RUBY = """http_interactions:
- request:
    method: post
    uri: %s
    body:
      encoding: UTF-8
      string: '{"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "a"}]}'
    headers: {Content-Type: [application/json]}
  response:
    status: %s
    headers: {Content-Type: [text/event-stream]%s}
    body: %s
  recorded_at: Sat, 01 Nov 2026 10:00:01 GMT
recorded_with: VCR 6.3.1
"""


def test_cassettes_of_rubys_vcr_in_every_form_of_a_body(tmp_path: Path) -> None:
    packed = gzip.compress(STREAM.encode())
    in_lines = base64.encodebytes(STREAM.encode()).decode()
    bodies = {
        "text": (f"{{encoding: UTF-8, string: {json.dumps(STREAM)}}}", ""),
        "base64": (f"{{encoding: ASCII-8BIT, base64_string: {json.dumps(in_lines)}}}", ""),
        "binary": (f"{{encoding: ASCII-8BIT, string: !binary {base64.b64encode(STREAM.encode()).decode()}}}", ""),
        "gzip": (
            f"{{encoding: ASCII-8BIT, string: !binary {base64.b64encode(packed).decode()}}}",
            ", Content-Encoding: [gzip]",
        ),
        "R": (f"{{raw_gzip: {base64.b64encode(packed).decode()}}}", ""),
    }
    for form, (body, header) in bodies.items():
        for status in ("{code: 200, message: OK}", "{status_code: 200}", "200"):
            (entry,) = imported(tmp_path, RUBY % (URL, status, header, body))
            exchange = entry.fixture.exchange
            assert (entry.format, exchange.status, exchange.request.method) == ("vcr", 200, "POST"), form
            assert decode_content(exchange)[0] == STREAM.encode(), form
            assert judge(exchange).findings == (), form
    (entry,) = imported(tmp_path, RUBY % ("<OLLAMA_BASE>/v1/chat/completions", "200", "", "{string: ''}"))
    assert entry.fixture.exchange.request.target == "/v1/chat/completions"
    with pytest.raises(InputError, match="interaction 0: 'base64_string' is not base64: "):
        imported(tmp_path, RUBY % (URL, "200", "", "{base64_string: '%'}"))
    with pytest.raises(InputError, match="interaction 0: not gzipped, or cut off"):
        imported(tmp_path, RUBY % (URL, "200", "", "{raw_gzip: aGVsbG8=}"))
    as_json = json.dumps(yaml.safe_load(RUBY % (URL, "200", "", "{string: ''}")), default=str)
    assert [entry.format for entry in imported(tmp_path, as_json)] == ["vcr"]


def test_exchanges_are_in_the_order_in_which_they_were_recorded(tmp_path: Path) -> None:
    """A HAR may list them in another order; cassettes know whole seconds, or nothing but their order."""
    document = har()
    (entry,) = document["log"]["entries"]
    stamps = ("2026-11-01T10:00:02.5Z", "2026-11-01T11:00:01+01:00", "2026-11-01T10:00:02.250Z", "no time")
    document["log"]["entries"] = [{**entry, "startedDateTime": stamp} for stamp in stamps]
    entries = imported(tmp_path, json.dumps(document))
    assert [entries.index(entry) for entry in recorded_order(entries)] == [3, 1, 2, 0]
    ruby = RUBY % (URL, "200", "", "{string: ''}")
    twelve = "".join(ruby.partition("recorded_with")[0].partition("http_interactions:\n")[2] for _ in range(12))
    for stamp in ("Sat, 01 Nov 2026 10:00:01 GMT", "2026-11-01T10:00:01", "2026-11-01 10:00:01", "soon"):
        text = f"http_interactions:\n{twelve}".replace("Sat, 01 Nov 2026 10:00:01 GMT", stamp)
        entries = imported(tmp_path, text, before=3)
        assert recorded_order(reversed(entries)) == entries, stamp
        first = entries[0].fixture.exchange.recorded
        assert first == (4 if stamp == "soon" else datetime(2026, 11, 1, 10, 0, 1, 4, tzinfo=UTC)), stamp
    (flow, *_) = read(SAMPLES / "mitm.flow")
    assert isinstance(flow.fixture.exchange.recorded, datetime)


def recorded_order(entries: Iterable[Imported]) -> list[Imported]:
    by_name = {entry.name: entry for entry in entries}
    return [by_name[exchange.label] for exchange in in_turn(entry.fixture.exchange for entry in by_name.values())]


def httprr(*messages: tuple[bytes, bytes]) -> bytes:
    return b"httprr trace v1\n" + b"".join(b"%d %d\n%s%s" % (len(a), len(b), a, b) for a, b in messages)


POSTED = b"POST %s HTTP/1.1\r\nHost: api.example.invalid\r\nContent-Length: %d\r\n\r\n%s"


def test_traces_of_httprr(tmp_path: Path) -> None:
    sent = POSTED % (URL.encode(), len(ASKED), ASKED)
    body = STREAM.encode()
    whole = b"HTTP/2.0 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n\r\n" + body
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"
    chunked += b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    other = b"GET https://en.example.invalid/w/api.php HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"
    data = httprr((sent, whole), other, (sent, chunked))
    entries = imported(tmp_path, data)
    assert [entry.format for entry in entries] == ["httprr"] * 2
    assert [entry.fixture.source for entry in entries] == [f"some entry {number} {URL}" for number in (0, 2)]
    for entry in entries:
        exchange = entry.fixture.exchange
        assert (exchange.payload, exchange.request.body) == (body, ASKED)
        assert exchange.unknown >= {Aspect.FRAMING, Aspect.ALL_HEADERS}
        assert judge(exchange).findings == ()
    for broken, why in (
        (data[:-9], "byte [0-9]+: .* bytes must follow, but .* do"),
        (data + b"x y\n", "two lengths are expected, but b'x y"),
        (b"httprr trace v2\n", "must begin with the line 'httprr trace v1'"),
        (
            httprr((b"hello", b"")),
            "entry 0: a request must be a request line, a head and a blank line, but is",
        ),
        (httprr((sent, b"hello")), "entry 0: byte 0: a status line is expected, not b'hello'"),
    ):
        with pytest.raises(InputError, match=why):
            imported(tmp_path, broken)


def test_what_httpie_prints(tmp_path: Path) -> None:
    reply = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + STREAM.encode()
    printed = (POSTED % (b"/v1/chat/completions", len(ASKED), ASKED)) + b"\n\n\n" + reply
    coloured = printed.replace(b"POST ", b"\x1b[32mPOST\x1b[39m ", 1)
    refused = (
        b'HTTP/1.1 404 Not Found\nContent-Type: application/json\n\n{\n    "error": {}\n}\n\n\nElapsed time: 0.2s\n'
    )
    both = b"GET /v1/models/x HTTP/1.1\nHost: h\n\n\n\n" + refused + b"\n" + printed
    for text, count in ((printed, 1), (printed.replace(b"\r\n", b"\n"), 1), (coloured, 1), (both, 2)):
        entries = imported(tmp_path, text)
        assert [entry.format for entry in entries] == ["httpie"] * count
        exchange = entries[-1].fixture.exchange
        assert (exchange.request.json(), exchange.status) == (json.loads(ASKED), 200)
        assert exchange.payload.endswith(b"data: [DONE]\n\n")
        assert {finding.rule.id for finding in judge(exchange).findings} <= {"http.request-id"}
    began = process_time()
    assert len(imported(tmp_path, printed + b"\n" * 2_000_000 + b"x" + b" \n" * 1_000_000)) == 1
    assert process_time() - began < 5
    first = imported(tmp_path, both)[0].fixture.exchange
    assert (first.request.method, first.status, first.payload) == ("GET", 404, b'{\n    "error": {}\n}')
    with pytest.raises(InputError, match="exchange 0: no reply follows the request; print both with"):
        imported(tmp_path, printed[: printed.index(b"HTTP/1.1 200")])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (STREAM, 200),
        (f"\n{STREAM.rstrip()}", 200),
        (STREAM.replace("\n", "\r\n"), 200),
        (f"\n\n    {STREAM.strip()}".replace("\n\nd", "\n\n    d"), 200),
        ("".join(f"> {line}".rstrip() + "\n" for line in STREAM.splitlines()), 200),
        (f": OPENROUTER PROCESSING\n\n{STREAM}", 200),
        (f"event: message\n{STREAM}", 200),
        (f"id: 1\n{STREAM.replace('data: ', 'data:')}", 200),
        (json.dumps(REFUSAL), 400),
        (json.dumps([REFUSAL], indent=1), 400),
        (json.dumps({"error": {**REFUSAL["error"], "code": 429}}), 429),
        ("\ufeff" + json.dumps(REFUSAL), 400),
    ],
)
def test_a_body_alone_is_an_exchange_whose_head_is_unknown(tmp_path: Path, body: str, status: int) -> None:
    (entry,) = imported(tmp_path, body, asked=CurlRequest(URL, ASKED))
    exchange = entry.fixture.exchange
    assert (entry.format, exchange.status, exchange.headers) == ("body", status, ())
    assert (exchange.request.method, exchange.request.target, exchange.request.body) == (
        "POST",
        "/v1/chat/completions",
        ASKED,
    )
    assert exchange.unknown >= {Aspect.HEADERS, Aspect.ALL_HEADERS, Aspect.FRAMING, Aspect.ENDING}
    assert "the status is assumed" in entry.fixture.notes
    if "data" in body:
        assert judge(exchange).findings == ()
    (entry,) = imported(tmp_path, body, endpoint="chat/completions")
    assert entry.fixture.exchange.request.target == "/v1/chat/completions"
    assert Aspect.REQUEST in entry.fixture.exchange.unknown


def test_a_body_that_says_what_it_is_needs_no_url_and_another_says_how(tmp_path: Path) -> None:
    (entry,) = imported(tmp_path, STREAM, "stream.txt")
    assert "guessed" in entry.fixture.notes
    (recording,) = reading.read(tmp_path / "stream.txt")
    assert judge(recording.exchange).findings == ()
    (entry,) = imported(
        tmp_path, '{"object": "list", "data": [{"object": "model"}]}', asked=CurlRequest(f"{URL[:-16]}models")
    )
    assert (entry.fixture.exchange.request.method, entry.fixture.exchange.knows(Aspect.REQUEST)) == ("GET", True)
    for text in ("<html>502 Bad Gateway</html>", "Internal Server Error", ""):
        with pytest.raises(InputError, match="a body alone must be JSON or the events of a stream, but begins with"):
            imported(tmp_path, text, format="body", asked=CurlRequest(URL, ASKED))
    with pytest.raises(InputError, match=r"a body without its head, .* `contract import --url URL"):
        imported(tmp_path, "data: {}\n\n")
    with pytest.raises(InputError, match=r"a body without its head, .* `contract import --url URL"):
        imported(tmp_path, json.dumps(REFUSAL))


@pytest.mark.parametrize("name", ["vcr.yaml", "vcr.json", "mitm.har", "mitm.flow", "curl-raw.txt"])
def test_a_gzipped_file_is_read_as_the_file_in_it(tmp_path: Path, name: str) -> None:
    plain = list(read(SAMPLES / name))
    entries = imported(tmp_path, gzip.compress((SAMPLES / name).read_bytes()), f"{name}.gz")
    assert [(entry.fixture.exchange, entry.name) for entry in entries] == [
        (entry.fixture.exchange, entry.name) for entry in plain
    ]
    with pytest.raises(InputError, match="begins like a gzip file, but is cut off or damaged"):
        imported(tmp_path, gzip.compress((SAMPLES / name).read_bytes())[:-20])


def test_a_list_of_base64_pieces_as_polly_js_keeps_it(tmp_path: Path) -> None:
    packed = gzip.compress(b"{}")
    text = json.dumps([base64.b64encode(piece).decode() for piece in (packed[:7], packed[7:])])
    headers = [{"name": "content-encoding", "value": "gzip"}]
    content = {"size": 9, "text": text, "encoding": "base64"}
    (entry,) = imported(tmp_path, json.dumps(har(response__content=content, response__headers=headers)))
    assert (entry.fixture.exchange.payload, entry.fixture.exchange.header("content-encoding")) == (packed, "gzip")


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("07-gemini-is-not-openai/gemini.har", 0),
        ("08-go-vcr/cassette.yaml", 2),
        ("09-ruby-vcr/cassette.yml", 2),
        ("10-a-pasted-body/stream.txt", 1),
        ("10-a-pasted-body/dict.json", 1),
        ("10-a-pasted-body/httpie.txt", 1),
        ("02-aimock-context/fixtures.json", 2),
    ],
)
def test_what_reports_had_as_samples(name: str, count: int) -> None:
    path = SHARED / "reports" / name
    if not path.exists():
        pytest.skip(f"the reports are not at {SHARED}")
    entries = list(read(path))
    assert len(entries) == count
    assert not [
        finding
        for entry in entries
        for finding in judge(entry.fixture.exchange).findings
        if finding.rule.level == "MUST"
    ]
