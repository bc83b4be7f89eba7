"""What api.openai.com answered, now or in earlier years, is never accused; its near relatives still are."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.rules.engine.judge import Level
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange

IN_2023, IN_2024 = 1_700_000_000, 1_715_000_000
DETAILS = {"type": "stop", "stop": "<|fim_suffix|>"}


def load(name: str) -> Exchange:
    return fixture.load(ROOT / "fixtures" / "conforming" / f"{name}.yaml").exchange


def asking(exchange: Exchange, path: str = "", **members: Any) -> Exchange:
    """The exchange with another path, and with members of the request set."""
    sent = {**(exchange.request.json() or {}), **members}
    target = path or exchange.request.target
    return exchange.but(request=replace(exchange.request, target=target, body=json.dumps(sent).encode()))


def edited(exchange: Exchange, *edits: tuple[str, str]) -> Exchange:
    """The exchange with words of its body replaced."""
    body = exchange.payload.decode()
    for old, new in edits:
        assert old in body
        body = body.replace(old, new)
    return sized(exchange, body.encode())


def sized(exchange: Exchange, body: bytes) -> Exchange:
    """The exchange with another body, and the length it says."""
    named = exchange.header("content-length") is not None
    kept = [pair for pair in exchange.headers if pair[0].lower() != "content-length"]
    return exchange.with_payload(body).but(
        headers=(*kept, *((("Content-Length", str(len(body))),) if named else ())),
    )


def created(year: int) -> tuple[str, str]:
    return '"created":1760000000', f'"created":{year}'


def musts(exchange: Exchange) -> set[str]:
    return judge(exchange).ids(Level.MUST)


def ids(exchange: Exchange) -> set[str]:
    return judge(exchange).ids()


# -- logprobs


@pytest.mark.parametrize(("number", "accused"), [("3.0517578125e-05", False), ("6.1e-05", False), ("0.01", True)])
def test_a_probability_of_one_may_be_rounded_up(number: str, accused: bool) -> None:
    exchange = edited(load("logprobs-dict"), ('"logprob":-0.02', f'"logprob":{number}'))
    assert ids(exchange) == ({"logprobs.logprob"} if accused else set())


@pytest.mark.parametrize(("year", "accused"), [(IN_2024, False), (1_760_000_000, True)])
def test_logprobs_had_no_refusal_before_2025(year: int, accused: bool) -> None:
    exchange = edited(load("logprobs-dict"), created(year), ('],"refusal":null},"finish', ']},"finish'))
    assert ids(exchange) == ({"logprobs.members"} if accused else set())


# -- how a choice ended


@pytest.mark.parametrize("details", [DETAILS, {"type": "max_tokens"}])
@pytest.mark.parametrize(("year", "accused"), [(IN_2023, False), (1_760_000_000, True)])
def test_finish_details_stood_for_a_reason_in_2023(details: dict[str, str], year: int, accused: bool) -> None:
    member = f'"finish_details":{json.dumps(details)}'
    reply = edited(load("poem-dict"), created(year), ('"finish_reason":"stop"', member))
    stream = edited(load("poem-stream"), created(year), ('"finish_reason":"stop"', f'"finish_reason":null,{member}'))
    without = edited(load("poem-stream"), created(year), ('"finish_reason":"stop"', member))
    assert musts(reply) == ({"chat.finish-reason"} if accused else set())
    assert musts(stream) == ({"chat.stream.finishes"} if accused else set())
    assert musts(without) == ({"chat.stream.finishes", "chat.stream.finish-reason-member"} if accused else set())


@pytest.mark.parametrize(("year", "other", "accused"), [(IN_2023, "length", False), (IN_2023, "stop", True)])
@pytest.mark.parametrize("name", ["two-choices-dict", "text-two-choices-dict"])
def test_a_choice_beside_a_cut_one_had_no_reason_in_2023(name: str, year: int, other: str, accused: bool) -> None:
    body = json.loads(load(name).payload)
    body["created"] = year
    body["choices"][0]["finish_reason"], body["choices"][1]["finish_reason"] = None, other
    section = "chat" if name == "two-choices-dict" else "completions"
    assert musts(sized(load(name), json.dumps(body).encode())) == ({f"{section}.finish-reason"} if accused else set())


# -- text completions, their names and counts


def test_the_path_of_an_engine_counts_no_tokens() -> None:
    body = json.loads(load("text-dict").payload)
    del body["usage"]
    bare = sized(load("text-dict"), json.dumps(body).encode())
    assert ids(bare) == {"usage.present"}
    assert ids(asking(bare, "/v1/engines/davinci/completions")) == set()


def test_a_chat_model_completes_a_text_under_another_object() -> None:
    other = ('"object":"text_completion"', '"object":"completion"')
    assert ids(edited(load("text-dict"), other)) == ids(edited(load("text-stream"), other)) == set()
    wrong = ('"object":"text_completion"', '"object":"completions"')
    assert ids(edited(load("text-dict"), wrong)) == {"completions.object"}


@pytest.mark.parametrize("prompt", [[12522, 1070, 574, 264], "Once there was a"])
def test_where_nothing_is_generated_no_tokens_are_counted(prompt: Any) -> None:
    counts = ('"completion_tokens":4,"total_tokens":9', '"total_tokens":5')
    text = ('"text":"Once there was a tree."', '"text":"Once there was a"')
    echo = edited(load("text-echo-dict"), counts, text, ('"finish_reason":"stop"', '"finish_reason":"length"'))
    assert ids(asking(echo, prompt=prompt, max_tokens=0)) == set()
    details = ('"total_tokens":5', '"total_tokens":5,"completion_tokens_details":{"reasoning_tokens":0}')
    assert ids(asking(edited(echo, details), prompt=prompt, max_tokens=0)) == set()
    assert "usage.counts" in ids(edited(load("text-dict"), counts))


@pytest.mark.parametrize("prompt", [{"messages": []}, {"prompt": ""}])
def test_an_empty_prompt_counts_no_tokens(prompt: dict[str, Any]) -> None:
    free = edited(
        load("poem-dict"), ('"prompt_tokens":14', '"prompt_tokens":0'), ('"total_tokens":20', '"total_tokens":6')
    )
    assert "usage.prompt-counted" in ids(free)
    sent = replace(free.request, body=json.dumps({"model": "gpt-4o-mini", **prompt}).encode())
    assert "usage.prompt-counted" not in ids(free.but(request=sent))


# -- embeddings of other numbers

BYTES = bytes((place * 37 + 5) % 256 for place in range(256))


@pytest.mark.parametrize(
    ("vector", "sent"),
    [
        (BYTES, {"dimensions": 256, "encoding_format": "base64"}),
        (BYTES, {"dimensions": 256, "encoding_format": "base64_int8"}),
        (BYTES, {"dimensions": 256, "encoding_format": "base64", "output_dtype": "int8"}),
        (BYTES[:32], {"dimensions": 256, "encoding_format": "base64", "output_dtype": "binary"}),
        ([12, -5, 127, 0], {"encoding_format": "float", "output_dtype": "int8"}),
    ],
    ids=["as many bytes as dimensions", "base64_int8", "int8", "binary", "an array of int8"],
)
def test_numbers_of_a_byte_are_not_counted_as_floats(vector: Any, sent: dict[str, Any]) -> None:
    body = json.loads(load("embedding-base64").payload)
    body["data"][0]["embedding"] = base64.b64encode(vector).decode() if isinstance(vector, bytes) else vector
    assert ids(asking(sized(load("embedding-base64"), json.dumps(body).encode()), **sent)) == set()


def test_a_quarter_of_the_floats_is_still_found() -> None:
    import struct

    quarter = struct.pack("<64f", *[0.125] * 64)
    body = json.loads(load("embedding-base64").payload)
    body["data"][0]["embedding"] = base64.b64encode(quarter).decode()
    exchange = asking(sized(load("embedding-base64"), json.dumps(body).encode()), dimensions=256)
    assert ids(exchange) == {"embeddings.dimensions"}


# -- the same JSON again

OBJECT = '{\\"answer\\":\\"yes\\"}'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{OBJECT}\\n{OBJECT}", {"formats.json-once"}),
        (f"{OBJECT}\\n\\n{OBJECT}\\n{OBJECT}\\n", {"formats.json-once"}),
        (f'{OBJECT} {{ \\"answer\\": \\"yes\\" }}', {"formats.json-once"}),
        (f"{OBJECT}{OBJECT}", {"formats.json-text"}),
        (f'{OBJECT}\\n{{\\"answer\\":\\"no\\"}}', {"formats.json-text"}),
        (f"```json\\n{OBJECT}\\n```", {"formats.json-text"}),
        (f'{OBJECT}\\n{{\\"answer\\":', {"formats.json-text"}),
        (f"Here: {OBJECT}", {"formats.json-text"}),
        ("1 1", {"formats.json-text"}),
    ],
)
def test_json_that_a_model_repeats_is_a_note_of_its_own(text: str, found: set[str]) -> None:
    before = json.loads(load("json-dict").payload)["choices"][0]["message"]["content"]
    exchange = edited(load("json-dict"), (json.dumps(before), f'"{text}"'))
    assert ids(exchange) == found


def test_much_json_is_read_in_time() -> None:
    before = json.loads(load("json-dict").payload)["choices"][0]["message"]["content"]
    exchange = edited(load("json-dict"), (json.dumps(before), json.dumps("{} " * 200_000)))
    assert "formats.json-once" in ids(exchange)


# -- a schema that is not there


def test_a_strict_function_without_parameters_promises_nothing() -> None:
    tool = {"type": "function", "function": {"name": "get_weather", "strict": True}}
    exchange = asking(load("one-call-dict"), tools=[tool])
    assert ids(exchange) == set()
    assert "tools.strict-kept" not in judge(exchange).applied
