"""Legal forms that few servers use are no findings, and what looks like them and is none is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.rules import judge
from contract_tests.tests.shared import ROOT
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Headers, Write

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
OTHER = {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}}
PROMPT = "Once upon a time there was a small tree in a big green field"


def _load(name: str) -> Exchange:
    return fixture.load(ROOT / "fixtures" / "conforming" / f"{name}.yaml").exchange


def _with(exchange: Exchange, *fields: tuple[str, str], asked: Headers = ()) -> Exchange:
    """The exchange with these header fields of the reply and of the request in place of its own."""
    request = exchange.request
    names = {name.lower() for name, _ in fields}
    kept = tuple(one for one in exchange.headers if one[0].lower() not in names)
    sent = {name.lower() for name, _ in asked}
    others = tuple(one for one in request.headers or () if one[0].lower() not in sent)
    return exchange.but(headers=(*kept, *fields), request=replace(request, headers=(*others, *asked)))


def _answering(exchange: Exchange, body: Any, **asked: Any) -> Exchange:
    """The exchange with another body, and members of the request set."""
    wanted = {**(exchange.request.json() or {}), **asked}
    request = replace(exchange.request, body=json.dumps(wanted).encode())
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    changed = exchange.but(request=request).with_payload(data)
    return _with(changed, ("Content-Length", str(len(data)))) if exchange.header("content-length") else changed


def _ids(exchange: Exchange) -> set[str]:
    return judge(exchange).ids()


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("application/json; charset=utf-8; odata.metadata=none", set()),
        ('application/json; profile="charset=x"; Charset="UTF-8"', set()),
        ("application/json; charset = utf-8", set()),
        ("application/json; charset='utf-8'", set()),
        ("application/json; odata=x; charset=latin1", {"http.charset"}),
        ('application/json;charset="iso-8859-1"', {"http.charset"}),
    ],
)
def test_a_charset_stands_among_other_parameters(value: str, found: set[str]) -> None:
    assert _ids(_with(_load("poem-dict"), ("Content-Type", value))) == found


@pytest.mark.parametrize(
    ("coding", "accepted", "found"),
    [
        ("x-gzip", "gzip", set()),
        ("gzip, identity", "gzip, deflate", set()),
        ("GZIP", "br;q=0.5, *;q=0.1", set()),
        ("gzip", "gzip;q=0.001", set()),
        ("gzip", "gzip;q=0", {"http.coding-asked"}),
        ("gzip", "gzip;q=0.0, *", {"http.coding-asked"}),
        ("gzip", "*;q=0, br", {"http.coding-asked"}),
        ("gzip", "gzippy", {"http.coding-asked"}),
        ("gzip", "", {"http.coding-asked"}),
    ],
)
def test_a_coding_is_one_of_those_accepted(coding: str, accepted: str, found: set[str]) -> None:
    coded = _with(_load("gzip-dict"), ("Content-Encoding", coding), asked=(("Accept-Encoding", accepted),))
    assert "http.coding-asked" in judge(coded).applied
    assert judge(coded).ids() & {"http.coding-asked"} == found


@pytest.mark.parametrize(
    ("allowed", "found"),
    [
        ("https://ui.example.com", set()),
        ("http://localhost:3000", set()),
        ("https://a.example https://b.example", {"http.cors-origin"}),
        ("https://a.example, https://b.example", {"http.cors-origin"}),
        ("https://a.example/", {"http.cors-origin"}),
        ("true", {"http.cors-origin"}),
        ("", {"http.cors-origin"}),
    ],
)
def test_a_target_may_let_one_other_page_read(allowed: str, found: set[str]) -> None:
    page = (("Origin", "https://app.example"),)
    assert _ids(_with(_load("limited-dict"), ("Access-Control-Allow-Origin", allowed), asked=page)) == found


def test_an_echo_of_the_page_is_empty_where_no_page_asks() -> None:
    assert _ids(_with(_load("limited-dict"), ("Access-Control-Allow-Origin", ""))) == set()


@pytest.mark.parametrize(
    ("text", "counts", "limit", "found"),
    [
        (PROMPT, {"completion_tokens": 0, "total_tokens": 14}, 0, set()),
        (PROMPT, {"total_tokens": 14}, 0, set()),
        (f"{PROMPT} who lived", {"completion_tokens": 2, "total_tokens": 16}, 2, set()),
        (f"{PROMPT} who", {"completion_tokens": 0, "total_tokens": 14}, 2, {"usage.completion-counted"}),
    ],
    ids=["0 tokens", "no count", "two tokens", "0 tokens for a word"],
)
def test_an_echoed_prompt_is_not_completed(text: str, counts: dict[str, int], limit: int, found: set[str]) -> None:
    exchange = _load("text-echo-dict")
    body = json.loads(exchange.payload)
    body["choices"][0].update(text=text, finish_reason="length")
    body["usage"] = {"prompt_tokens": 14, **counts}
    assert _ids(_answering(exchange, body, prompt=PROMPT, max_tokens=limit)) == found


def test_several_prompts_are_echoed_each_in_its_choice() -> None:
    exchange = _load("text-echo-dict")
    body = json.loads(exchange.payload)
    one, two = ({**body["choices"][0], "index": at, "text": text} for at, text in enumerate(("A b", "C d")))
    assert _ids(_answering(exchange, {**body, "choices": [one, two]}, prompt=["A", "C"])) == set()
    swapped = _answering(exchange, {**body, "choices": [one, two]}, prompt=["C", "A"])
    assert _ids(swapped) == {"completions.echo"}


NAMED = {"type": "function", "function": {"name": "f"}}


def _allowed(mode: str) -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [NAMED]}}


@pytest.mark.parametrize(
    ("choice", "called", "refusal", "found"),
    [
        ("required", "", "I cannot help with that.", set()),
        (NAMED, "", "I cannot help with that.", set()),
        ("required", "", None, {"tools.choice-kept"}),
        (_allowed("auto"), "f", None, set()),
        (_allowed("auto"), "", None, set()),
        (_allowed("auto"), "g", None, {"tools.choice-kept"}),
        (_allowed("required"), "", None, {"tools.choice-kept"}),
    ],
    ids=[
        "refused",
        "named, refused",
        "required",
        "allowed",
        "allowed, not called",
        "stray",
        "allowed, required",
    ],
)
def test_a_choice_of_tools_is_kept_or_refused(choice: Any, called: str, refusal: str | None, found: set[str]) -> None:
    exchange = _load("one-call-dict")
    body = json.loads(exchange.payload)
    message, answer = body["choices"][0]["message"], body["choices"][0]
    if called:
        message["tool_calls"][0]["function"].update(name=called, arguments="{}")
    else:
        del message["tool_calls"]
        message.update(content=None if refusal else "Hello.", refusal=refusal)
        answer["finish_reason"] = "stop"
    assert _ids(_answering(exchange, body, tools=[TOOL, OTHER], tool_choice=choice)) == found


def test_several_calls_at_once_are_not_held_to_a_strict_schema() -> None:
    exchange = fixture.load(ROOT / "fixtures" / "broken" / "tools.strict-kept.yaml").exchange
    body = json.loads(exchange.payload)
    calls = body["choices"][0]["message"]["tool_calls"]
    calls.append({**calls[0], "id": "call_2"})
    assert _ids(_answering(exchange, body, parallel_tool_calls=True)) == set()


def _stream(*texts: str) -> Exchange:
    """A stream whose deltas say these texts."""
    head = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": "gpt-4o-mini",
    }
    deltas = [{"role": "assistant", "content": ""}, *({"content": text} for text in texts), {}]
    chunks = [
        {**head, "choices": [{"index": 0, "delta": one, "finish_reason": None if one else "stop"}]} for one in deltas
    ]
    lines = [json.dumps(one) for one in chunks] + ["[DONE]"]
    return _load("poem-stream").with_payload("".join(f"data: {line}\n\n" for line in lines).encode())


def test_a_line_of_one_sign_may_grow() -> None:
    assert _ids(_stream("=", "==", "===", "====")) == set()
    assert _ids(_stream("a", "ab", "abc", "abcd")) == {"chat.stream.not-cumulative"}


def test_an_event_id_may_be_any_text() -> None:
    exchange = _load("poem-stream")
    named = exchange.payload.replace(b"data: ", b'id: {"at": 1}\ndata: ')
    assert _ids(exchange.with_payload(named)) == set()
    misplaced = exchange.payload.replace(b"data: ", b'error: {"message": "no"}\ndata: ', 1)
    assert _ids(exchange.with_payload(misplaced)) == {"sse.payload-in-data"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"\\ud83c is an escape", set()),
        (r"\ud83c\udf33", set()),
        (r"\uD83C\uDF33\u00e9", set()),
        (r"\ud83c\n\udf33", {"http.json-surrogates"}),
        (r"\udf33\ud83c", {"http.json-surrogates"}),
        (r"\\\ud83c", {"http.json-surrogates"}),
    ],
)
def test_half_a_surrogate_pair_is_named(text: str, found: set[str]) -> None:
    exchange = _load("poem-dict")
    body = exchange.payload.replace(b"and listens.", text.encode())
    assert _ids(_answering(exchange, body)) == found


def test_who_holds_back_the_head_holds_back_the_answer() -> None:
    slow = _load("slow-stream")
    at_once = slow.with_payload(slow.payload)
    assert _ids(at_once.but(head_pause=6.0)) == {"chat.stream.not-held-back"}
    assert _ids(at_once.but(writes=(Write(slow.payload, 2.0),))) == set(), "a chunk may come byte by byte"
    assert _ids(at_once.but(head_pause=2.0)) == set(), "a busy target may answer at once when its turn comes"
    assert _ids(slow.but(head_pause=6.0)) == set()


@pytest.mark.parametrize(("stop", "found"), [("Hello", set()), (["a", "b"], set()), (None, {"chat.not-blank"})])
def test_a_stop_sequence_that_is_said_first_leaves_nothing(stop: object, found: set[str]) -> None:
    exchange = _load("poem-dict")
    body = json.loads(exchange.payload)
    body["choices"][0]["message"]["content"] = ""
    body["usage"].update(completion_tokens=0, total_tokens=body["usage"]["prompt_tokens"])
    assert _ids(_answering(exchange, body, stop=stop)) & {"chat.not-blank"} == found


@pytest.mark.parametrize(
    ("asked", "text", "counted", "found"),
    [
        ({}, "", {"completion_tokens": 0}, {"completions.not-blank"}),
        ({}, "", {}, set()),
        ({}, "", {"completion_tokens": 1}, set()),
        ({}, " tree", {"completion_tokens": 1}, set()),
        ({"stop": "Once"}, "", {"completion_tokens": 0}, set()),
        ({"stop": ["a", " tree"]}, "", {"completion_tokens": 0}, set()),
        ({"suffix": "."}, "", {"completion_tokens": 0}, set()),
        ({"suffix": None, "stop": None}, "", {"completion_tokens": 0}, {"completions.not-blank"}),
    ],
)
def test_a_text_completion_may_be_empty_where_the_caller_says_where_it_ends(
    asked: dict[str, Any], text: str, counted: dict[str, int], found: set[str]
) -> None:
    exchange = _load("text-dict")
    body = json.loads(exchange.payload)
    body["choices"][0]["text"] = text
    body["usage"] = {"prompt_tokens": 5, **counted, "total_tokens": 5 + sum(counted.values())}
    assert _ids(_answering(exchange, body, **asked)) == found


@pytest.mark.parametrize(("finish", "found"), [("stop", {"completions.not-blank"}), ("length", set()), (None, set())])
def test_a_text_completion_is_to_say_something_where_it_ended_by_itself(finish: str | None, found: set[str]) -> None:
    exchange = _load("text-dict")
    body = json.loads(exchange.payload)
    body["choices"][0].update(text="", finish_reason=finish)
    body["usage"] = {"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}
    assert _ids(_answering(exchange, body)) & {"completions.not-blank"} == found
