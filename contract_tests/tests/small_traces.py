"""Replies and traces of a few words, for the tests of relations."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from contract_tests.rules.engine.trace import Trace
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Exchange, Request, Write

USAGE = {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8}
HI = {"content": [{"token": "Hi", "logprob": -0.1}]}
H_I = {"content": [{"token": "H", "logprob": -0.1}, {"token": "i", "logprob": -0.1}]}
OTHER_CALL = {"id": "c2", "type": "function", "function": {"name": "f", "arguments": '{"a": 2}'}}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}


def view_of(
    body: bytes,
    status: int | None = 200,
    asked: dict[str, Any] | None = None,
    path: str = "/v1/chat/completions",
    **more: Any,
) -> View:
    request = Request("POST", path, body=json.dumps(asked or {"model": "m"}).encode())
    kind = "text/event-stream" if body.startswith(b"data:") else "application/json"
    return View(Exchange(request, status, (("Content-Type", kind),), (Write(body),), **more))


def said(text: str | None, finish: str = "stop", asked: dict[str, Any] | None = None, **more: Any) -> View:
    """A dict reply; `more` are members of its choice or, for tool_calls, of its message."""
    message = {"role": "assistant", "content": text, "tool_calls": more.pop("tool_calls", None)}
    root = {name: more.pop(name) for name in ("usage", "id", "model") if name in more}
    choice = {"index": 0, "message": message, "finish_reason": finish, **more}
    return view_of(json.dumps({**root, "choices": [choice]}).encode(), asked=asked)


def streamed(
    text: str,
    finish: str = "stop",
    tool_calls: list[Any] | None = None,
    usage: Any = None,
    logprobs: Any = None,
    model: str | None = None,
) -> View:
    calls = [{"index": place, **call} for place, call in enumerate(tool_calls or [])]
    deltas = [({"content": text[:2]}, None), ({"content": text[2:], "tool_calls": calls}, None), ({}, finish)]
    chunks: list[Any] = [{"choices": [{"index": 0, "delta": one, "finish_reason": end}]} for one, end in deltas]
    chunks[0]["choices"][0]["logprobs"] = logprobs
    chunks[0].update({"model": model} if model else {})
    chunks += [{"choices": [], "usage": usage}] if usage else []
    body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    return view_of(body, asked={"model": "m", "stream": True})


def both(one: View, other: View) -> Trace:
    return Trace("t", {"dict": one, "stream": other}, deterministic=True)


def samples(one: View, other: View, number: int = 8) -> Trace:
    """So many dicts and streams of a target that words its answers in several ways."""
    numbers = ["", *(f" {place}" for place in range(2, number + 1))]
    views = {f"{role}{suffix}": view for role, view in (("dict", one), ("stream", other)) for suffix in numbers}
    return Trace("t", views, deterministic=False)


def choices(one: int, two: int) -> Trace:
    """The prompt tokens of a request for one choice, and of one for two."""
    counts = {"one choice": one, "dict": two}
    return Trace("t", {role: said("Hi", usage={**USAGE, "prompt_tokens": count}) for role, count in counts.items()})


def limited(finish: str, short: str, longer: str) -> Trace:
    return Trace("t", {"dict": said(short, finish), "longer": said(longer, "length")})


def valid(view: View) -> Trace:
    return Trace("t", {"dict": view}, valid=frozenset({"dict"}))


def callers(*texts: str, repeats: bool | None = True) -> Trace:
    """One caller alone and two at once, who asked for "k0", "k1" and "k2" and got `texts`."""
    roles = dict(zip(("alone", "caller 1", "caller 2"), map(said, texts), strict=True))
    return Trace("t", roles, {role: f"k{place}" for place, role in enumerate(roles)}, repeats)


def echo(text: str, deterministic: bool | None = True) -> Trace:
    return Trace("t", {"dict": said(text)}, {"dict": "ka żółw 🌳 kb"}, deterministic)


def repeated(string: str, parts: str) -> Trace:
    """What came of the text "ka or kb" as a string and in parts."""
    roles = {"string": said(string), "parts": said(parts)}
    return Trace("t", roles, dict.fromkeys(roles, "ka or kb"), True)


def stopped(text: str, stop: str = "four") -> Trace:
    """What came of "one two three four five six", whole and with a stop sequence."""
    whole = "one two three four five six"
    roles = {"whole": said(whole), "stopped": said(text, asked={"stop": ["nine", stop]})}
    return Trace("t", roles, {"whole": whole})


def batch(*vectors: list[float]) -> Trace:
    entries = [{"index": place, "embedding": one} for place, one in enumerate(vectors)]
    return Trace("t", {"batch": view_of(json.dumps({"data": entries}).encode(), path="/v1/embeddings")})


def counted(*tokens: int) -> Trace:
    """The prompt tokens of a batch, and of each of its texts alone."""
    roles = ["batch", *(f"single {place}" for place in range(1, len(tokens)))]
    texts = [[float(place == other) for other in range(1, len(tokens))] for place in range(1, len(tokens))]
    views = {}
    for role, count in zip(roles, tokens, strict=True):
        held = texts if role == "batch" else [texts[int(role[-1]) - 1]]
        entries = [{"index": index, "embedding": text} for index, text in enumerate(held)]
        body = {"data": entries, "usage": {"prompt_tokens": count, "total_tokens": count}}
        views[role] = view_of(json.dumps(body).encode(), path="/v1/embeddings")
    return Trace("t", views)


def dated(hours: float, word: str = "k0a1b2c3d") -> Trace:
    """An answer to a word, created so many hours after the time of its Date field."""
    body = {"created": 1_760_003_600 + int(3600 * hours), "choices": []}
    view = view_of(json.dumps(body).encode(), asked={"messages": [{"role": "user", "content": word}]})
    return Trace("t", {"dict": View(view.exchange.but(headers=(("Date", "Thu, 09 Oct 2025 09:53:20 GMT"),)))})


def left_behind(*seconds: float) -> Trace:
    """Answers before and after two callers left, and one without any, with the seconds they took."""
    roles = ("before", "next", "next again", "later")
    views = {role: View(said("Hi").exchange.but(head_pause=one)) for role, one in zip(roles, seconds, strict=True)}
    return Trace("t", views)


def begun(*seconds: tuple[float, float], words: int = 50) -> Trace:
    """A short and a long stream for each pair: the seconds until they begin. They come at once."""
    views: dict[str, View] = {}
    for number, (short, long) in enumerate(seconds, 1):
        turn = f" {number}" if number > 1 else ""
        views[f"short{turn}"] = View(streamed("One, two").exchange.but(head_pause=short))
        views[f"long{turn}"] = View(streamed("word " * words).exchange.but(head_pause=long))
    return Trace("t", views)


def between(status: int) -> Trace:
    """A request that is to be refused, and gets this status, between two that are answered."""
    refused = view_of(b'{"error": {"message": "no"}}', status)
    return Trace("t", {"beside refusal 1": said("Hi"), "refusal 1": refused, "beside refusal 1 2": said("Hi")})


def without_a_key(*status: int) -> Trace:
    views = [view_of(b'{"error": {"message": "no"}}', one) for one in status]
    return Trace("t", dict(zip(("no key", "wrong key"), views, strict=True)))


def pages(status: int, allowed: str | None) -> Trace:
    """A page's reply that it may read, and the preflight before it."""
    field = (("Access-Control-Allow-Origin", "*"),)
    request = Request("OPTIONS", "/v1/chat/completions")
    preflight = View(Exchange(request, status, field if allowed else ()))
    page = said("Hi")
    return Trace("t", {"preflight": preflight, "page": View(page.exchange.but(headers=field))})


