"""Pairs that keep every rule about proxies, and for each rule what breaks it alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from contract_tests.sandwich.pair import Pair
from fake_server.wire.exchange import Ending, Exchange, Framing, Request, Write

CALLER, UPSTREAM = "caller-key-0001", "upstream-key-0002"
SENT: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüße, 世界"}],
    "seed": 2**53 + 1,
    "temperature": 0.1,
    "stop": None,
    "logit_bias": {"50256": -100},
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "look",
                "strict": True,
                "parameters": {"type": "object", "properties": {"b": {"type": "string", "default": None}, "a": {}}},
            },
        }
    ],
}
GIVEN: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-2024-08-06",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hello there",
                "refusal": None,
                "reasoning_content": "Hm.",
                "annotations": [],
                "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
            },
            "logprobs": None,
            "finish_reason": "tool_calls",
        },
        {"index": 1, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"},
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    "system_fingerprint": "fp_1",
    "new_member": {"kept": True},
}
FIELDS = (("Authorization", f"Bearer {CALLER}"), ("Proxy-Authorization", "Basic bm9ib2R5"))
REFUSED = {"error": {"message": "Slow down.", "type": "requests", "param": "model", "code": "rate_limit_exceeded"}}
HEADERS = (("x-request-id", "req_1"), ("x-ratelimit-remaining-requests", "9"), ("retry-after", "2"))


@dataclass
class Sides:
    """A pair as tests edit it."""

    sent: dict[str, Any] = field(default_factory=lambda: deepcopy(SENT))
    arrived: dict[str, Any] = field(default_factory=lambda: deepcopy(SENT))
    given: Any = field(default_factory=lambda: deepcopy(GIVEN))
    got: Any = field(default_factory=lambda: deepcopy(GIVEN))
    statuses: tuple[int, int] = (200, 200)
    headers: dict[str, str] = field(default_factory=lambda: dict(HEADERS))
    upstream_request: dict[str, str] = field(default_factory=lambda: {"authorization": f"Bearer {UPSTREAM}"})
    path: str = "/v1/chat/completions"
    endings: tuple[Ending, Ending] = (Ending.CLEAN, Ending.CLEAN)
    attempts: tuple[int | None, ...] = ()
    reached: bool = True
    probe: str = ""
    pauses: tuple[float, float] = (0.0, 0.0)

    def pair(self) -> Pair:
        """The pair."""
        front = Request("POST", "/v1/chat/completions", FIELDS, _json(self.sent))
        behind = Request("POST", self.path, tuple(self.upstream_request.items()), _json(self.arrived))
        given = _exchange(behind, self.statuses[0], dict(HEADERS), self.given, self.endings[0])
        got = _exchange(front, self.statuses[1], self.headers, self.got, self.endings[1])
        given, got = (_spread(each, pause) for each, pause in zip((given, got), self.pauses, strict=True))
        earlier = tuple(given.but(status=status, writes=()) for status in self.attempts)
        upstream = (*earlier, given) if self.reached else ()
        return Pair("case", got, upstream, self.probe, 0, CALLER, UPSTREAM)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _exchange(request: Request, status: int, headers: Mapping[str, str], body: Any, ending: Ending) -> Exchange:
    is_stream = isinstance(body, list)
    data = events(body) if is_stream else body.encode() if isinstance(body, str) else _json(body)
    kind = "text/event-stream" if is_stream else "application/json"
    fields = (("content-type", kind), *headers.items())
    return Exchange(request, status, fields, (Write(data),) if data else (), ending, Framing.CHUNKED)


def _spread(exchange: Exchange, pause: float) -> Exchange:
    """The exchange with an event in each write, after a pause."""
    if not pause:
        return exchange
    parts = exchange.payload.split(b"\n\n")[:-1]
    return exchange.but(writes=tuple(Write(part + b"\n\n", pause) for part in parts))


def events(bodies: list[Any]) -> bytes:
    """A stream of these bodies; texts are sent as they are."""
    return b"".join(b"data: %b\n\n" % (body.encode() if isinstance(body, str) else _json(body)) for body in bodies)


def chunk(text: str | None = None, end: str | None = None) -> dict[str, Any]:
    """A chunk of a chat stream."""
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": end}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


WHOLE = [chunk("Hel"), chunk("lo"), chunk(end="stop"), "[DONE]"]
HALF = WHOLE[:2]
COUNTS = {**chunk(), "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
ERROR_EVENT = {"error": {"message": "The upstream broke off.", "type": "server_error", "code": None, "param": None}}

Edit = Callable[[Sides], object]


def streamed(given: list[Any], got: list[Any], endings: tuple[Ending, Ending] = (Ending.CLEAN, Ending.CLEAN)) -> Edit:
    """Makes it a stream."""

    def edit(sides: Sides) -> None:
        sides.given, sides.got, sides.endings = given, got, endings

    return edit


def refusal(status: int = 429, got: Any = REFUSED, given: Any = REFUSED, upstream: int = 429) -> Edit:
    """Makes it a refusal."""

    def edit(sides: Sides) -> None:
        sides.statuses, sides.given, sides.got = (upstream, status), given, got

    return edit


def _error(**members: Any) -> dict[str, Any]:
    return {"error": {**REFUSED["error"], **members}}


def _set(**members: Any) -> Edit:
    def edit(sides: Sides) -> None:
        for name, value in members.items():
            setattr(sides, name, value)

    return edit


def _choice(sides: Sides) -> dict[str, Any]:
    choice: dict[str, Any] = sides.got["choices"][0]
    return choice


def _function(sides: Sides) -> dict[str, Any]:
    function: dict[str, Any] = sides.arrived["tools"][0]["function"]
    return function


def _reverse_properties(sides: Sides) -> None:
    properties = _function(sides)["parameters"]["properties"]
    _function(sides)["parameters"]["properties"] = dict(reversed(properties.items()))


def _both(*edits: Edit) -> Edit:
    def edit(sides: Sides) -> None:
        for each in edits:
            each(sides)

    return edit


CUT = (Ending.CUT, Ending.CLEAN)


def _paced(front: float, upstream: float, ending: Ending = Ending.CLEAN) -> Edit:
    """A stream of ten writes; both sides took so many seconds for it, and the caller's ended so."""

    def edit(sides: Sides) -> None:
        sides.given = sides.got = [*(chunk(letter) for letter in "abcdefgh"), chunk(end="stop"), "[DONE]"]
        sides.pauses, sides.endings = (upstream / 10, front / 10), (Ending.CLEAN, ending)

    return edit


