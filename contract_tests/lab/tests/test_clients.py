"""Which client breaks on what: verdicts, the saved table, and a sample of it measured again."""

from __future__ import annotations

import datetime
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import pytest

from contract_tests.lab.clients.__main__ import add_rows, measure_rows
from contract_tests.lab.clients.corpus import Subject, question_of, subjects
from contract_tests.lab.clients.driving import CLIENTS, Client, Driver
from contract_tests.lab.clients.verdicts import judge_client
from contract_tests.lab.tools.checkout import FIXTURES
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.report.breakage import DATA, BreakageTable, format_breakage, load_table
from contract_tests.tests.test_cli import contract
from fake_server import ReplayServer
from fake_server.wire.exchange import Exchange, Request
from fake_server.wire.fixture import load

SAMPLE = 12
"""Fixtures that are measured again; others every day."""


def answer(text: str, finish: str = "stop", calls: tuple[Any, ...] = ()) -> dict[str, Any]:
    choice = {"text": text, "calls": list(calls), "finish": finish}
    return {"result": {"id": "1", "choices": [choice], "usage": [1, 2, 3]}}


def error(name: str, **details: Any) -> dict[str, Any]:
    return {"error": name, "said": details}


CALL = ["c1", "f", {"city": "Oslo"}]
VERDICTS: list[tuple[dict[str, Any], dict[str, Any] | None, str]] = [
    (answer("A tree."), answer("A tree."), "fine"),
    (answer(""), answer("A tree."), "empty"),
    (answer("A t"), answer("A tree."), "short"),
    (answer("A bush stands."), answer("A tree."), "wrong: text"),
    (answer("A bu"), answer("A tree."), "wrong: text"),
    (answer([{"text": "A tree."}]), answer("A tree."), "wrong: text"),  # type: ignore[arg-type]
    (answer("A tree.", "length"), answer("A tree."), "wrong: finish"),
    (answer(""), answer("", calls=(CALL,)), "empty"),
    (answer("", calls=([*CALL[:2], {"city": "Rome"}],)), answer("", calls=(CALL,)), "wrong: calls"),
    (answer("", calls=([*CALL[:2], {}],)), answer("", calls=(CALL,)), "short"),
    (answer("", calls=([None, *CALL[1:]],)), answer("", calls=(CALL,)), "wrong: calls"),
    (answer("", calls=(CALL,)), answer("", calls=(CALL, ["c2", "f", {}])), "short"),
    (
        {"result": {"choices": [{"text": "", "calls": [], "invalid calls": [CALL]}]}},
        {"result": {"choices": [{"text": "", "calls": [CALL], "invalid calls": []}]}},
        "wrong: calls, invalid calls",
    ),
    (answer("", calls=(["c1c1", "ff", *CALL[2:]],)), answer("", calls=(CALL,)), "wrong: calls"),
    (answer("", calls=([*CALL, None],)), answer("", calls=([*CALL, "function"],)), "wrong: calls"),
    (
        {"result": {"choices": [{"role": "assistantassistant", "text": "A"}]}},
        {"result": {"choices": [{"role": "assistant", "text": "A"}]}},
        "wrong: role",
    ),
    ({"result": {"parsed": {"lines": 3}}}, {"result": {"parsed": {"lines": 4}}}, "wrong: parsed"),
    ({"result": {"metadata": {"topic": "a"}}}, {"result": {"metadata": {"topic": "b"}}}, "wrong: metadata"),
    ({"result": {"final response": None}}, {"result": {"final response": {"final id": "a"}}}, "wrong: final response"),
    (answer("A tree."), error("NotFoundError", status=404), "wrong: no error"),
    ({"result": {"vectors": [[0.6000000238]]}}, {"result": {"vectors": [[0.6]]}}, "fine"),
    (answer("A tree."), None, "answers"),
    ({"result": None}, {"result": None}, "–"),
    (error("ValueError", message="no such model"), error("ValueError", message="no such model"), "–"),
    ({"hangs": True}, answer("A tree."), "hangs"),
    (error("KeyError", message="'id'"), answer("A tree."), "raises KeyError"),
    (error("NotFoundError", code="a"), error("NotFoundError", code="a"), "fine"),
    (error("NotFoundError", code=None), error("NotFoundError", code="a"), "wrong: code"),
    (error("APIError", code="a"), error("NotFoundError", code="a"), "raises APIError"),
]


