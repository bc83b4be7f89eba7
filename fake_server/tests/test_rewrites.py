"""What is rewritten is found however the reply is spaced, and nothing but white space is taken for it."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from fake_server import FakeServer
from fake_server.faults.spacing import in_any_spacing

VALUE: dict[str, Any] = {"id": "resp_1", "details": {"reason": "max"}, "list": ["a", {"b": None}], "n": 1}
FINDS = (
    *('"id":"resp_', '"details":{"reason":"max"}', '"list":["a",{"b":null}]', '"n":1}', '{"id"', '"max"},"list"'),
    *('"id": "resp_', '"details" : { "reason" : "max" }'),
    *(',"list"', ', "n"', '},"list"', 'null}],"n"', '}],"n": 1', ":null", ":null}", ": 1", '{"b":null'),
)
SPACINGS: tuple[dict[str, Any], ...] = (
    {"separators": (",", ":")},
    {},
    {"indent": 2},
    {"separators": (" ,\r\n", "\t: ")},
)


@pytest.mark.parametrize("find", FINDS)
@pytest.mark.parametrize("spacing", SPACINGS)
def test_json_is_found_in_any_spacing(find: str, spacing: dict[str, Any]) -> None:
    assert in_any_spacing(find).search(json.dumps(VALUE, **spacing).encode())


@pytest.mark.parametrize("text", [b'data: {"a":1}', b'data:{ "a" : 1}', b'data: {\n"a":1}'])
def test_json_is_found_behind_the_name_of_a_field(text: bytes) -> None:
    assert in_any_spacing('data: {"a":').search(text)


@pytest.mark.parametrize(
    ("find", "text"),
    [
        ('"id":"resp_', b'"id":" resp_'),
        ('"a b"', b'"a  b"'),
        ('"a": "b: c"', b'"a":"b:c"'),
        ('"n":1}', b'"n":12}'),
        ("data: ", b"data:x"),
        ("response.incomplete", b"response. incomplete"),
        ("{}", b"{ }"),
        (": ", b":"),
        ("[DONE]", b"[ DONE ]"),
        ("data: 1", b"data:1"),
        ('x1,"a"', b'x 1,"a"'),
        ('"say \\"x\\" : y"', b'"say \\"x\\":y"'),
    ],
)
def test_nothing_else_is(find: str, text: bytes) -> None:
    assert not in_any_spacing(find).search(text)


@pytest.mark.security("work of one request")
@pytest.mark.parametrize(
    "text", [b"{" * 200_000, b'"a" :' * 40_000, b'"a"' + b" " * 200_000, (b'"a"' + b" " * 400) * 500]
)
def test_looking_for_it_takes_time_in_proportion(text: bytes) -> None:
    pattern = in_any_spacing('"a" : { "b" : [ [ [ 1 ] ] ] }')

    def seconds(data: bytes) -> float:
        began = time.process_time()
        pattern.sub(b"", data)
        return time.process_time() - began

    assert seconds(text * 4) < 40 * seconds(text) + 0.5


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("stream", [False, True])
def test_the_bug_of_a_cut_response_plays_however_the_fake_writes(seed: int, stream: bool) -> None:
    with FakeServer(seed=seed) as fake:
        fake.bug("omlx-responses-limit-completed")
        body = {"model": "gpt-4o", "input": "Count from 1 to 100", "max_output_tokens": 20, "stream": stream}
        reply = httpx.post(f"{fake.base_url}/responses", json=body, headers={"Authorization": "Bearer any"})
    assert "incomplete" not in reply.text.replace("incomplete_details", "")
    assert "completed" in reply.text