def headed(status: int) -> Trace:
    return Trace("t", {"head": view_of(b"", status)})


def pictured(seen: int, alone: int) -> Trace:
    views = [said("Red", usage={**USAGE, "prompt_tokens": one}) for one in (seen, alone)]
    return Trace("t", dict(zip(("with image", "without image"), views, strict=True)))


def named(with_name: int, without: int) -> Trace:
    views = [said("Hi", usage={**USAGE, "prompt_tokens": one}) for one in (with_name, without)]
    return Trace("t", dict(zip(("with name", "without name"), views, strict=True)))


def asked_back(*texts: str) -> Trace:
    """What came of "ka", from an earlier message and from the question, in turn."""
    views = in_turn("asked back: a turn", "asked alone: a turn", map(said, texts))
    return Trace("t", views, dict.fromkeys(views, "ka"))


def in_turn(claim: str, control: str, views: Iterable[View]) -> dict[str, View]:
    roles = (f"{role}{number}" for number in ("", " 2", " 3", " 4") for role in (claim, control))
    return dict(zip(roles, views, strict=False))


def by_default(*calling: bool) -> Trace:
    """Whether a tool is called without tool_choice and with "auto", in turn."""
    views = (said(None, tool_calls=[CALL]) if one else said("Hi") for one in calling)
    return Trace("t", in_turn("default", "auto", views))


def looked_up(by_slash: int, model: int) -> Trace:
    views = [view_of(b"{}", status, path="/v1/models/a/b") for status in (by_slash, model)]
    return Trace("t", dict(zip(("by slash", "model"), views, strict=True)))


def in_parts(one: str, other: str) -> Trace:
    return Trace("t", {"dict": said(one), "parts": said(other)}, deterministic=True)


def ids(one: str, other: str) -> Trace:
    return Trace("t", {"first": said("Hi", id=one), "second": said("Hi", id=other)})


def vectors(role: str, other: str, one: Any, two: Any) -> Trace:
    """Two replies with one embedding each."""
    bodies = [{"data": [{"index": 0, "embedding": given}]} for given in (one, two)]
    views = [view_of(json.dumps(body).encode(), path="/v1/embeddings") for body in bodies]
    return Trace("t", dict(zip((role, other), views, strict=True)))


def moderated(*flags: bool, alone: tuple[bool, ...] = (False, True), again: tuple[bool, ...] = ()) -> Trace:
    """What a batch is flagged for, in a second one `again`, and each of its texts alone."""
    given = {"batch": flags, **({"batch 2": again} if again else {})}
    given |= {f"single {number}": (flag,) for number, flag in enumerate(alone, 1)}
    bodies = {role: {"results": [{"flagged": flag} for flag in flags]} for role, flags in given.items()}
    return Trace("t", {role: view_of(json.dumps(body).encode()) for role, body in bodies.items()})


NOT_FOUND = view_of(b'{"error": {"message": "no"}}', 404)
QUESTION = {"messages": [{"role": "user", "content": "Hi?"}], "metadata": {"topic": "a"}}


def kept(**views: View) -> Trace:
    """A completion that was created, and what came of it."""
    requests = (
        (view, Request("POST", "/v1/chat/completions/c1", body=view.exchange.request.body)) for view in views.values()
    )
    later = dict(zip(views, (View(view.exchange.but(request=request)) for view, request in requests), strict=True))
    return Trace("t", {"created": said("Hello", asked=QUESTION, id="c1"), **later})


def json_of(value: Any, asked: dict[str, Any] | None = None) -> View:
    return view_of(json.dumps(value).encode(), asked=asked)


def main(kind: str, trouble: str) -> Trace:
    return Trace("t", {}, troubles={f"main {kind}": trouble})
