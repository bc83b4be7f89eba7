"""Files of four small exchanges, as vcrpy 9.4, mitmproxy 11.0, curl 7.88 and aimock 1.43 wrote them.

Those of go-vcr, Ruby's VCR and httprr are made from the flow file, in the form that these tools give them. A
raw server sent them: an odd stream (a comment, CRLF, no space after `data:`, an `event:` line), JSON in gzip
where it was accepted, a 404 and the list of models; a style sheet was asked for besides.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from contract_tests.recordings import reading
from contract_tests.recordings.importing import CurlRequest, Imported, read
from contract_tests.recordings.recording import InputError
from contract_tests.rules import judge
from fake_server.wire import fixture
from fake_server.wire.coding import decode_content
from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing
from fake_server.wire.proof import differences

SAMPLES = Path(__file__).parent / "samples"
STREAM_SIZE = 863
ASKED = {"role": "user", "content": "Grüße, bitte — 🌳"}
NEVER = {Aspect.FRAMING, Aspect.TIMING, Aspect.ENDING}
RECORDERS = {
    "vcr.yaml": ("vcrpy", {Aspect.ALL_HEADERS}),
    "vcr-decoded.yaml": ("vcrpy", {Aspect.ALL_HEADERS}),
    "vcr.json": ("vcrpy", {Aspect.ALL_HEADERS}),
    "go-vcr.yaml": ("go-vcr", {Aspect.ALL_HEADERS}),
    "ruby.yml": ("vcr", {Aspect.ALL_HEADERS}),
    "trace.httprr": ("httprr", {Aspect.ALL_HEADERS}),
    "mitm.flow": ("mitmproxy", set()),
    "mitm.har": ("har", {Aspect.BODY_BYTES}),
}


def sample(name: str, **options: object) -> list[Imported]:
    return list(read(SAMPLES / name, **options))  # type: ignore[arg-type]


def exchanges(name: str, **options: object) -> list[Exchange]:
    return [one.fixture.exchange for one in sample(name, **options)]


@pytest.mark.parametrize("name", RECORDERS)
def test_a_recorder_tells_the_same_four_exchanges(name: str) -> None:
    stream, answer, refusal, models = found = exchanges(name)
    assert [one.status for one in found] == [200, 200, 404, 200]
    assert [one.request.target for one in found] == ["/v1/chat/completions"] * 3 + ["/v1/models"]
    assert stream.request.json() == {"model": "gpt-4o-mini", "stream": True, "messages": [ASKED]}
    assert len(stream.payload) == STREAM_SIZE
    assert stream.payload.startswith(b": warming up\r\n\r\ndata:{")
    assert b'event: message\ndata: {"id"' in stream.payload
    assert b"Gr\xc3\xbc\xc3\x9fe" in stream.payload
    text, problem = decode_content(answer)
    assert (b"Sch\xc3\xb6ne" in text, len(text), problem) == (True, 352, "")
    assert refusal.payload.startswith(b'{\n  "error"')
    assert models.request.method == "GET"
    assert models.header("x-request-id") == "req_1"


@pytest.mark.parametrize("name", RECORDERS)
def test_what_the_recorder_lost_is_said_and_makes_no_finding(name: str) -> None:
    format, lost = RECORDERS[name]
    for number, one in enumerate(sample(name)):
        exchange = one.fixture.exchange
        assert one.format == format
        assert exchange.unknown == frozenset(NEVER | lost)
        assert exchange.ending is Ending.UNKNOWN
        assert judge(exchange).findings == ()
        assert differences(exchange) == []
        assert "chunk boundaries" in one.fixture.notes
        assert one.fixture.source.startswith(name)
        assert f" {number} http://127.0.0.1:8765/v1/" in one.fixture.source


def test_a_decoded_body_loses_the_fields_of_the_coded_one() -> None:
    (_, coded, *_), (_, plain, *_) = sample("mitm.flow"), sample("mitm.har")
    assert coded.fixture.exchange.header("content-encoding") == "gzip"
    assert coded.fixture.exchange.payload.startswith(b"\x1f\x8b")
    assert plain.fixture.exchange.header("content-encoding") is None
    assert plain.fixture.exchange.header("content-length") is None
    assert "Content-Encoding: gzip is left out" in plain.fixture.notes
    assert "Content-Length: 246 is left out because the body was kept as 352 bytes" in plain.fixture.notes
    assert "left out because" not in coded.fixture.notes


@pytest.mark.parametrize("name", [*RECORDERS, "curl-raw.txt", "curl-stream.txt", "aimock-stream.json"])
def test_a_fixture_of_it_loads_as_it_was_saved(name: str, tmp_path: Path) -> None:
    for one in sample(name):
        path = tmp_path / f"{one.name}.yaml"
        fixture.save(one.fixture, path)
        assert fixture.load(path) == one.fixture


def test_names_are_readable_and_the_same_each_time() -> None:
    names = [one.name for one in sample("mitm.har")]
    assert names == [one.name for one in sample("mitm.har")]
    assert names[0] == "mitm-chat-completions-7326814d"
    assert len(set(names)) == 4


def test_what_is_none_of_the_api_is_skipped_and_counted() -> None:
    for name in RECORDERS:
        skipped: Counter[str] = Counter()
        assert len(sample(name, skipped=skipped)) == 4
        assert skipped in ({}, {"not an endpoint of the OpenAI API": 1})
        stem = name.rpartition(".")[0]
        assert [one.name.rpartition("-")[0] for one in sample(name, endpoint="models")] == [f"{stem}-models"]


def test_curl_prints_a_stream_without_its_chunks() -> None:
    (one,) = exchanges("curl-stream.txt")
    assert (one.request.method, one.request.target) == ("POST", "/v1/chat/completions")
    assert (len(one.payload), one.framing) == (STREAM_SIZE, None)
    assert one.unknown == NEVER | {Aspect.REQUEST}
    assert judge(one).findings == ()


def test_curl_raw_keeps_the_chunks() -> None:
    (one,) = exchanges("curl-raw.txt", asked=CurlRequest("http://127.0.0.1/v1/chat/completions", b'{"stream":true}'))
    assert (one.framing, one.ending, set(one.unknown)) == (Framing.CHUNKED, Ending.CLEAN, {Aspect.TIMING})
    assert [len(write.data) for write in one.writes] == [16, 422, 223, 202]
    assert one.request.json() == {"stream": True}


def test_curl_verbose_is_told_apart_from_its_own_words() -> None:
    (one,) = exchanges("curl-v.txt")
    assert one.request.headers is not None
    assert ("User-Agent", "curl/7.88.1") in one.request.headers
    assert one.payload == exchanges("curl-raw.txt")[0].payload
    assert one.unknown >= {Aspect.BODY_BYTES, Aspect.EVENT_FRAMING, Aspect.REQUEST}


def test_curl_with_and_without_compressed() -> None:
    (plain,), (coded,) = exchanges("curl-compressed.txt"), exchanges("curl-gzip.txt")
    assert (plain.header("content-encoding"), plain.payload[:1]) == (None, b"{")
    assert (coded.header("content-encoding"), coded.payload[:2]) == ("gzip", b"\x1f\x8b")
    assert not judge(plain).findings
    assert not judge(coded).findings


def test_curl_passes_redirects_by_and_takes_two_replies_apart() -> None:
    skipped: Counter[str] = Counter()
    (one,) = exchanges("curl-redirect.txt", skipped=skipped)
    assert (one.status, list(skipped)) == (
        200,
        ["status 307 that another reply follows (a proxy, a redirect, a log-in)"],
    )
    two = sample("curl-two.txt")
    assert [len(one.fixture.exchange.payload) for one in two] == [115, 115]
    assert two[1].name == f"{two[0].name}-2"
    assert two[0].fixture.exchange.request.target == "/v1/models"


def test_curl_keeps_informational_heads(tmp_path: Path) -> None:
    path = tmp_path / "reply.txt"
    path.write_bytes(
        b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/2 200 \r\ncontent-type: application/json\r\n\r\n{}"
    )
    (one,) = read(path)
    assert one.fixture.exchange.informational == ((103, (("Link", "x"),)),)
    assert (one.fixture.exchange.status, one.fixture.exchange.payload) == (200, b"{}")
    assert differences(one.fixture.exchange) == []


def test_an_answer_of_aimock_is_made_into_an_exchange_that_says_so() -> None:
    (stream,), (refusal,) = sample("aimock-stream.json"), sample("aimock-error.json")
    exchange = stream.fixture.exchange
    assert exchange.unknown == frozenset(Aspect)
    assert exchange.request.json()["messages"] == [ASKED]
    assert exchange.media_type == "text/event-stream"
    assert exchange.payload.endswith(b"data: [DONE]\n\n")
    assert "made up" in stream.fixture.notes
    assert exchange == sample("aimock-stream.json")[0].fixture.exchange
    assert refusal.fixture.exchange.status == 404
    assert b'"code":"model_not_found"' in refusal.fixture.exchange.payload
    assert not judge(exchange).findings
    with pytest.raises(InputError, match="nothing to judge"):
        list(reading.read(SAMPLES / "aimock-stream.json"))


def test_a_context_of_aimock_is_a_header_and_remarks_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "fixtures.json"
    match = {"userMessage": "hello", "context": "blue", "_why": {}}
    items = [
        {"_comment": "x", "match": match, "response": {"_note": 1, "content": "Hi."}},
        {"match": {"inputText": "a", "context": "red"}, "response": {"embedding": [1.0]}},
        {"match": {"_why": "all others"}, "response": {"_note": 1, "image": {}}},
    ]
    path.write_text(json.dumps({"_comment": "two contexts", "fixtures": items}))
    skipped: Counter[str] = Counter()
    requests = [one.fixture.exchange.request for one in read(path, skipped=skipped)]
    assert [one.headers for one in requests] == [(("X-AIMock-Context", word),) for word in ("blue", "red")]
    assert skipped == {"an answer of another kind (image), which is not imported": 1}


@pytest.mark.parametrize("name", [*RECORDERS, "curl-stream.txt"])
def test_the_judge_reads_them_too(name: str) -> None:
    found = [(one.exchange, one.endpoint) for one in reading.read(SAMPLES / name)]
    assert [one for one, _ in found] == exchanges(name)
    assert found[0][1] == "chat/completions"
