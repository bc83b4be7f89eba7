"""Example replies for the document, made by the fake itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fake_server.faults.base import HEADER
from fake_server.wire.exchange import Exchange, Request

_SHOWN_EVENTS = 4
KEY = "sk-example"
CHAT_PATH = "/v1/chat/completions"
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
Ask = Callable[[Request], Exchange]
_IDS = re.compile(r"((?:chatcmpl|cmpl|modr)-|call_)[A-Za-z0-9]{20,}")
_HEX_IDS = re.compile(r'"([a-z]{2,4}_)[0-9a-f]{40,}"')
_HEX = "6924b7f0c2a94d8e9b3f5a1702468ace13579bdf02468ace13"
_SEALS = re.compile(r'"encrypted_content":"[^"]*"')
_TIMES = re.compile(r'"(created|created_at|completed_at|began)":[0-9.]+')
_SIZES = re.compile(r'"held":\d+|"(?:kinds|bytes)":\{[^}]*\}')
_NUMBERS = re.compile(r'"id":\d+')
_SPANS = re.compile(r'"(first|seconds|uptime|now)":[0-9.e-]+')


@dataclass(frozen=True)
class Sample:
    """A reply; `body` is parsed if it is JSON, else text, None if empty."""

    status: int
    body: Any


class Samples:
    """Example replies: `ask` sends a request to a fake, `ask_with_key` to a fake that requires a key.

    Ids, times and sizes in replies are replaced by constant ones.
    """

    def __init__(self, ask: Ask, ask_with_key: Ask) -> None:
        self._open, self._locked = ask, ask_with_key

    def ask(self, method: str, path: str, body: Any = None, fields: Mapping[str, str] | None = None) -> Sample:
        """Send a request to the fake."""
        status, text = _send(self._open, method, path, body, fields or {})
        return Sample(status, _parse_steady(text))

    def last_number(self, path: str, fields: Mapping[str, str]) -> str:
        """The `id` of the last item of a list, which in samples is always the same."""
        return str(next(iter(json.loads(_send(self._open, "GET", path, None, fields)[1]).values()))[-1]["id"])

    def save_what_is_named(self, path: str) -> dict[str, str]:
        """Save what the ids in a path's template name, and return these ids by the names of the parameters."""
        said = {"role": "user", "content": "Repeat after me: A tree stands in the field."}
        metadata = {"team": "green"}
        if "{completion_id}" in path:
            request = {**CHAT, "messages": [said], "store": True, "metadata": metadata}
            return {"completion_id": self._save(CHAT_PATH, request)}
        if "{conversation_id}" in path:
            conversation = self._save("/v1/conversations", {"metadata": metadata})
            item = {**said, "id": f"msg_{conversation.removeprefix('conv_')}"}
            _send(self._open, "POST", f"/v1/conversations/{conversation}/items", {"items": [item]}, {})
            return {"conversation_id": conversation, "item_id": item["id"]}
        if "{response_id}" in path:
            request = {"model": CHAT["model"], "input": said["content"], "metadata": metadata}
            return {"response_id": self._save("/v1/responses", {**request, "background": path.endswith("/cancel")})}
        return {}

    def _save(self, path: str, body: Mapping[str, Any]) -> str:
        return str(json.loads(_send(self._open, "POST", path, body, {})[1])["id"])

    def stream(self, method: str, path: str, body: Mapping[str, Any] | None) -> str:
        """Request a stream, by the query if there is no body, and return its events, leaving out the middle ones."""
        if body is None:
            path += "?stream=true"
        sent = None if body is None else {**body, "stream": True}
        events = str(self.ask(method, path, sent).body).split("\n\n")
        shown = [*events[:_SHOWN_EVENTS], ": …", *events[-_SHOWN_EVENTS:]]
        return "\n\n".join(shown)

    def error_body(self, status: int) -> Any:
        """The body of an error reply with this status."""
        if status == 401:
            return _parse_steady(_send(self._locked, "POST", CHAT_PATH, CHAT, {})[1])
        if status == 400:
            return self.ask("POST", CHAT_PATH, {"model": "gpt-4o-mini"}).body
        if status == 404:
            return self.ask("GET", "/v1/models/no-such-model").body
        return self.ask("POST", CHAT_PATH, CHAT, {HEADER: f"error;status={status}"}).body


def _send(ask: Ask, method: str, path: str, body: Any, fields: Mapping[str, str]) -> tuple[int, str]:
    data = b"" if body is None else json.dumps(body).encode()
    headers = (("content-type", "application/json"), ("content-length", str(len(data))), *fields.items())
    exchange = ask(Request(method.upper(), path, headers=headers, body=data))
    return exchange.status or 0, exchange.payload.decode()


def _parse_steady(text: str) -> Any:
    steady = _IDS.sub(r"\1Bq7vXe2LkTnR4wYzJc9sHdMfAp1Gu", text)
    steady = _SEALS.sub('"encrypted_content":"gAAAAABmYWtl…"', steady)
    steady = _HEX_IDS.sub(rf'"\g<1>{_HEX}"', steady)
    steady = _SIZES.sub(lambda sizes: re.sub(r"\d+", "1024", sizes[0]), steady)
    steady = _SPANS.sub(r'"\1":0.001', _TIMES.sub(r'"\1":1764000000', steady))
    steady = _NUMBERS.sub('"id":1', steady)
    try:
        return json.loads(steady)
    except ValueError:
        return steady or None
