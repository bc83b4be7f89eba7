"""Fixtures of aimock, hand-written or recorded: `{fixtures: [{match, response}]}` (its type FixtureFile).

They hold an answer and no HTTP at all, so everything around it is made up, as this kit's fake would send it.
"""

from __future__ import annotations

import json
from typing import Any

from contract_tests.recordings.importing.endpoints import reason_to_skip
from contract_tests.recordings.importing.entry import (
    Entries,
    ImportedEntry,
    Skipped,
    digest,
    errors_at,
    fields,
    require,
    to_bytes,
)
from fake_server.api import tokens
from fake_server.api.render import chat
from fake_server.api.render.style import Style
from fake_server.api.reply import Choice, ErrorReply, Reply, ToolCall, Usage
from fake_server.scripts.aimock import without_remarks
from fake_server.wire.exchange import Aspect, Ending, Exchange, Request, Write
from fake_server.wire.jsontext import compact

NOTES = (
    "aimock keeps the answer alone: head, framing, ids, times and all of the JSON around the answer are made "
    "up, and so is the request but for what the fixture matches. It can be replayed; it says nothing of a "
    "server."
)
CREATED = 1700000000


def entries(document: Any, where: str, endpoint: str | None = None) -> Entries:
    """The fixtures of a file. Raises InputError with the fixture's number."""
    with errors_at(where):
        listed = require(document, "fixtures", list)
    for number, fixture in enumerate(listed):
        with errors_at(f"{where}: fixture {number}"):
            yield _entry(fixture, number, endpoint)


def _entry(fixture: Any, number: int, endpoint: str | None) -> ImportedEntry | Skipped:
    match = without_remarks(require({"match": {}, **fixture}, "match", dict))
    response = without_remarks(require(fixture, "response", dict))
    kind = match.get("endpoint", "embedding" if "embedding" in response else "chat")
    if kind not in ("chat", "embedding"):
        return Skipped(f"an answer for {str(kind)[:30]}, which is not imported")
    request = _request(match, kind, "recordedTimings" in fixture)
    if reason := reason_to_skip(request.method, request.target, endpoint):
        return Skipped(reason)
    made = _reply(request, response)
    if made is None:
        members = ", ".join(list(response)[:3]) or "nothing"
        return Skipped(f"an answer of another kind ({members}), which is not imported")
    status, media_type, body = made
    exchange = Exchange(
        request,
        status,
        (("Content-Type", media_type),),
        tuple(Write(piece) for piece in body),
        Ending.UNKNOWN,
        unknown=frozenset(Aspect),
    )
    return ImportedEntry(exchange, f"fixture {number}", NOTES)


def _request(match: dict[str, Any], kind: str, streamed: bool) -> Request:
    """A request that the fixture would match; only streams are recorded with their timings."""
    model = match.get("model") if isinstance(match.get("model"), str) else "gpt-4o-mini"
    context = match.get("context")
    headers = None if context is None else fields([("X-AIMock-Context", context)])
    if kind == "embedding":
        body: dict[str, Any] = {"model": model, "input": str(match.get("inputText", ""))}
        return Request("POST", "/v1/embeddings", headers, _json(body))
    system = match.get("systemMessage")
    texts = [
        ("system", "\n".join(system) if isinstance(system, list) else system),
        ("user", match.get("userMessage")),
    ]
    messages = [{"role": role, "content": text} for role, text in texts if isinstance(text, str)]
    body = {"model": model, "messages": messages or [{"role": "user", "content": ""}]}
    return Request("POST", "/v1/chat/completions", headers, _json(body | ({"stream": True} if streamed else {})))


def _reply(request: Request, response: dict[str, Any]) -> tuple[int, str, list[bytes]] | None:
    """Status, media type and body; None for answers that are not in text, calls or numbers."""
    body = request.json()
    if "error" in response:
        error = require(response, "error", dict)
        refused = ErrorReply(
            require({"status": 500, **response}, "status", int),
            require(error, "message", str),
            str(error.get("type") or "invalid_request_error"),
            error.get("param"),
            error.get("code"),
        )
        return refused.status, "application/json", [_json(refused.body())]
    if "embedding" in response:
        item = {"object": "embedding", "index": 0, "embedding": require(response, "embedding", list)}
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        reply = {"object": "list", "data": [item], "model": body["model"], "usage": usage}
        return 200, "application/json", [_json(reply)]
    if not {"content", "toolCalls", "blocks"} & set(response):
        return None
    answer = _answer(request, response)
    if body.get("stream"):
        return 200, "text/event-stream", list(chat.render_stream(answer, body, Style(obfuscation=False)))
    return 200, "application/json", [chat.render_dict(answer, body, Style.PLAIN)]


def _answer(request: Request, response: dict[str, Any]) -> Reply:
    body, blocks = request.json(), response.get("blocks") or []
    content = response.get("content")
    if content is not None and not isinstance(content, str):
        content = json.dumps(content, ensure_ascii=False)
    if content is None:
        content = "".join(require(block, "text", str) for block in blocks if block.get("type") == "text") or None
    listed = response.get("toolCalls") or [block for block in blocks if block.get("type") == "toolCall"]
    calls = tuple(_call(call, f"call_{digest(request)}_{number}") for number, call in enumerate(listed))
    finish = response.get("finishReason") or ("tool_calls" if calls else "stop")
    usage = require({"usage": {}, **response}, "usage", dict)
    spent = tokens.count(content or "") + tokens.count_calls((call.name, call.arguments) for call in calls)
    estimated = {"prompt_tokens": tokens.count_messages(body), "completion_tokens": spent}
    return Reply(
        (Choice(content, calls, reasoning=response.get("reasoning"), finish_reason=str(finish)),),
        Usage(*(usage[name] if isinstance(usage.get(name), int) else number for name, number in estimated.items())),
        model=str(response.get("model") or body["model"]),
        id=str(response.get("id") or f"chatcmpl-{digest(request)}"),
        created=response["created"] if isinstance(response.get("created"), int) else CREATED,
        system_fingerprint=response.get("systemFingerprint"),
    )


def _call(call: Any, made_up: str) -> ToolCall:
    arguments = call.get("arguments", "{}")
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return ToolCall(require(call, "name", str), arguments, str(call.get("id") or made_up))


def _json(value: Any) -> bytes:
    return to_bytes(compact(value))
