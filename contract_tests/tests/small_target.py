"""A target of a few lines, on the loop of the test, whose every answer a test can replace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Self

import pytest

from contract_tests.run.outcome import CaseResult, RunReport
from contract_tests.run.run import Options, run
from fake_server.connection import stop_accepting
from fake_server.tests.listening import listening
from fake_server.tests.steady_loop import run_steadily
from fake_server.wire.bounds import Bounds

MODEL = "gpt-3.5-turbo"
QUICK = Bounds(connect=1, first_byte=0.3, idle=0.3, exchange=1.0, grace=0.05)
_NUMBERS = count(1)
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


@dataclass
class Asked:
    """A request as the small target sees it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def is_preflight(self) -> bool:
        """Whether this is the plainest chat request, which a run sends before its cases."""
        return bool(self.json.get("messages") == [{"role": "user", "content": "Hi"}])


Answer = bytes
Answerer = Callable[[Asked], Answer | Awaitable[Answer | None] | None]


def lead_astray(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that would take a run elsewhere, by a proxy, a base URL and a key."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy.invalid:9")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.invalid/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")


def reply(status: int, value: Any, *lines: str, kind: str = "application/json") -> Answer:
    """A reply as bytes; `value` is JSON, or the body itself."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    head = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "X-Request-Id: r1", *lines]).encode() + b"\r\n\r\n" + body


def refusal(status: int, message: str, *lines: str, param: str | None = None, code: str | None = None) -> Answer:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return reply(status, {"error": error}, *lines)


def completion(text: str = "Hello.", prompt_tokens: int = 5, finish: str = "stop") -> Answer:
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    head = {"id": f"chatcmpl-{next(_NUMBERS)}", "object": "chat.completion", "created": 1_700_000_000, "model": MODEL}
    usage = {**USAGE, "prompt_tokens": prompt_tokens, "total_tokens": prompt_tokens + USAGE["completion_tokens"]}
    return reply(200, {**head, "choices": [choice], "usage": usage})


def stream(text: str = "Hello.") -> Answer:
    identity = f"chatcmpl-{next(_NUMBERS)}"
    head = {"id": identity, "object": "chat.completion.chunk", "created": 1_700_000_000, "model": MODEL}

    def chunk(delta: dict[str, str], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return "data: " + json.dumps({**head, "choices": [choice]}) + "\n\n"

    parts = [chunk({"role": "assistant", "content": ""}), chunk({"content": text}), chunk({}, "stop")]
    return reply(200, "".join([*parts, "data: [DONE]\n\n"]).encode(), kind="text/event-stream")


def sensible(asked: Asked) -> Answer:
    """What a small but faithful target answers under /v1."""
    if asked.path == "/v1/models":
        model = {"id": MODEL, "object": "model", "created": 1_700_000_000, "owned_by": "me"}
        return reply(200, {"object": "list", "data": [model]})
    if asked.path == "/v1/chat/completions" and asked.method == "POST":
        if not isinstance(asked.json.get("messages"), list) or not asked.json["messages"]:
            return refusal(400, "messages are missing", param="messages")
        words = len(json.dumps(asked.json["messages"]).split())
        return stream() if asked.json.get("stream") else completion(prompt_tokens=words)
    return refusal(404, "there is no such path")


def to_cases(answer: Answerer) -> Answerer:
    """The same answers to what cases ask; the preflight is answered like a faithful target."""
    return lambda asked: None if asked.is_preflight else answer(asked)


@dataclass
class SmallTarget:
    """Listens while entered. `answer` may return None, for what `sensible` says; it may hang."""

    answer: Answerer = sensible
    asked: list[Asked] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._listening = listening(self._serve, on_start=self._started)
        self.port = await self._listening.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._listening.__aexit__(None, None, None)

    def _started(self, server: asyncio.Server) -> None:
        self._server = server

    async def stop_listening(self) -> None:
        """Refuse all connections from now on, as if nobody were there."""
        await stop_accepting(self._server)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await _read(reader)
        self.asked.append(asked)
        said = self.answer(asked)
        found = await said if isinstance(said, Awaitable) else said
        writer.write(sensible(asked) if found is None else found)
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    fields = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in fields}
    return Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length", 0))))


def report_of(answer: Answerer, *select: str, **options: Any) -> tuple[RunReport, SmallTarget]:
    """The report of a run over the selected cases, and the target that was asked."""

    async def go() -> tuple[RunReport, SmallTarget]:
        async with SmallTarget(answer) as target:
            url = options.pop("url", target.base_url).replace("PORT", str(target.port))
            told = {"bounds": QUICK, "select": select, "run_seconds": 20.0, **options}
            return await run(Options(url, **told)), target

    found: tuple[RunReport, SmallTarget] = completed(go())
    return found


def completed(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end on a loop that must have nothing left over."""

    async def bounded() -> Any:
        async with asyncio.timeout(100):
            found = await work
        await asyncio.sleep(0.01)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, left
        return found

    return run_steadily(bounded())


def of(report: RunReport, case_id: str) -> CaseResult:
    return next(one for one in report.results if one.case_id == case_id)