@pytest.mark.parametrize(("actual", "right", "expected"), VERDICTS, ids=[case[2] for case in VERDICTS])
def test_a_judge_client(actual: dict[str, Any], right: dict[str, Any] | None, expected: str) -> None:
    assert judge_client(actual, right) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, ""),
        ({"a 1": "fine", "b": "–"}, "every client measured is fine"),
        ({"a 1": "answers", "b": "answers"}, ""),
        ({"a 1": "empty", "a 2": "empty", "b": "fine"}, "a 1 and 2: silently empty; others fine"),
        ({"a 1": "raises E", "b": "hangs"}, "a 1: raises E; b: hangs"),
        (
            {"a 1": "wrong: no error", "b": "wrong: text, usage"},
            "a 1: no error is raised; b: wrong text, usage",
        ),
    ],
)
def test_a_row_in_words(row: dict[str, str], expected: str) -> None:
    assert format_breakage(row) == expected


def test_a_request_that_no_client_makes_becomes_a_common_one() -> None:
    stream = b'{"model": "m", "stream": true}'
    body = question_of(Exchange(Request("POST", "/v1/chat/completions", body=stream), 400))["body"]
    assert body["messages"]
    assert body["stream"] is True
    assert question_of(Exchange(Request("POST", "/v1/embeddings", body=b"{"), 400))["kind"] == "embeddings"
    assert question_of(Exchange(Request("GET", "/v1/models/m-1"), 200))["body"] == {"model": "m-1"}
    assert question_of(Exchange(Request("GET", "/v1/models"), 200))["kind"] == "models"
    packed = b'{"model": "m", "input": "a", "encoding_format": "base64"}'
    assert question_of(Exchange(Request("POST", "/v1/embeddings", body=packed), 200))["body"] == {
        "model": "m",
        "input": "a",
    }


@pytest.mark.parametrize(
    ("method", "target", "body", "kind", "action"),
    [
        ("POST", "/v1/responses", b'{"model": "m", "input": "a"}', "responses", None),
        ("POST", "/v1/responses", b"{}", "responses", None),
        ("GET", "/v1/responses/resp_1", b"", "state", "response"),
        ("DELETE", "/v1/responses/resp_1", b"", "state", "response deleted"),
        ("GET", "/v1/responses/resp_1/input_items?limit=2", b"", "state", "response items"),
        ("POST", "/v1/responses/compact", b'{"model": "m", "input": "a"}', "state", "response compacted"),
        ("POST", "/v1/conversations", b"{}", "state", "conversations"),
        ("GET", "/v1/conversations/conv_1/items/msg_1", b"", "state", "conversation item"),
    ],
)
def test_what_is_asked_of_responses_and_conversations(
    method: str, target: str, body: bytes, kind: str, action: str | None
) -> None:
    question = question_of(Exchange(Request(method, target, body=body), 200))
    assert (question["kind"], question["body"].get("action")) == (kind, action)
    assert kind == "state" or question["body"]["input"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("client", "fixture", "right", "verdict"),
    [
        ("openai-python 3", "responses.message", "response-dict", "empty"),
        ("openai-python 3", "responses.usage-details", "response-dict", "raises AttributeError"),
        ("openai-python 3", "responses.stream.output-order", "response-stream", "fine"),
        ("openai-python 3", "responses.stream.output-agrees", "response-stream", "final text"),
        ("openai-python 3", "responses.input-tokens", "response-input-tokens", "wrong: tokens"),
        ("openai-python 3", "conversations.pages", "conversation-items", "fine"),
        ("openai-python .stream()", "responses.stream.begins", "response-stream", "raises RuntimeError"),
        ("openai-python .stream()", "responses.stream.part-brackets", "response-stream", "raises IndexError"),
        ("openai-python .stream()", "responses.format", "response-json-dict", "raises ValidationError"),
        ("openai-python .stream()", "responses.message", "response-dict", "–"),
    ],
)
def test_what_a_client_makes_of_a_broken_response(client: str, fixture: str, right: str, verdict: str) -> None:
    (chosen,) = (known for known in CLIENTS if known.name == client)
    answers = []
    with Driver(chosen) as driver:
        for path in (FIXTURES / "broken" / f"{fixture}.yaml", FIXTURES / "conforming" / f"{right}.yaml"):
            with ReplayServer(path, match="any", speed=0) as server:
                answers.append(driver(server.base_url, question_of(load(path).exchange)))
    assert verdict in judge_client(*answers)


def test_rows_are_added_and_others_left_alone() -> None:
    table = BreakageTable("2026-11-30", {"a": "1"}, {"broken/x": {"a": "empty"}, "broken/y": {"a": "fine"}})
    added = add_rows(table, {"a": "1", "b": "2"}, {"broken/y": {"a": "short", "b": "fine"}})
    assert added.verdicts == {"broken/x": {"a": "empty", "b": "–"}, "broken/y": {"a": "short", "b": "fine"}}
    assert (added.measured, added.clients) == ("2026-11-30", {"a": "1", "b": "2"})
    with pytest.raises(click.ClickException, match="other versions: a"):
        add_rows(table, {"a": "2"}, {})


