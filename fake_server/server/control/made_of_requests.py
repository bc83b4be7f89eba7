"""What can be made of a request in the journal: the reply that it got as a script has it, a script, a fixture."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from fake_server.api.request import CHAT, COMPLETIONS, EMBEDDINGS, MODERATIONS, RESPONSES, endpoint_of
from fake_server.faults.between import CrossTalk
from fake_server.faults.edits import BrokenGzip, WrongLength
from fake_server.faults.replies import Quota
from fake_server.faults.requests import Misread
from fake_server.inspector.copies import LARGEST, copied_text, sent_headers
from fake_server.inspector.rows import shorten
from fake_server.inspector.view import values_of
from fake_server.relay.redact import Unreadable, known_values, redact
from fake_server.scripts.model import Script
from fake_server.server.control.serialize import api_request_of
from fake_server.server.state.journal import MOST_KEPT, JournalEntry
from fake_server.wire.exchange import Aspect, Ending, Exchange, Request, Write
from fake_server.wire.fixture import Fixture, save

_NOT_KEPT = frozenset({Aspect.HEADERS, Aspect.ALL_HEADERS, Aspect.FRAMING, Aspect.ENDING})
"""What the journal does not know of a reply."""


class NothingToMake(ValueError):
    """A request of which this cannot be made; the message says why."""


def to_reply(entry: JournalEntry) -> dict[str, Any] | None:
    """The reply as a script has it: text, tool calls or an error; None where it says nothing of these."""
    values = list(values_of(entry.reply))
    error = next((value["error"] for value in values if isinstance(value.get("error"), Mapping)), None)
    if error is not None and (entry.status or 200) >= 400:
        given = {name: error[name] for name in ("message", "code", "type") if isinstance(error.get(name), str)}
        return {"error": {"status": entry.status, **given}}
    text, calls = "", dict[int, dict[str, str]]()
    for value in values:
        for choice in _list(value, "choices")[:1]:
            said: Any = choice.get("message") or choice.get("delta") or {"content": choice.get("text")}
            content = said.get("content")
            text += content if isinstance(content, str) else ""
            for at, call in enumerate(_list(said, "tool_calls")):
                function = call.get("function") or {}
                known = calls.setdefault(call.get("index", at), {"name": "", "arguments": ""})
                known["name"] += function.get("name") or ""
                known["arguments"] += function.get("arguments") or ""
        whole = value.get("response") if value.get("type") == "response.completed" else value
        for item in _list(whole, "output"):
            if item.get("type") == "function_call":
                calls[len(calls)] = {"name": str(item.get("name")), "arguments": str(item.get("arguments"))}
            text += "".join(str(part["text"]) for part in _list(item, "content") if part.get("type") == "output_text")
    if calls:
        made = [{"name": call["name"], "arguments": _arguments(call["arguments"])} for call in calls.values()]
        return {**({"text": text} if text else {}), "tool_calls": made}
    return {"text": text} if text else None


def to_queued_reply(entry: JournalEntry, book: Iterable[Script]) -> dict[str, Any] | None:
    """The reply that gives the same again, with the faults that struck; None where it says nothing of its own.

    What faults break is the reply before them: that of the script that answered, or the fake's own.
    """
    if entry.struck is None:
        return to_reply(entry)
    faults = [fault for fault in entry.struck.faults if not isinstance(fault, Quota | Misread | CrossTalk)]
    written = [{name: value for name, value in fault.to_dict().items() if name != "probability"} for fault in faults]
    if len(faults) < len(entry.struck.faults):  # these changed what was asked: the words show it, and a script cannot
        reply = to_reply(entry) or {}
    else:
        script = next((script for script in book if script.name == entry.script), None) if entry.script else None
        is_plain = script is not None and script.reply is not None and not script.called and not script.reply.files
        reply = script.reply.written if script and script.reply and is_plain else {}
        if entry.script and not is_plain:
            reply = to_reply(entry) or {}
    if not written:
        return reply or None
    return {**{name: value for name, value in reply.items() if name != "faults"}, "faults": written}


def to_script(entry: JournalEntry, book: Iterable[Script] = ()) -> str:
    """A script that answers this request, in YAML, with the faults that struck. Raises NothingToMake, TooLong."""
    _check_read(entry)
    copied_text(entry.body)
    request = api_request_of(entry)
    if entry.method != "POST" or request is None:
        raise NothingToMake("scripts answer POST requests whose body is a JSON object")
    endpoint = endpoint_of(entry.path)
    if endpoint not in (CHAT, COMPLETIONS, RESPONSES, EMBEDDINGS, MODERATIONS):
        raise NothingToMake(f"no script answers {entry.path}")
    when: dict[str, Any] = {"endpoint": endpoint}
    if isinstance(request.body.get("model"), str):
        when["model"] = request.body["model"]
    last = request.messages[-1] if request.messages else None
    if last is not None and last.text:
        when["messages"] = {"last": {"role": last.role, "contains": last.text[:200]}}
    reply: dict[str, Any] = to_queued_reply(entry, book) or {"text": "…"}
    if endpoint in (EMBEDDINGS, MODERATIONS) and not {"error", "faults"} & set(reply):
        reply = {"embedding": [0.1, 0.2]} if endpoint == EMBEDDINGS else {"flagged": []}
    name = shorten(last.text if last is not None and last.text else endpoint)[:60]
    script = {"name": f"like request {entry.number}: {name}", "when": when, "reply": reply}
    text = yaml.safe_dump([script], sort_keys=False, allow_unicode=True, width=100)
    return str(text)


def to_fixture(entry: JournalEntry) -> str:
    """A recording of the request and its reply, without credentials, as one file. Raises NothingToMake, TooLong.

    A reply that faults struck has their head and their ending too.
    """
    _check_read(entry)
    copied_text(entry.body)
    if entry.status is None or entry.seconds is None:
        raise NothingToMake("its reply is not over")
    reply = entry.reply
    if entry.sent_bytes > MOST_KEPT or len(reply) > LARGEST:
        raise NothingToMake(f"its reply has more than the {MOST_KEPT:,} bytes that are kept")
    request = Request(entry.method, entry.path, tuple(sent_headers(entry.headers)), entry.body)
    writes, pause = tuple(_writes(entry, reply)), round(entry.first or 0.0, 6)
    if entry.struck is not None:
        struck = entry.struck.reply.but(writes=writes).exchange(request)
        exchange = replace(struck, head_pause=pause, unknown=frozenset({Aspect.ALL_HEADERS}))
    else:
        unknown = _NOT_KEPT - {Aspect.HEADERS} if reply else _NOT_KEPT
        exchange = Exchange(request, entry.status, _type_of(reply), writes, head_pause=pause, unknown=unknown)
    try:
        exchange = redact(exchange, known_values(exchange)).exchange
        with tempfile.TemporaryDirectory() as folder:
            head = Path(folder) / "request.yaml"
            save(Fixture(exchange, title=shorten(f"{entry.method} {entry.path}")), head, inline=LARGEST)
            if len(list(Path(folder).iterdir())) > 1:
                raise NothingToMake("its bodies are no text, so they would need files of their own")
            return head.read_text(encoding="utf-8")
    except Unreadable as error:
        raise NothingToMake(f"it cannot be redacted: {error}") from error


def is_broken_off(entry: JournalEntry) -> bool:
    """Whether faults kept a client from reading the reply to its end."""
    if entry.struck is None:
        return False
    reply, faults = entry.struck.reply, entry.struck.faults
    if any(isinstance(fault, WrongLength) for fault in faults):
        return True
    if any(isinstance(fault, BrokenGzip) and fault.how != "truncated" for fault in faults):
        return True  # clients take what a truncated one holds
    return reply.silent or (reply.ending is not Ending.CLEAN and reply.length != entry.sent_bytes)


def _check_read(entry: JournalEntry) -> None:
    if entry.unread:
        raise NothingToMake(f"its body was {entry.unread}, so nothing can be made of it")


def _type_of(reply: bytes) -> tuple[tuple[str, str], ...]:
    if reply.startswith((b"data:", b"event:", b":")):
        return (("content-type", "text/event-stream"),)
    return (("content-type", "application/json"),) if reply[:1] in (b"{", b"[") else ()


def _writes(entry: JournalEntry, reply: bytes) -> Iterator[Write]:
    start, before = 0, entry.first or 0.0
    for at, size in entry.writes:
        yield Write(reply[start : start + size], round(max(at - before, 0.0), 6))
        start, before = start + size, at


def _list(value: Any, name: str) -> list[dict[str, Any]]:
    items = value.get(name) if isinstance(value, Mapping) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _arguments(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text
