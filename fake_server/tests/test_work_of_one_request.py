"""What one request may cost: work, time and bytes, wherever it spends them; another client is answered meanwhile."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

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
    "json;at=\"$..[?search(@, '(a|aa|a?a)*(b|c)(a|aa)*$')]\";value=1",
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
