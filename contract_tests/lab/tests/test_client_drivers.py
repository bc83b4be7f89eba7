"""What Codex CLI, the Agents SDK and AI SDK make of right and of broken answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from contract_tests.lab.clients.corpus import question_of
from contract_tests.lab.clients.driving import CLIENTS, Driver
from contract_tests.lab.clients.verdicts import judge_client
from contract_tests.lab.tools.checkout import FIXTURES
from contract_tests.lab.tools.environments import NotInstalled
from fake_server import ReplayServer
from fake_server.wire.fixture import load

STREAM, CALLS = "conforming/response-stream", "conforming/response-calls-stream"
VERDICTS = {
    "Codex CLI": [
        ("broken/responses.stream.item-closes", STREAM, "empty"),
        ("broken/responses.stream.ends-once", STREAM, "raises TurnFailed"),
        ("broken/responses.stream.text-agrees", STREAM, "wrong: streamed"),
        ("broken/responses.stream.output-agrees", STREAM, "fine"),
        ("broken/responses.stream.arguments-agree", CALLS, "fine"),
        ("broken/responses.message", "conforming/response-dict", "–"),
        ("bugs/freebuff2api-responses-usage-in-chat-names", STREAM, "raises TurnFailed"),
        ("bugs/cliproxyapi-done-call-without-name", CALLS, "wrong: calls, invalid calls"),
    ],
    "Agents SDK": [
        ("broken/responses.stream.item-closes", STREAM, "fine"),
        ("broken/responses.stream.ends-once", STREAM, "raises ModelBehaviorError"),
        ("broken/responses.stream.text-agrees", STREAM, "wrong: streamed"),
        ("broken/responses.arguments", "conforming/response-calls-dict", "wrong: calls, invalid calls"),
        ("broken/responses.format", "conforming/response-json-dict", "raises ModelBehaviorError"),
        ("broken/chat.stream.delta", "conforming/poem-stream", "short"),
    ],
    "AI SDK": [
        ("broken/responses.stream.item-closes", STREAM, "fine"),
        ("broken/responses.stream.ends-once", STREAM, "wrong: finish, usage"),
        ("broken/responses.stream.announced", STREAM, "raises StreamError"),
        ("broken/responses.message", "conforming/response-dict", "raises AI_APICallError"),
        ("broken/responses.format", "conforming/response-json-dict", "raises AI_NoObjectGeneratedError"),
        ("bugs/llamacpp-responses-events-without-indices", STREAM, "raises AI_TypeValidationError"),
    ],
}
CALLED = [["call_1b9Xw2c7", "get_weather", {"city": "Oslo"}], ["call_1b9Xw2c9", "get_weather", {"city": "Rome"}]]


@pytest.fixture(scope="module", params=VERDICTS)
def driver(request: pytest.FixtureRequest) -> Iterator[Driver]:
    (client,) = (client for client in CLIENTS if client.name == request.param)
    with contextlib.ExitStack() as stack:
        try:
            yield stack.enter_context(Driver(client))
        except NotInstalled as error:
            pytest.skip(f"{client.name} cannot be installed here: {error}")


def ask(driver: Driver, fixture: str) -> Mapping[str, Any]:
    path = FIXTURES / f"{fixture}.yaml"
    with ReplayServer(path, match="any", speed=0) as server:
        return driver(server.base_url, question_of(load(path).exchange))


@pytest.mark.slow
def test_a_client_reads_what_is_right(driver: Driver) -> None:
    text = ask(driver, STREAM)["result"]
    assert text["choices"] == [{**text["choices"][0], "text": "A tree stands still.", "calls": []}]
    assert text["usage"] == [12, 6, 18, 0, 0]
    calls = ask(driver, CALLS)["result"]
    assert (calls["choices"][0]["calls"], calls["choices"][0]["text"]) == (CALLED, "")
    assert "gAAAAABoC0nfirmed0a9Xw2" in str(calls["reasoning"])


@pytest.mark.slow
def test_what_a_client_makes_of_what_is_broken(driver: Driver) -> None:
    measured = [
        (broken, right, judge_client(ask(driver, broken), ask(driver, right)))
        for broken, right, _ in VERDICTS[driver.client.name]
    ]
    assert measured == VERDICTS[driver.client.name]


@pytest.mark.slow
def test_what_a_client_does_not_ask_is_left_out(driver: Driver) -> None:
    assert ask(driver, "conforming/conversation-read") == {"result": None}
