"""Proxies between the kit's probes and its fake: an honest one is accused of nothing, others of what they do."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from contract_tests.run.outcome import Outcome, RunReport
from contract_tests.sandwich.driving import Drive, drive
from contract_tests.sandwich.upstream import KEY
from contract_tests.target.options import Options
from contract_tests.tests.sandwich_proxies import Hooks, Proxy, serving

CALLER = "sk-caller-0123456789abcdef"
SAMPLE = (
    *("request.chat.seed", "request.chat.temperature", "request.chat.logit_bias", "request.chat.store"),
    *("request.chat.user", "request.chat.stop", "request.chat.unknown", "request.embeddings.encoding_format"),
    *(
        "request.messages.unicode",
        "request.messages.tool-calls",
        "request.messages.parts",
        "request.schemas",
        "request.headers",
    ),
    *("reply", "failure", "flow"),
)
"""Probes that meet everything that the proxies here do."""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def run(hooks: Hooks, select: Sequence[str] = SAMPLE, retries: int = 0, seed: int = 0) -> RunReport:
    port = free_port()
    with serving(Proxy(f"http://127.0.0.1:{port}", hooks)) as url:
        options = Options(f"{url}/v1", model="gpt-4o", api_key=CALLER, select=tuple(select), max_requests=2000)
        return asyncio.run(drive(Drive(options, port, wait=20, seed=seed, retries=retries)))


def broken(report: RunReport) -> set[str]:
    return {finding.rule.id.removeprefix("sandwich.") for finding in report.findings}


def without(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda value: {name: part for name, part in value.items() if name not in names}


def _choices(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def edit(value: dict[str, Any]) -> dict[str, Any]:
        for choice in value.get("choices", ()):
            change(choice)
        return value

    return edit


def _message(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return _choices(lambda choice: change(choice["message"]) if "message" in choice else None)


def _error(**members: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def edit(value: dict[str, Any]) -> dict[str, Any]:
        if isinstance(value.get("error"), dict):
            value["error"].update(members)
        return value

    return edit


def _messages(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def edit(value: dict[str, Any]) -> dict[str, Any]:
        if isinstance(value.get("messages"), list):
            change(value["messages"])
        return value

    return edit


def _rounded(value: Any) -> Any:
    import struct

    if isinstance(value, float):
        return struct.unpack("f", struct.pack("f", value))[0]
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value


def _loosened(value: dict[str, Any]) -> dict[str, Any]:
    for tool in value.get("tools", ()):
        tool.get("function", tool).pop("strict", None)
    return value


def _sorted_tools(value: dict[str, Any]) -> dict[str, Any]:
    if "tools" in value:
        value["tools"] = json.loads(json.dumps(value["tools"], sort_keys=True))
    return value


def _text_at(events: list[bytes]) -> int:
    """The place of the second delta with a text, 0 where there is none."""
    texts = [place for place, event in enumerate(events) if b'"delta":{"content"' in event]
    return texts[1] if len(texts) > 1 else 0


def _lost_delta(events: list[bytes]) -> list[bytes]:
    place = _text_at(events)
    return [*events[:place], *events[place + 1 :]] if place else events


def _doubled_delta(events: list[bytes]) -> list[bytes]:
    place = _text_at(events)
    return [*events[: place + 1], *events[place:]] if place else events


def _not_done(events: list[bytes]) -> list[bytes]:
    return [event for event in events if event != b"[DONE]"]


STOP = b'\n\ndata: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},'
STOP += b'"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'

DISHONEST: dict[str, tuple[Hooks, set[str]]] = {
    "drops a parameter": (Hooks(request=without("logit_bias")), {"request.dropped", "request.null-kept"}),
    "drops an unknown one": (Hooks(request=without("x_unknown_member")), {"request.dropped"}),
    "drops nulls": (
        Hooks(request=lambda value: {name: part for name, part in value.items() if part is not None}),
        {"request.null-kept"},
    ),
    "drops what is false": (
        Hooks(request=lambda value: {name: part for name, part in value.items() if part or part is None}),
        {"request.dropped"},
    ),
    "adds a parameter": (Hooks(request=lambda value: {**value, "user": value.get("user", "p")}), {"request.added"}),
    "changes a parameter": (
        Hooks(request=lambda value: {**value, "store": True} if value.get("store") is False else value),
        {"request.changed"},
    ),
    "makes numbers floats of 32 bits": (Hooks(request=_rounded), {"request.number"}),
    "makes whole numbers floats": (
        Hooks(request=lambda value: {**value, "seed": float(value["seed"])} if value.get("seed") else value),
        {"request.number"},
    ),
    "names another model": (Hooks(request=lambda value: {**value, "model": "gpt-4o-mini"}), {"request.model"}),
    "reverses messages": (Hooks(request=_messages(lambda messages: messages.reverse())), {"request.messages"}),
    "puts a message first": (
        Hooks(request=_messages(lambda messages: messages.insert(0, {"role": "system", "content": "Be kind."}))),
        {"request.messages"},
    ),
    "strips texts": (
        Hooks(
            request=_messages(
                lambda messages: (
                    messages[0].update(content=messages[0]["content"].replace("\u200b", ""))
                    if isinstance(messages[0]["content"], str)
                    else None
                )
            )
        ),
        {"request.messages"},
    ),
    "loosens schemas": (Hooks(request=_loosened), {"request.schemas"}),
    "sorts schemas": (Hooks(request=_sorted_tools), {"request.schema-order"}),
    "posts twice": (Hooks(times=2), {"request.once", "request.retries"}),
    "asks again in secret": (Hooks(tries=3), {"request.retries"}),
    "passes the caller's key on": (
        Hooks(sent=lambda fields, key: {**fields, "x-forwarded-authorization": key}),
        {"request.caller-key"},
    ),
    "asks with the caller's key": (
        Hooks(sent=lambda fields, key: {**fields, "authorization": key}),
        {"request.caller-key"},
    ),
    "asks without a key": (
        Hooks(sent=lambda fields, _: without("authorization")(fields)),
        {"request.upstream-key"},
    ),
    "shows the upstream's key": (
        Hooks(fields=lambda fields: {**fields, "x-upstream": f"Bearer {KEY}"}),
        {"reply.upstream-key"},
    ),
    "strips usage": (Hooks(reply=without("usage")), {"reply.usage"}),
    "strips annotations": (
        Hooks(reply=_message(lambda message: message.pop("annotations"))),
        {"reply.details", "reply.empty-kept"},
    ),
    "strips nulls": (
        Hooks(reply=_choices(lambda choice: choice.get("logprobs", 1) or choice.pop("logprobs"))),
        {"reply.empty-kept"},
    ),
    "strips reasoning": (
        Hooks(reply=_message(lambda message: message.pop("reasoning_content", None))),
        {"reply.reasoning"},
    ),
    "says that all is well": (
        Hooks(reply=_choices(lambda choice: choice.update(finish_reason="stop"))),
        {"reply.finish-reason"},
    ),
    "numbers calls anew": (
        Hooks(reply=_message(lambda message: [call.update(id="call_0") for call in message.get("tool_calls", ())])),
        {"reply.tool-calls"},
    ),
    "gives one choice": (
        Hooks(reply=lambda value: {**value, "choices": value["choices"][:1]} if "choices" in value else value),
        {"reply.choices"},
    ),
    "adds what it costs": (
        Hooks(reply=lambda value: {**value, "usage": {**value["usage"], "cost": 0.1}} if "usage" in value else value),
        {"reply.added"},
    ),
    "names itself": (Hooks(reply=lambda value: {**value, "provider": "p"}), {"reply.added"}),
    "makes up ids": (
        Hooks(reply=lambda value: {**value, "id": "chatcmpl-p"} if "id" in value else value),
        {"reply.id"},
    ),
    "loses a delta": (Hooks(events=_lost_delta), {"reply.text", "flow.as-it-comes"}),
    "says a delta twice": (Hooks(events=_doubled_delta), {"reply.text", "flow.as-it-comes"}),
    "loses the end": (Hooks(events=_not_done), {"reply.done", "flow.as-it-comes"}),
    "makes up an end": (Hooks(on_cut=STOP), {"failure.made-up-end"}),
    "ends a cut stream well": (Hooks(on_cut=b""), {"failure.clean-end"}),
    "loses header fields": (
        Hooks(fields=lambda fields: {"content-type": fields.get("content-type", "application/json")}),
        {"reply.request-id", "reply.rate-limits", "failure.request-id", "failure.retry-after"},
    ),
    "loses Retry-After": (Hooks(fields=without("retry-after", "retry-after-ms")), {"failure.retry-after"}),
    "makes every refusal 500": (
        Hooks(status=lambda status: 500 if 400 <= status < 500 else status),
        {"failure.status"},
    ),
    "makes 404 400": (Hooks(status=lambda status: 400 if status == 404 else status), {"failure.exact-status"}),
    "says 200 to everything": (Hooks(status=lambda status: 200), {"failure.no-false-success"}),
    "drops codes": (Hooks(reply=_error(code=None)), {"failure.error-code"}),
    "drops params": (Hooks(reply=_error(param=None)), {"failure.error-param"}),
    "renames types": (Hooks(reply=_error(type="proxy")), {"failure.error-type"}),
    "hides messages": (Hooks(reply=_error(message="Something went wrong.")), {"failure.error-message"}),
    "says errors in its own way": (
        Hooks(reply=lambda value: {"detail": "no"} if "error" in value else value),
        {"failure.error-object"},
    ),
    "asks another endpoint": (
        Hooks(path=lambda path: "/v1/chat/completions" if path == "/v1/completions" else path),
        {"request.method-and-path"},
    ),
    "passes on what was for itself": (Hooks(keeps_hops=True), {"request.hop-by-hop"}),
    "holds streams back": (Hooks(buffers=True), {"flow.as-it-comes"}),
    "goes on when the caller has left": (Hooks(goes_on=True), {"flow.leaves-too"}),
    "answers by itself": (
        Hooks(answer=lambda value: {"cached": True} if "[request.messages.unicode]" in str(value) else None),
        {"request.reached"},
    ),
}


@pytest.mark.parametrize("seed", range(2))
def test_an_honest_proxy_is_accused_of_nothing(seed: int) -> None:
    report = run(Hooks(), (), seed=seed)
    assert [str(finding) for finding in report.findings] == []
    assert {result.outcome for result in report.results} == {Outcome.PASS}
    assert not report.stopped


@pytest.mark.parametrize("name", DISHONEST)
def test_a_dishonest_proxy_is_accused_of_what_it_does(name: str) -> None:
    hooks, breaks = DISHONEST[name]
    report = run(hooks)
    assert broken(report) == breaks, [(finding.label, str(finding)) for finding in report.findings][:20]


def test_retries_that_are_declared_are_no_finding() -> None:
    assert broken(run(Hooks(tries=3), ("failure",), retries=2)) == set()