KEPT: dict[str, Edit] = {
    "a dict": lambda sides: None,
    "a stream": streamed(WHOLE, WHOLE),
    "a stream cut elsewhere": streamed(WHOLE, [chunk("H"), chunk("ello"), chunk(end="stop"), "[DONE]"]),
    "a stream whose counts only the proxy asked for": streamed([*WHOLE[:-1], COUNTS, "[DONE]"], WHOLE),
    "a stream that comes bit by bit": _paced(1.9, 2.0),
    "a caller that leaves, and an upstream that is left": _both(
        _paced(0.2, 0.4, Ending.CLIENT_LEFT), _set(endings=(Ending.CLIENT_LEFT, Ending.CLIENT_LEFT))
    ),
    "a refusal": refusal(),
    "a refusal in HTML": refusal(502, "<html>bad</html>", "<html>bad</html>", 502),
    "a cut that is passed on": streamed(HALF, HALF, (Ending.CUT, Ending.CUT)),
    "a cut that becomes an error event": streamed(HALF, [*HALF, ERROR_EVENT], CUT),
    "numbers written otherwise": lambda sides: sides.arrived.update(seed=SENT["seed"], temperature=1e-1),
    "a parameter refused by name": _both(
        refusal(400, {"error": {"message": "seed is not supported", "param": "seed", "code": None, "type": "x"}}),
        _set(reached=False, probe="seed"),
    ),
    "the proxy's key is refused": refusal(502, _error(), upstream=401),
}

