"""A probe: one request to the proxy, and what the upstream is to answer it with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from contract_tests.target.endpoints import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES
from contract_tests.target.relay_connection import Field

NAMES = {CHAT: "chat", COMPLETIONS: "completions", EMBEDDINGS: "embeddings", RESPONSES: "responses"}
"""What the endpoints are called in the ids of probes."""
QUESTION = "Say a word about a tree, in words or in JSON."


@dataclass(frozen=True)
class Probe:
    """One request to the proxy.

    `id` begins with what is tried: request, reply, flow or failure. `body` is sent to `path` by POST, with a mark in
    its text by which the upstream knows it. `member` is the parameter that it is about, '' for none. `reply` is what
    the upstream answers, as in a script; None has the fake answer as it would without one. `leave` has the caller hang
    up at the first event of the reply, or after so many seconds.
    """

    id: str
    title: str
    path: str
    body: Mapping[str, Any]
    member: str = ""
    reply: Mapping[str, Any] | None = None
    headers: tuple[Field, ...] = ()
    leave: float | None = None

    @property
    def section(self) -> str:
        """The first two parts of the id: what is tried, and on what."""
        return ".".join(self.id.split(".")[:2])

    @property
    def name(self) -> str:
        """What its text holds, whoever sends it, so that the script that answers it is found."""
        return f"[{self.id}]"

    @property
    def script(self) -> dict[str, Any] | None:
        """The upstream's script for it, None where it needs none."""
        if self.reply is None:
            return None
        return {"name": self.id, "when": {"messages": {"any": {"contains": self.name}}}, "reply": dict(self.reply)}

    def marked(self, token: str, model: str | None = None) -> bytes:
        """The body as JSON, with its name and this token in its text, and with this model where one is given."""
        body = deepcopy(dict(self.body))
        if model is not None:
            body["model"] = model
        _put(body, f" {self.name} {token}")
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _put(body: dict[str, Any], mark: str) -> None:
    """Put a mark behind the text that the model is asked to answer."""
    for name in ("input", "prompt", "messages"):
        value = body.get(name)
        if isinstance(value, str):
            body[name] = value + mark
            return
        if isinstance(value, list) and value:
            _put_into_last(value, mark)
            return
    raise ValueError("a probe has no text that could be marked")


def _put_into_last(items: list[Any], mark: str) -> None:
    """Put a mark behind the last text of a user among messages, items or plain texts."""
    for place in reversed(range(len(items))):
        item = items[place]
        if isinstance(item, str):
            items[place] = item + mark
            return
        if not isinstance(item, dict) or item.get("role") not in ("user", None):
            continue
        content = item.get("content")
        if isinstance(content, str):
            item["content"] = content + mark
            return
        for part in content if isinstance(content, list) else ():
            if isinstance(part.get("text"), str):
                part["text"] += mark
                return
    raise ValueError("a probe has no text of a user that could be marked")


def chat(**more: Any) -> dict[str, Any]:
    """A plain request for a chat completion, with these members too."""
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": QUESTION}], **more}


PLAIN: Mapping[str, Mapping[str, Any]] = {
    CHAT: chat(),
    COMPLETIONS: {"model": "gpt-3.5-turbo-instruct", "prompt": QUESTION},
    EMBEDDINGS: {"model": "text-embedding-3-small", "input": QUESTION},
    RESPONSES: {"model": "gpt-4o", "input": QUESTION},
}
"""A plain request of each endpoint."""
