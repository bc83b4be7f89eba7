"""A reply read for mutation: its JSON documents, its events, and how to write them back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contract_tests.lab.mutation.json_paths import Path, encode
from contract_tests.rules.catalogue import SECTIONS
from contract_tests.rules.engine.endpoints import is_of_responses
from contract_tests.rules.engine.view import Payload, View
from fake_server.wire.exchange import Exchange

DATA = b"data: "
DONE = b"data: [DONE]"
GAP = b"\n\n"

_SECTION_OF_MEMBER = {
    **{section.name: section.name for section in SECTIONS},
    "tool_calls": "tools",
    "function_call": "tools",
    "error": "errors",
}
"""The section of what stands below a member; a member named like a section belongs to that section."""


_SECTION_OF_ENDPOINT = {"response": "responses", "response.stream": "responses.stream", "conversation": "conversations"}


@dataclass(frozen=True)
class Reply:
    """One exchange as mutants start from it.

    `form` says what kind of reply it is: 'errors' for a refusal, else the endpoint ('chat', 'completions',
    'embeddings', 'models', 'model', '' for any other), with '.stream' behind it where events come back.
    `documents` holds the JSON body, or for a stream one entry per event: the parsed data, or None for
    [DONE]. It is empty where the body is not JSON. `blocks` are the events as bytes without the blank line
    behind them; empty where the reply is not a stream.
    """

    exchange: Exchange
    form: str
    documents: tuple[Any, ...] = ()
    blocks: tuple[bytes, ...] = ()

    @property
    def is_stream(self) -> bool:
        return bool(self.blocks)

    @property
    def section(self) -> str:
        """The section of the rules that is about the reply as a whole."""
        first = self.form.partition(" ")[0]
        return {"model": "models", "": "http", **_SECTION_OF_ENDPOINT}.get(first, first)

    def section_at(self, path: Path) -> str:
        """The section of the rules that is about a place in the JSON."""
        if is_of_responses(self.form):
            return self.section
        named = [_SECTION_OF_MEMBER[step] for step in path if isinstance(step, str) and step in _SECTION_OF_MEMBER]
        return named[-1] if named else self.section

    @cached_property
    def request_body(self) -> dict[str, Any]:
        """The request body; empty where that is not a JSON object."""
        body = self.exchange.request.json()
        return body if isinstance(body, dict) else {}

    @property
    def wants_usage(self) -> bool:
        options = self.request_body.get("stream_options")
        return bool(isinstance(options, dict) and options.get("include_usage"))

    def place(self, index: int, where: str) -> str:
        """A place as a reader finds it: with the number of the event where the reply is a stream."""
        return f"event {index}, {where}" if self.is_stream else where

    def with_text(self, index: int, text: bytes) -> Exchange:
        """The exchange with these bytes in the place of one JSON document."""
        if not self.is_stream:
            return self.exchange.with_payload(text)
        block = _head_of(self.blocks[index]) + DATA + text
        return self.with_blocks([*self.blocks[:index], block, *self.blocks[index + 1 :]])

    def with_documents(self, changed: Mapping[int, Any]) -> Exchange:
        """The exchange with other JSON documents, by the index of their event."""
        if not self.is_stream:
            return self.exchange.with_payload(encode(changed[0]))
        blocks = list(self.blocks)
        for index, document in changed.items():
            blocks[index] = _head_of(blocks[index]) + DATA + encode(document)
        return self.with_blocks(blocks)

    def with_blocks(self, blocks: Sequence[bytes]) -> Exchange:
        """The exchange with these events."""
        return self.exchange.with_payload(b"".join(block + GAP for block in blocks))


def read_reply(exchange: Exchange) -> Reply:
    """Read an exchange.

    What an encoding leaves free (line ends, comments, gzip) is written plainly, so that a mutant differs from
    its original in one thing only.
    """
    view = View(exchange)
    form = "errors" if view.is_refusal else view.endpoint
    try:
        if view.form == "events":
            form += "" if view.is_refusal else ".stream"
            blocks = tuple(_name_of(payload) + DATA + payload.text for payload in view.payloads)
            documents = tuple(None if block == DONE else json.loads(block.partition(DATA)[2]) for block in blocks)
            return Reply(_plain(exchange, b"".join(block + GAP for block in blocks)), form, documents, blocks)
        plain = _plain(exchange, view.body)
        if view.form == "json" and view.document.ok:
            return Reply(plain, form, (json.loads(view.body),))
    except ValueError:
        return Reply(exchange, form)
    return Reply(plain, form)


def _name_of(payload: Payload) -> bytes:
    """The line with the name of an event of a Response; other streams are written without."""
    named = payload.node.text_of("type") and payload.event.type != "message"
    return b"event: " + payload.event.type.encode() + b"\n" if named else b""


def _head_of(block: bytes) -> bytes:
    """What stands before the data of an event."""
    return block.partition(DATA)[0]


def _plain(exchange: Exchange, body: bytes) -> Exchange:
    """The exchange with this body in one write, without content coding, its length as it is now."""
    if body == exchange.payload:
        return exchange
    headers = tuple(
        (name, str(len(body)) if name.lower() == "content-length" else value)
        for name, value in exchange.headers
        if name.lower() != "content-encoding"
    )
    return exchange.with_payload(body).but(headers=headers)
