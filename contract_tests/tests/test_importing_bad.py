"""Bad input: every complaint names the file, the place and what is wrong; sizes and depths are bounded."""

from __future__ import annotations

import base64
import contextlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from contract_tests.recordings import importing
from contract_tests.recordings.importing import InputError, cassettes, read
from contract_tests.recordings.importing.entry import fields
from contract_tests.recordings.importing.tnetstring import MAX_DEPTH, TnetstringError, pop
from contract_tests.rules import judge
from contract_tests.tests.test_importing import RECORDERS, SAMPLES
from fake_server.wire.exchange import Aspect, Exchange

URL = "https://api.example.invalid/v1/chat/completions?api-version=1#x"
CASSETTE = """version: 1
interactions:
- request: {method: POST, uri: http://h/v1/chat/completions, body: %s, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {a: [b]}, body: {string: %s}}
"""


def har(**changes: Any) -> dict[str, Any]:
    """A HAR of one entry as a browser writes it, with members replaced: `response__status=…`."""
    entry: dict[str, Any] = {
        "_initiator": {"type": "script"},
        "request": {
            "method": "POST",
            "url": URL,
            "headers": [{"name": ":authority", "value": "h"}, {"name": "accept", "value": "*/*"}],
            "postData": {"mimeType": "application/json", "text": '{"model": "é"}'},
        },
        "response": {
            "status": 200,
            "statusText": "",
            "httpVersion": "h3",
            "headers": [
                {"name": "x-a", "value": "1\n2"},
                {"name": "content-type", "value": "application/json"},
            ],
            "content": {"mimeType": "application/json", "size": 2, "text": "{}"},
        },
        "timings": {"wait": 3},
    }
    for name, value in changes.items():
        part, _, member = name.partition("__")
        entry[part][member] = value
    return {"log": {"version": "1.2", "creator": {"name": "a browser"}, "entries": [entry]}}


def found(tmp_path: Path, content: object, skipped: Counter[str] | None = None) -> list[Exchange]:
    path = tmp_path / "some"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return [one.fixture.exchange for one in read(path, skipped=skipped)]


