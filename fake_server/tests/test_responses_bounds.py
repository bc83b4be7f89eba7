"""What a request for a response may cost, and what is read of content that claims to be the server's own."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from fake_server.api import sealing
from fake_server.server.app import App
from fake_server.server.in_process import InProcess
from fake_server.server.settings import Settings
from fake_server.wire import budget
from fake_server.wire.exchange import Exchange, Request

FUNCTIONS = [{"type": "function", "name": f"tool_{number}"} for number in range(1500)]
COSTLY: dict[str, dict[str, Any]] = {
    "a long text": {"input": "Repeat after me: " + "word " * 400_000},
    "a long text as a stream": {"input": "Repeat after me: " + "word " * 400_000, "stream": True},
    "log probabilities": {"input": "Repeat after me: " + "word " * 9_000, "top_logprobs": 20, "stream": True},
    "tools in namespaces": {
        "input": "word " * 300, "tools": [{"type": "namespace", "name": "n", "tools": FUNCTIONS}] * 20,
    },
    "tools that are found": {
        "input": [
            {"role": "user", "content": "word " * 300},
            {"type": "additional_tools", "role": "developer", "tools": FUNCTIONS * 10},
        ]
    },
}  # fmt: skip


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes all steps takes a tenth of them here, so that the tests are quick."""
    monkeypatch.setattr(budget, "STEPS", budget.STEPS // 10)


def ask(**body: Any) -> Exchange:
    data = json.dumps({"model": "any", **body}).encode()
    request = Request("POST", "/v1/responses", (("content-type", "application/json"),), data)
    return InProcess(App(Settings(plain=True))).answer(request)


@pytest.mark.security("work of one request")
@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("name", COSTLY)
def test_a_request_for_a_response_has_a_budget(name: str) -> None:
    exchange = ask(**COSTLY[name])
    error = json.loads(exchange.payload)["error"]
    assert (exchange.status, error["code"]) == (400, "request_too_expensive"), error


def sealed(packed: bytes, salt: bytes = b"s" * 9) -> str:
    """The text of content that is proved as the server proves its own."""
    return sealing._MARK + base64.urlsafe_b64encode(salt + sealing._prove(salt, packed) + packed).decode()


BOMB = zlib.compress(b'"' + b"x" * 64 * 1024 * 1024 + b'"', 9)
NESTED = zlib.compress(b"[" * 100_000)
FORGED = {
    "a bomb": sealed(BOMB),
    "nested lists": sealed(NESTED),
    "no JSON": sealed(zlib.compress(b"{")),
    "not compressed": sealed(b"{}"),
    "nothing": sealing._MARK,
    "a long tail": sealing.seal({}) + "A" * 4000,
    "no base64": sealing._MARK + "??",
}


@pytest.mark.security("memory")
@pytest.mark.parametrize("name", FORGED)
def test_forged_content_is_refused_and_not_unpacked(name: str) -> None:
    assert sealing.unseal(FORGED[name]) is None
    thought = {"type": "reasoning", "summary": [], "encrypted_content": FORGED[name]}
    exchange = ask(input=[thought, {"role": "user", "content": "Hi"}])
    error = json.loads(exchange.payload)["error"]
    assert (exchange.status, error["code"]) == (400, "invalid_encrypted_content")


def test_what_was_sealed_is_known_again() -> None:
    value = {"items": [{"type": "message", "text": "é木"}]}
    first, second = sealing.seal(value), sealing.seal(value)
    assert first != second
    assert sealing.unseal(first) == sealing.unseal(second) == value
    assert sealing.unseal(first[:-1]) is None
    assert sealing.unseal("gAAAAABoxC3") is None
    foreign = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAABoxC3"}
    said = {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
    assert ask(input=[foreign, said, {"role": "user", "content": "Hi"}]).status == 200