def test_a_question_that_no_client_asks_is_left_out() -> None:
    (slash,) = (subject for subject in subjects() if subject.name == "bugs/g4f-trailing-slash-307")
    assert slash.question is None
    assert set(load_table().verdicts[slash.name].values()) == {"–"}


def test_explain_says_who_breaks_and_when_that_was_measured() -> None:
    done = contract("explain", "tools.arguments")
    verdicts = "openai-node 7: raises SyntaxError; LangChain, Agents SDK: raises ValidationError"
    words = " ".join(done.stdout.split())
    assert verdicts in words
    assert f"(measured {load_table().measured})" in words


def test_the_table_is_complete() -> None:
    names = [client.name for client in CLIENTS]
    assert {name: list(row) for name, row in load_table().verdicts.items()} == {
        subject.name: names for subject in subjects()
    }, "make clients CLIENTS=--write"
    assert DATA.read_text("utf-8") == load_table().text()


def test_the_stream_helper_is_a_client_of_its_own_and_its_objects_are_read() -> None:
    (helper,) = (client for client in CLIENTS if client.name == "openai-python .stream()")
    path = FIXTURES / "broken" / "tools.stream-id-once.yaml"
    question = question_of(load(path).exchange)
    with Driver(helper) as driver, ReplayServer(path, match="any", speed=0) as server:
        result = driver(server.base_url, question)["result"]
        nothing = driver(server.base_url, {"kind": "models", "body": {}})["result"]
    (choice,) = result["choices"]
    ((identifier, name, arguments, kind),) = choice["calls"]
    assert identifier == "call_0a9Xw2" * 5
    assert name == "get_weather" * 5
    assert (arguments, kind, choice["role"], choice["finish"]) == (
        {"city": "Oslo"},
        "function",
        "assistant",
        "tool_calls",
    )
    assert result["events"] == [[0, name, '{"city": "Oslo"}']]
    assert nothing is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fixture", "verdict"),
    [
        ("broken/formats.schema-kept", "raises ValidationError"),
        ("broken/formats.refusal-alone", "wrong: text, refusal, parsed"),
        ("conforming/schema-dict", "fine"),
        ("conforming/schema-stream", "fine"),
    ],
)
def test_the_object_that_the_helper_parses_is_read(fixture: str, verdict: str) -> None:
    (helper,) = (client for client in CLIENTS if client.name == "openai-python .stream()")
    path = FIXTURES / f"{fixture}.yaml"
    right = FIXTURES / "conforming" / ("schema-stream.yaml" if "stream" in fixture else "schema-dict.yaml")
    with Driver(helper) as driver:
        answers = []
        for each in (path, right):
            with ReplayServer(each, match="any", speed=0) as server:
                answers.append(driver(server.base_url, question_of(load(right).exchange)))
    assert answers[1]["result"]["choices"][0]["parsed"], "the right answer is parsed"
    assert judge_client(*answers) == verdict


def _sample() -> list[Subject]:
    rng = random.Random(datetime.datetime.now(datetime.UTC).date().toordinal())
    return rng.sample(subjects(), SAMPLE)


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda client: client.name)
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    client = request.param
    assert isinstance(client, Client)
    with ExitStack() as stack:
        try:
            yield stack.enter_context(Driver(client))
        except NotInstalled as error:
            pytest.skip(f"{client.name} cannot be installed here: {error}")


@pytest.mark.slow
def test_a_sample_measured_again_is_the_same(driver: Driver) -> None:
    name = driver.client.name
    known = load_table()
    if driver.version != known.clients[name]:
        pytest.skip(f"{name} is {driver.version} now, measured as {known.clients[name]}: make clients CLIENTS=--write")
    measured = {subject: row[name] for subject, row in measure_rows([driver], _sample())}
    assert measured == {subject: known.verdicts[subject][name] for subject in measured}


@pytest.mark.parametrize("name", ["logprobs.given", "logprobs.members", "usage.stream-unasked", "completions.object"])
def test_a_fixture_is_compared_with_an_exchange_that_lacks_nothing_but_its_defect(name: str) -> None:
    """Beside a genuine form of another year, clients would be said to get `created` or the finish reason wrong."""
    subject = next(subject for subject in subjects() if subject.name == f"broken/{name}")
    assert subject.conforming
    times = {_created(path) for path in (subject.path, subject.conforming)}
    assert len(times) == 1
    assert times != {None}


def _created(path: Path) -> str | None:
    found = re.search(rb'"created":\s*(\d+)', load(path).exchange.payload)
    return found[1].decode() if found else None
