"""Cassettes of PHP-VCR."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import yaml

from contract_tests.recordings.importing import InputError
from contract_tests.rules import judge
from contract_tests.tests.test_importing_forms import ASKED, REFUSAL, STREAM, URL, imported
from fake_server.wire.exchange import Aspect


def php(response: object, **request: object) -> list[dict[str, object]]:
    headers = {"Host": "api.example.invalid", "Content-Type": "application/json", "Authorization": None}
    asked = {"method": "POST", "url": URL, "headers": headers, "body": ASKED.decode(), **request}
    return [{"request": asked, "response": response, "index": 0}]


STREAMED = {
    "status": {"http_version": "1.1", "code": "200", "message": "OK"},
    "headers": {"Content-Type": "text/event-stream", "x-request-id": "req_1"},
    "body": STREAM,
    "curl_info": {"url": URL, "http_code": 200, "total_time": 0.41, "certinfo": []},
}


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize("named", [None, "php-vcr"])
def test_cassettes_of_php_vcr(tmp_path: Path, form: str, named: str | None) -> None:
    cassette = php(STREAMED) + php({"status": {"code": 404, "message": "Not Found"}, "body": json.dumps(REFUSAL)})
    # Symfony's YAML puts an empty line first and each entry below a dash of its own.
    items = [yaml.safe_dump(entry, allow_unicode=True, sort_keys=False).splitlines() for entry in cassette]
    in_yaml = "\n" + "".join("-\n" + "".join(f"    {line}\n" for line in item) for item in items)
    text = json.dumps(cassette, indent=4) if form == "json" else in_yaml
    first, second = imported(tmp_path, text, f"cassette.{form}", format=named)
    exchange = first.fixture.exchange
    assert (first.format, exchange.status, exchange.reason) == ("php-vcr", 200, "OK")
    assert (exchange.request.target, exchange.request.body) == ("/v1/chat/completions", ASKED)
    assert exchange.payload.decode() == STREAM
    assert exchange.header("x-request-id") == "req_1"
    assert not judge(exchange).findings
    assert (second.fixture.exchange.status, second.fixture.exchange.reason) == (404, "Not Found")
    assert "a cassette of PHP-VCR" in first.fixture.title
    assert not exchange.knows(Aspect.TIMING)


def test_bytes_of_php_vcr_are_in_base64_and_empty_members_are_left_out(tmp_path: Path) -> None:
    packed = base64.b64encode(STREAM.encode()).decode()
    fields = {"Content-Type": "text/event-stream", "Content-Transfer-Encoding": "binary"}
    (entry,) = imported(tmp_path, json.dumps(php({**STREAMED, "headers": fields, "body": packed})))
    assert entry.fixture.exchange.payload.decode() == STREAM
    (entry,) = imported(tmp_path, json.dumps(php({"status": 200}, method="GET", url=f"{URL[:-16]}models", body="")))
    assert (entry.fixture.exchange.status, entry.fixture.exchange.payload) == (200, b"")


@pytest.mark.parametrize(
    ("cassette", "words"),
    [
        (php({"body": "{}"}), "interaction 0: the member 'status.code' is missing"),
        (php({"status": {"code": "many"}, "body": "{}"}), "interaction 0: 'code' must be a whole number"),
        (php({"status": 200, "headers": [], "body": []}), "interaction 0"),
        ([*php(STREAMED), 7], "interaction 1: the member 'request' is missing"),
    ],
)
def test_a_broken_cassette_of_php_vcr_is_named(tmp_path: Path, cassette: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        imported(tmp_path, json.dumps(cassette))