def test_a_browsers_har(tmp_path: Path) -> None:
    (one,) = found(tmp_path, har())
    assert one.request.target == "/v1/chat/completions?api-version=1"
    assert one.request.headers == (("accept", "*/*"),)
    assert one.request.body == '{"model": "é"}'.encode()
    assert one.headers[:2] == (("x-a", "1"), ("x-a", "2"))
    body = {"size": 3, "text": base64.b64encode(b"\xff{}").decode(), "encoding": "base64"}
    (one,) = found(tmp_path, har(response__content=body))
    assert (one.payload, Aspect.BODY_BYTES in one.unknown) == (b"\xff{}", False)
    (one,) = found(tmp_path, har(request__postData=None, response__headers=[]))
    assert one.unknown >= {Aspect.REQUEST, Aspect.HEADERS, Aspect.ALL_HEADERS}
    params = [{"name": "a", "value": "b c"}]
    (one,) = found(tmp_path, har(request__postData={"params": params}))
    assert one.request.body == b"a=b+c"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"response__status": 0}, "no reply came"),
        ({"response__content": {"size": 9}}, "the body of the reply was not kept"),
        ({"request__url": "data:image/png;base64,AAAA"}, "a data: URL, not HTTP"),
        ({"request__url": "wss://h/v1/realtime"}, "a wss: URL, not HTTP"),
        ({"request__method": "OPTIONS"}, "OPTIONS asks nothing of the API"),
        ({"request__url": "https://h/logo.png"}, "not an endpoint of the OpenAI API"),
    ],
)
def test_what_holds_no_exchange_is_skipped(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    skipped: Counter[str] = Counter()
    assert found(tmp_path, har(**changes), skipped) == []
    assert skipped == {reason: 1}


def plain_cassette() -> str:
    return CASSETTE % ("'{}'", "'{}'")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (har(response__status="200"), "some: entry 0: 'response.status' must be a whole number, but is '200'"),
        (
            har(response__headers=[{"name": "a b", "value": ""}]),
            "entry 0: 'a b' is not the name of a header field",
        ),
        (har(response__headers=[{"name": "a"}]), "entry 0: the member 'value' is missing"),
        (har(response__content={"text": "%", "encoding": "base64"}), "entry 0: 'content.text' is not base64"),
        (
            har(request__postData={"text": "abc", "encoding": "base64"}),
            "entry 0: 'request.postData.text' is not base64: Incorrect padding",
        ),
        (har(request__postData=[]), "entry 0: 'request.postData' must be an object, but is []"),
        (har(response__status=99999), "entry 0: 99999 is not an HTTP status, which has three digits"),
        (har(request__method="PO ST\n"), "entry 0: 'PO ST\\n' is not a request method"),
        (har(request__url="http://["), "entry 0: 'http://[' is not a URL: Invalid IPv6 URL"),
        (har(response__content={"text": 1}), "entry 0: 'content.text' must be a string, but is 1"),
        (har(request__url="https://h/v1/models/a b"), "is not the URL of a request"),
        ({"log": {}}, "some: the member 'log.entries' is missing"),
        ('{"log": {"entries": [}', "some:1: not JSON: Expecting value at column 22"),
        ('{"log": ' + "[" * 100_000, "some: nested too deeply"),
        ('{"other": 1}', "neither a fixture nor a HAR"),
        ("just words", "neither a fixture nor a HAR"),
        ("", "neither a fixture nor a HAR"),
        (b"\xff\xfe\x00", "neither a fixture nor a HAR"),
        (b'{"log": "\xff"}', "some: not UTF-8 at byte 9"),
        (
            plain_cassette().replace("version: 1", "version: 3"),
            "a cassette of version 3; this kit reads versions 1 and 2",
        ),
        (CASSETTE % ("!!python/object:os.x {}", "''"), "some:3: could not determine a constructor"),
        (CASSETTE % ("''", "[1]"), "some: interaction 0: a body must be a string or bytes, but is [1]"),
        (
            (CASSETTE % ("''", "''")).replace("string", "text"),
            "a body has a member 'string' or 'base64_string', not text",
        ),
        (CASSETTE % ("''", "!!binary 'é'"), "some:4: failed to convert base64 data"),
        (CASSETTE % ("''", "[" * 5000), "some"),
        ("interactions: [\n", "some:2: not YAML"),
        ("http_interactions: 5\n", "some: 'http_interactions' must be a list, but is 5"),
        (
            b"5:hello",
            "some: not a flow file of mitmproxy, or cut off: byte 0: 5 bytes and a type must follow, but 5 bytes do",
        ),
        (b"5:hello?", "byte 7: b'?' is not a value type"),
        (b"5:hello,", "some: flow 0: the member 'type' is missing"),
        (b"28:4:type;4:http;7:version;1:6#}", "some: flow 0: version 6 of the format; open and save it with"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n", "some: byte 0: the head has no end (a blank line)"),
        (b"HTTP/1.1 OK\r\n\r\n", "some: byte 0: a status line is expected, not b'HTTP/1.1 OK"),
        (
            b"> GET /v1/models HTTP/1.1\r\n> User-Agent curl\r\n> \r\n< HTTP/1.1 200 OK\r\n< \r\n",
            "some: 'User-Agent curl' is not the name of a header field",
        ),
        (
            b"> GET /v1/models HTTP/1.1\n> a b: c\n< HTTP/1.1 200 OK\n",
            "some: 'a b' is not the name of a header field",
        ),
        (b"> GET /\x00 HTTP/1.1\n< HTTP/1.1 200 OK\n", "is not the URL of a request"),
        (
            plain_cassette().replace("http://h/", "ftp://h/"),
            "interaction 0: 'ftp://h/v1/chat/completions' is not an HTTP",
        ),
        (plain_cassette().replace("code: 200", "code: -3"), "interaction 0: -3 is not an HTTP status"),
        (b"* hello\n", "lines that begin with `> ` and `< HTTP/`"),
        ({"fixtures": [{"response": {"error": {}}}]}, "some: fixture 0: the member 'message' is missing"),
        ({"fixtures": [{"response": {"toolCalls": [3]}}]}, "some: fixture 0: "),
        ({"fixtures": 3}, "some: 'fixtures' must be a list, but is 3"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: object, said: str) -> None:
    with pytest.raises(InputError) as caught:
        found(tmp_path, content)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("pairs", ["ab", ["ab"], [["a"]], [["a", "b", "c"]], [["a", 1]], [None], [{"a": "b"}]])
def test_a_header_field_is_a_pair_of_two_strings(pairs: Any) -> None:
    with pytest.raises(ValueError, match="a header field must be a pair of two strings, name and value, but is"):
        fields(pairs)
    assert fields([["A", "b"], (":authority", "h")]) == (("A", "b"),)


def test_a_file_cut_anywhere_gives_a_clear_error_or_less(tmp_path: Path) -> None:
    for name in (*RECORDERS, "curl-raw.txt", "aimock-error.json"):
        whole = (SAMPLES / name).read_bytes()
        for stop in range(0, len(whole), max(1, len(whole) // 40)):
            with contextlib.suppress(InputError):
                for one in found(tmp_path, whole[:stop]):
                    judge(one)


def test_a_byte_of_utf8_is_no_line_end_in_a_head_that_curl_printed(tmp_path: Path) -> None:
    (one,) = found(tmp_path, "HTTP/1.1 200 OK\r\nX-City: Åre\r\n\r\n{}".encode())
    assert one.headers == (("X-City", "Åre".encode().decode("latin-1")),)


def test_the_forms_of_a_cassettes_body(tmp_path: Path) -> None:
    for body in ("!!python/unicode 'é'", "'é'", "!!binary w6k=", "{base64_string: w6k=}"):
        (one,) = found(tmp_path, CASSETTE % (body, "null"))
        assert (one.request.body, one.payload) == ("é".encode(), b"")
    (one,) = found(tmp_path, CASSETTE % ("null", "''"))
    assert Aspect.REQUEST in one.unknown
    parsed = (CASSETTE % ("''", "''")).replace("body: ''", "parsed_body: {é: 1}")
    (one,) = found(tmp_path, parsed.replace("body: {string: ''}", "parsed_body: {b: [2]}"))
    assert (one.request.body, one.payload) == ('{"é": 1}'.encode(), b'{"b": [2]}')
    assert Aspect.BODY_BYTES in one.unknown
    old = (CASSETTE % ("''", "''")).replace("body: {string: ''}", "content: 'é'")
    (one,) = found(tmp_path, old.replace("status: {code: 200, message: OK}", "status_code: 200"))
    assert (one.status, one.payload) == (200, "é".encode())
    skipped: Counter[str] = Counter()
    assert found(tmp_path, (CASSETTE % ("''", "''")).replace(", body: {string: ''}", ""), skipped) == []
    assert skipped == {"the body of the reply was not kept": 1}


@pytest.mark.security("hostile files")
def test_yaml_cannot_grow_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    merges = "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}], k{n}: 1}}\n" for n in range(1, 12))
    with pytest.raises(InputError, match=r"some:2: could not determine a constructor for the tag .*merge"):
        found(tmp_path, f"m0: &m0 {{k0: 1}}\n{merges}{plain_cassette()}")
    many = "- &one\n " + plain_cassette().partition("\n-")[2] + "- *one\n" * 50
    text = f"version: 1\ninteractions:\n{many}"
    assert len(found(tmp_path, text)) == 51
    monkeypatch.setattr(importing, "MAX_BYTES", 100)
    with pytest.raises(InputError, match="interaction 25: the bodies hold more than 100 bytes"):
        found(tmp_path, text)
    monkeypatch.setattr(importing, "MAX_ENTRIES", 10)
    with pytest.raises(InputError, match="more than 10 entries"):
        found(tmp_path, text)
    monkeypatch.setattr(cassettes, "MAX_YAML", 10)
    with pytest.raises(InputError, match="a YAML cassette may hold 10 bytes"):
        found(tmp_path, text)


def test_a_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contract_tests.recordings.importing.recognising.MAX_FILE", 10)
    with pytest.raises(InputError, match="larger than 10 bytes"):
        found(tmp_path, har())
    with pytest.raises(InputError, match="cannot be read: No such file"):
        list(read(tmp_path / "none.har"))
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        list(read(tmp_path))


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"0:~", None),
        (b"4:true!", True),
        (b"2:-5#", -5),
        (b"3:0.5^", 0.5),
        (b"2:\xc3\xa9;", "é"),
        (b"8:1:a,1:b,]", [b"a", b"b"]),
        (b"8:1:a;1:1#}", {"a": 1}),
    ],
)
def test_typed_netstrings(data: bytes, value: object) -> None:
    assert pop(data, 0) == (value, len(data))
    for stop in range(len(data)):
        with pytest.raises(TnetstringError, match="byte"):
            pop(data[:stop], 0)


@pytest.mark.security("hostile files")
def test_typed_netstrings_do_not_nest_without_end() -> None:
    data = b"0:]"
    for _ in range(MAX_DEPTH + 2):
        data = b"%d:%s]" % (len(data), data)
    with pytest.raises(TnetstringError, match="nested deeper than 50 levels"):
        pop(data, 0)
    with pytest.raises(TnetstringError, match="a length and a colon"):
        pop(b"99999999999:a,", 0)