BROKEN: dict[str, Edit] = {
    "request.hop-by-hop": lambda sides: sides.upstream_request.update({"Proxy-Authorization": "Basic bm9ib2R5"}),
    "flow.as-it-comes": _paced(0.01, 2.0),
    "flow.leaves-too": _paced(0.2, 3.0, Ending.CLIENT_LEFT),
    "request.reached": _set(reached=False),
    "request.refused-by-name": _both(refusal(400), _set(reached=False, probe="seed")),
    "request.once": _set(attempts=(200,)),
    "request.retries": _set(attempts=(503, 503)),
    "request.method-and-path": _set(path="/v1/completions"),
    "request.model": lambda sides: sides.arrived.update(model="gpt-4"),
    "request.dropped": lambda sides: sides.arrived.pop("logit_bias"),
    "request.null-kept": lambda sides: sides.arrived.pop("stop"),
    "request.changed": lambda sides: sides.arrived.update(stop="x"),
    "request.number": lambda sides: sides.arrived.update(seed=float(2**53)),
    "request.added": lambda sides: sides.arrived.update(user=None),
    "request.messages": lambda sides: sides.arrived["messages"].reverse(),
    "request.schemas": lambda sides: _function(sides).pop("strict"),
    "request.schema-order": _reverse_properties,
    "request.caller-key": lambda sides: sides.upstream_request.update({"x-forwarded-key": CALLER}),
    "request.upstream-key": lambda sides: sides.upstream_request.pop("authorization"),
    "reply.form": _set(given=WHOLE),
    "reply.status": _set(statuses=(200, 201)),
    "reply.text": streamed(WHOLE, [WHOLE[0], *WHOLE[2:]]),
    "reply.reasoning": lambda sides: _choice(sides)["message"].pop("reasoning_content"),
    "reply.tool-calls": lambda sides: _choice(sides)["message"]["tool_calls"][0].update(id="call_2"),
    "reply.finish-reason": lambda sides: _choice(sides).update(finish_reason="stop"),
    "reply.choices": lambda sides: sides.got["choices"].pop(),
    "reply.usage": lambda sides: sides.got.pop("usage"),
    "reply.vectors": _both(
        _set(given={"data": [{"embedding": [0.1, 0.2]}]}),
        _set(got={"data": [{"embedding": [0.1, 0.20000000298]}]}),
    ),
    "reply.model": lambda sides: sides.got.update(model="gpt-4o"),
    "reply.id": lambda sides: sides.got.update(id="chatcmpl-2"),
    "reply.details": lambda sides: sides.got.pop("system_fingerprint"),
    "reply.empty-kept": lambda sides: _choice(sides).pop("logprobs"),
    "reply.members": lambda sides: sides.got.pop("new_member"),
    "reply.added": lambda sides: sides.got.update(provider="x"),
    "reply.done": streamed(WHOLE, WHOLE[:-1]),
    "reply.request-id": lambda sides: sides.headers.pop("x-request-id"),
    "reply.rate-limits": lambda sides: sides.headers.pop("x-ratelimit-remaining-requests"),
    "reply.upstream-key": lambda sides: sides.headers.update({"x-debug": UPSTREAM}),
    "failure.no-false-success": refusal(200, GIVEN),
    "failure.made-up-end": streamed(HALF, WHOLE, CUT),
    "failure.clean-end": streamed(HALF, HALF, CUT),
    "failure.status": refusal(500),
    "failure.exact-status": refusal(400, upstream=404),
    "failure.error-object": refusal(429, {"detail": "Slow down."}),
    "failure.error-code": refusal(429, _error(code=None)),
    "failure.error-param": refusal(429, _error(param=None)),
    "failure.error-type": refusal(429, _error(type="error")),
    "failure.error-message": refusal(429, _error(message="Busy.")),
    "failure.retry-after": _both(refusal(), lambda sides: sides.headers.pop("retry-after")),
    "failure.request-id": _both(refusal(), lambda sides: sides.headers.pop("x-request-id")),
}
