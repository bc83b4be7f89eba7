"""What one request may cost: work, time and bytes, wherever it spends them; another client is answered meanwhile."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fake_server.scripts import book as scripts
from fake_server.server.app import App
from fake_server.server.in_process import InProcess
from fake_server.server.settings import Settings
from fake_server.wire import budget
from fake_server.wire.exchange import Exchange, Request

work = pytest.mark.security("work of one request")
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Repeat after me: Hello, you there é!"}]}
TEXT = json.dumps([[number] * 9 for number in range(40)])
KEY = ("authorization", "Bearer sk-of-the-server")


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes all steps takes a tenth of them here, so that the tests are quick."""
    monkeypatch.setattr(budget, "STEPS", budget.STEPS // 10)


def ask(body: Any, *fields: tuple[str, str], path: str = "/v1/chat/completions", **settings: Any) -> Exchange:
    """What a fake of its own answers."""
    request = Request("POST", path, (("content-type", "application/json"), *fields), _json(body))
    return InProcess(App(Settings(plain=True, **settings))).answer(request)


def refusal(exchange: Exchange) -> str:
    """The message of a refusal, which names a bound."""
    assert exchange.status == 400, (exchange.status, exchange.payload[:300])
    error = json.loads(exchange.payload)["error"]
    assert error["code"] == "request_too_expensive", error
    assert error["type"] == "invalid_request_error"
    message: str = error["message"]
    assert "more than" in message or "longer than" in message, message
    return message


GROWING = "rewrite;find=a;by=" + "a" * 100
STARS = f"[{','.join('*' * 7)}]"
FAULTS = (
    "comments;count=100000;size=10000, split;every=1",
    "comments;count=100000;size=10000",
    f"rewrite;find=data;by=aaaa, {', '.join([GROWING] * 5)}",
    f'json;at="$..{STARS}..{STARS}..{STARS}..{STARS}";value=1',
    f'json;at="$.model";where="$[*,*]{STARS}{STARS}..{STARS * 3}";value=1',
    'drop-events;where="$..[?' + "@..[?$..[?" * 3 + "@..x" + "]]" * 3 + ']"',
    f'repeat-events;where="$..[?{" || ".join(["$..*..*.x"] * 30)}]"',
    "json;at=\"$..[?search(@, '\\\\\\\\p{L}{240}x')]\";value=1",
    "garbage;bytes=100000000",
    "garbage;bytes=1000000, slow;bytes_per_second=1",
    ", ".join(["garbage;bytes=9000000"] * 9),
    ", ".join(["bom"] * 3000 + ["empty-body"]),
)


@work
@pytest.mark.parametrize("faults", FAULTS, ids=range(len(FAULTS)))
def test_faults_of_a_header_have_a_budget(faults: str) -> None:
    message = {"role": "user", "content": f"Repeat after me: {'a' * 300} {TEXT}"}
    refusal(ask({**CHAT, "messages": [message], "stream": "search" not in faults}, ("x-fake-fault", faults)))


@pytest.mark.parametrize("change", ["value=a", "drop", "unwrap=choices"])
@pytest.mark.parametrize("path", ["$..*..*", "$..[*,*]", "$[*,*]..[*,*]", "$..[0,0]"])
def test_a_path_that_finds_what_is_around_its_own_nodes_breaks_the_reply_only(path: str, change: str) -> None:
    exchange = ask(CHAT, ("x-fake-fault", f'json;at="{path}";{change}'))
    assert (exchange.status, exchange.problem) == (200, "")


@work
def test_what_a_header_names_costs_nothing_without_the_servers_key() -> None:
    """Neither strikes a fault, nor is it looked at whether there are such faults and bugs."""
    for fields in (
        ("x-fake-fault", FAULTS[3]),
        ("x-fake-fault", "close"),
        ("x-fake-bug", "none"),
        ("x-fake-fault", "?"),
    ):
        for key in ((), (("authorization", "Bearer sk-another"),)):
            exchange = ask(CHAT, fields, *key, api_key="sk-of-the-server")
            assert (exchange.status, exchange.problem) == (401, "")
    assert ask(CHAT, ("x-fake-fault", "error;status=503"), KEY, api_key="sk-of-the-server").status == 503


HEAVY = {
    "faults": (CHAT, (("x-fake-fault", FAULTS[3]),)),
    "a large body": ({**CHAT, "messages": [{"role": "user", "content": "word " * 400_000}]}, ()),
}


@work
@pytest.mark.parametrize("name", HEAVY)
def test_others_are_answered_while_one_request_is_worked_for(name: str) -> None:
    body, fields = HEAVY[name]
    app = App(Settings(plain=True))

    async def answered() -> int:
        """The number of other clients' requests that were answered while the heavy one was."""
        heavy = asyncio.create_task(_answer(app, body, *fields))
        light = 0
        while not heavy.done():
            assert (await _answer(app, CHAT)).status == 200
            light += 1
            await asyncio.sleep(0)
        assert (await heavy).status in (200, 400)
        return light

    assert asyncio.run(answered()) > 5


async def _answer(app: App, body: Any, *fields: tuple[str, str]) -> Exchange:
    request = Request("POST", "/v1/chat/completions", (("content-type", "application/json"), *fields), _json(body))
    return await InProcess(app)._answer(request)


def _json(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def repeating(text: str, **more: Any) -> dict[str, Any]:
    """A chat whose answer is `text`."""
    return {**CHAT, "messages": [{"role": "user", "content": f"Repeat after me: {text}"}], **more}


def answering(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A chat whose answer fits the schema."""
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", **schema}}}
    return {**CHAT, "response_format": form, **more}


def only(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A chat whose answer is an object with one member."""
    return answering({"properties": {"a": schema}, "required": ["a"]}, **more)


def tree(key: str, leaf: Any) -> dict[str, Any]:
    """A schema of a few lines that means 4**25 schemas."""
    branch: dict[str, Any] = {}
    for number in range(25):
        following = [{"$ref": f"#/$defs/d{number + 1}"}] * 4
        members = dict(zip("abcd", following, strict=True))
        branch[f"d{number}"] = (
            {"properties": members, "required": list(members)} if key == "properties" else {key: following}
        )
    return {"$defs": {**branch, "d25": leaf}, "properties": {"a": {"$ref": "#/$defs/d0"}}, "required": ["a"]}


ENUM = [f"value {number}" for number in range(1000)]
WORDS = "word " * 20_000
HEAVY_PATTERNS = [rf"^(\w{{{20 + number % 30}}}\d{{30}}){{{5 + number % 20}}}$" for number in range(100)]
NAMES = [f"abc_{number}" for number in range(80)]
CALLS = [{"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in range(40_000)]
TOO_MUCH: dict[str, Any] = {
    "choices with alternatives": repeating(WORDS[:4000], n=128, logprobs=True, top_logprobs=20),
    "choices with alternatives, streamed": repeating(WORDS, n=128, logprobs=True, top_logprobs=20, stream=True),
    "choices with probabilities": repeating(WORDS, n=128, logprobs=True),
    "alternatives of a long text": repeating(WORDS, logprobs=True, top_logprobs=20),
    "choices of a long text, streamed": repeating(WORDS[:99_000], n=128, stream=True, model="m" * 2000),
    "values": b'{"model":"a","messages":[{"role":"user","content":[' + b"{}," * 2_000_000 + b"{}]}]}",
    "lists": b'{"model":"a","messages":[' + b"[]," * 2_000_000 + b"[]]}",
    "numbers": b'{"model":"a","messages":[' + b"1," * 2_000_000 + b"1]}",
    "allOf of enums": only({"allOf": [{"enum": [*ENUM, number]} for number in range(50)]}, n=9),
    "allOf of objects": only({"allOf": [{"properties": {name: {} for name in ENUM}}] * 50}, n=90),
    "a tree of members": answering(tree("properties", {"type": "string"}), n=9),
    "a tree of anyOf": answering(tree("anyOf", False), n=9),
    "a tree of allOf": answering(tree("allOf", {"type": "integer"}), n=99),
    "a tree of oneOf": answering(tree("oneOf", {"type": "integer"}), n=99),
    "patterns of names and values": answering(
        {
            "required": NAMES,
            "patternProperties": {rf"^[a-z]{{1,{n + 5}}}_{n}?": {"pattern": f"^[a-z]{{{n + 1}}}$"} for n in range(80)},
        },
        n=9,
    ),
    "heavy patterns": answering({"properties": {p: {"type": "string", "pattern": p} for p in HEAVY_PATTERNS}}),
    "a heavy pattern and a long text": only(
        {"type": "string", "minLength": 90_000, "pattern": r"(\w{100}){50}|(\pL{90}){40}x"}, n=99
    ),
    "nested repeats of nothing": only({"type": "string", "pattern": "((((){1000}){1000}){1000}){1000}"}, n=99),
    "long texts": answering({"properties": {name: {"type": "string", "minLength": 10**9} for name in NAMES}}, n=99),
    "long lists": only({"minItems": 10**9, "items": {"minItems": 10**9, "items": {"minItems": 10**9}}}, n=99),
    "unique items": only({"uniqueItems": True, "minItems": 900, "items": {"enum": [1, 2]}}, n=99),
    "names": answering({"minProperties": 900, "propertyNames": {"pattern": r"^\w{50}[^a]$", "minLength": 10**6}}, n=99),
    "a circle": answering({"properties": {"a": {"$ref": "#"}}, "required": ["a"]}, n=99),
}


@work
@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_costs_more_than_one_request_may_is_refused(name: str) -> None:
    refusal(ask(TOO_MUCH[name]))


@work
@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "word " * 50_000, "n": 128, "echo": True},
        {"prompt": "word " * 5_000, "n": 128, "echo": True, "logprobs": 5},
        {"prompt": ["word"] * 2000, "max_tokens": 1000, "logprobs": 5},
    ],
    ids=["echo", "echo with probabilities", "prompts with probabilities"],
)
def test_text_completions_have_the_same_budget(body: dict[str, Any]) -> None:
    refusal(ask({"model": "a-completion-model", **body}, path="/v1/completions"))


@work
def test_embeddings_and_moderations_have_the_same_budget() -> None:
    many = [f"text {number}" for number in range(2048)]
    assert ask({"model": "text-embedding-3-small", "input": many[:50]}, path="/v1/embeddings").status == 200
    refusal(ask({"model": "text-embedding-3-large", "input": many}, path="/v1/embeddings"))
    refusal(ask({"input": ["word " * 4000] * 500}, path="/v1/moderations"))


CONDITIONS = [
    {"body": {f"$..{STARS}..{STARS}..{STARS}..{STARS}.x": 1}},
    {"body": {"$..[?search(@.text, '\\\\p{L}{240}x')]": 1}},
    {"messages": {"any": {"regex": r"(\w{10}){12}x"}}},
]


@work
@pytest.mark.parametrize("when", CONDITIONS, ids=["a path", "a search", "a pattern"])
def test_conditions_of_scripts_have_the_same_budget(when: dict[str, Any]) -> None:
    book = scripts.parse([{"name": "s", "when": when, "reply": {"text": "Hi"}}])
    parts = [{"type": "text", "text": "a" * 500}] * 40
    body = {**CHAT, "messages": [{"role": "user", "content": parts}, *repeating("a" * 5000)["messages"]]}
    refusal(ask(body, book=book))


@work
@pytest.mark.parametrize("count", [40_000])
def test_validation_takes_no_longer_than_reading(count: int) -> None:
    """Both took the square of the number: of calls with their results, and of members that are required."""
    results = [{"role": "tool", "tool_call_id": f"c{number}", "content": "a"} for number in range(count)]
    messages = [*CHAT["messages"], {"role": "assistant", "tool_calls": CALLS[:count]}, *results]
    assert ask({**CHAT, "messages": messages}, path="/v1/chat/completions").status in (200, 400)
    members = {f"k{number}": {"type": "string"} for number in range(count)}
    closed = {"properties": members, "required": list(members), "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": {"type": "object", **closed}}}
    assert ask({**CHAT, "response_format": form}).status in (200, 400)


def test_a_long_honest_answer_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    text = "word, " * 50_000
    book = scripts.parse([{"name": "s", "reply": {"text": text}}])
    streamed = ask({**CHAT, "stream": True}, book=book)
    assert streamed.payload.count(b"\n\n") > 100_000
    whole = json.loads(ask(CHAT, book=book).payload)
    assert whole["choices"][0]["message"]["content"] == text
    broken = ask({**CHAT, "stream": True}, ("x-fake-fault", "no-done"), book=book)
    assert broken.payload.count(b"\n\n") > 100_000
