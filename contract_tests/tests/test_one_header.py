"""One header field that is absent, empty, wrong or there twice is one finding, whatever else depends on it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import MUST, SHOULD
from contract_tests.rules.engine.view import View
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange

FOLDER = Path(__file__).parents[2] / "fixtures" / "conforming"
NAMES = (
    *("poem-dict", "poem-stream", "response-dict", "response-stream", "text-stream", "embedding-whole", "gzip-dict"),
    *("no-key", "too-many", "wrong-method", "wrong-value", "gateway-in-plain-text"),
    *("limited-dict", "dated-dict", "dated-stream", "file-content"),
)
PATHS = {path.stem: path for path in fixture.find(FOLDER)}
FIXTURES = {name: fixture.load(PATHS[name]).exchange for name in NAMES}
Fields = list[tuple[str, str]]
CHANGES: dict[str, Callable[[Fields, int], Fields]] = {
    "absent": lambda fields, at: fields[:at] + fields[at + 1 :],
    "empty": lambda fields, at: [*fields[:at], (fields[at][0], ""), *fields[at + 1 :]],
    "wrong": lambda fields, at: [*fields[:at], (fields[at][0], "x"), *fields[at + 1 :]],
    "twice": lambda fields, at: [*fields, fields[at]],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", FIXTURES)
def test_one_changed_field_is_one_finding_at_most(name: str, change: str) -> None:
    exchange = FIXTURES[name]
    for at, (field, _) in enumerate(exchange.headers):
        changed = exchange.but(headers=tuple(CHANGES[change](list(exchange.headers), at)))
        assert len(judge(changed).ids(MUST, SHOULD)) <= 1, field


def _with_types(*types: str, name: str = "poem-dict") -> Exchange:
    exchange = FIXTURES[name]
    kept = [field for field in exchange.headers if field[0].lower() != "content-type"]
    return exchange.but(headers=(*kept, *(("Content-Type", typed) for typed in types)))


@pytest.mark.parametrize(
    ("types", "wanted"),
    [
        (["application/json"] * 2, {"http.once"}),
        (["application/json; charset=utf-8"] * 2, {"http.once"}),
        (["text/html", "application/json"], {"http.once"}),
        (["text/html"], {"http.json-type"}),
        ([""], {"http.content-type"}),
        ([], {"http.content-type"}),
    ],
)
def test_the_type_of_a_body_is_that_of_its_last_field(types: list[str], wanted: set[str]) -> None:
    assert judge(_with_types(*types)).ids(MUST, SHOULD) == wanted


def test_a_charset_is_read_of_each_field_by_itself() -> None:
    twice = _with_types(*["text/event-stream; charset=utf-8"] * 2, name="poem-stream")
    assert twice.media_type == "text/event-stream"
    assert judge(twice).ids(MUST, SHOULD) == {"http.once"}
    latin = _with_types("text/event-stream; charset=utf-8", "text/event-stream; charset=latin1", name="poem-stream")
    assert judge(latin).ids(MUST) == {"http.charset"}


@pytest.mark.parametrize("name", ["poem-dict", "poem-stream", "response-stream", "no-key", "unknown-model"])
@pytest.mark.parametrize("coding", [None, "br"])
def test_compressed_bytes_without_their_name_are_one_finding(name: str, coding: str | None) -> None:
    """A proxy that drops Content-Encoding and passes the body on, or passes on what it was not asked to."""
    exchange = fixture.load(PATHS[name]).exchange
    packed = exchange.with_payload(gzip.compress(exchange.payload))
    if coding:
        packed = packed.but(headers=(*packed.headers, ("Content-Encoding", coding)))
    judged = judge(packed)
    assert judged.ids(MUST, SHOULD) == {"http.content-coding"}
    assert coding or judged.findings[0].actual == "the body is gzip, which Content-Encoding does not say"


def test_a_file_that_is_gzip_says_nothing_of_a_coding() -> None:
    exchange = FIXTURES["file-content"]
    packed = exchange.with_payload(gzip.compress(exchange.payload))
    assert View(packed).form == "other"
    assert judge(packed).ids(MUST, SHOULD) == set()
