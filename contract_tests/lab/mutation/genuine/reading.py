"""A genuine exchange, read for breaking: its JSON documents, its events, and a way to write them back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Aspect, Exchange

Step = str | int
Path = tuple[Step, ...]

DATA = b"data: "
DONE = b"data: [DONE]"
GAP = b"\n\n"

CHUNKS = {"chat": "chunk", "completions": "completion chunk"}
"""The form of a stream's documents, by endpoint."""

KINDS = ("null", "boolean", "integer", "fraction", "string", "array", "object")


def kind_of(value: Any) -> str:
    """The JSON type in words, integers and other numbers apart."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for kind, python in (
        ("integer", int),
        ("fraction", float),
        ("string", str),
        ("array", list),
    ):
        if isinstance(value, python):
            return kind
    return "object"


def encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def fold(path: Path) -> str:
    """('choices', 0, 'delta') as 'choices[].delta'."""
    text = "".join("[]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def spell(path: Path) -> str:
    """('choices', 0, 'delta') as 'choices[0].delta'; the whole document as '(document)'."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "(document)"


@dataclass(frozen=True)
class Reply:
    """One readable genuine reply.

    `form` is an endpoint ('chat', 'completions', 'embeddings', 'models', 'model'), a stream's (see CHUNKS)
    or 'error'. `documents` holds the JSON body, or one entry per event of a stream: the parsed object, or
    None for [DONE]. `blocks` are the events as bytes without the blank line behind them, empty for a dict.
    """

    exchange: Exchange
    form: str
    documents: tuple[Any, ...]
    blocks: tuple[bytes, ...] = ()

    @property
    def is_stream(self) -> bool:
        return self.form in CHUNKS.values()

    @property
    def in_scope(self) -> bool:
        """Whether it answers a question that the contract judges: completions, embeddings, models."""
        return bool(endpoint_of(self.exchange))

    @cached_property
    def asked(self) -> dict[str, Any]:
        body = self.exchange.request.json()
        return body if isinstance(body, dict) else {}

    @property
    def asked_usage(self) -> bool:
        options = self.asked.get("stream_options")
        return bool(isinstance(options, dict) and options.get("include_usage"))

    def with_document(self, index: int, document: Any) -> Exchange:
        """The exchange with one JSON document written anew."""
        if not self.blocks:
            return self.exchange.with_payload(encode(document))
        blocks = list(self.blocks)
        blocks[index] = DATA + encode(document)
        return self.with_blocks(blocks)

    def with_documents(self, changed: dict[int, Any]) -> Exchange:
        """The exchange with several JSON documents written anew, by event."""
        blocks = [
            DATA + encode(changed[index]) if index in changed else block
            for index, block in enumerate(self.blocks)
        ]
        return self.with_blocks(blocks)

    def with_blocks(self, blocks: Sequence[bytes]) -> Exchange:
        return self.exchange.with_payload(b"".join(block + GAP for block in blocks))


def endpoint_of(exchange: Exchange) -> str:
    """'chat', 'completions', 'embeddings', 'models', 'model', or '' for what the contract leaves alone."""
    return View(exchange).endpoint


def read(exchange: Exchange) -> Reply | None:
    """The reply in a form that can be broken, or None where it is of no use here."""
    body = exchange.payload
    endpoint = endpoint_of(exchange)
    if body.startswith(DATA):
        return _read_stream(exchange, body, CHUNKS[endpoint]) if endpoint in CHUNKS else None
    try:
        document = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    if (exchange.status or 0) >= 400:
        return Reply(exchange, "error", (document,)) if "error" in document else None
    return Reply(exchange, endpoint, (document,)) if endpoint else None


def _read_stream(exchange: Exchange, body: bytes, form: str) -> Reply | None:
    """Blocks of one `data: ` line each, closed by a blank line; any other framing is of no use here."""
    blocks = body.removesuffix(GAP).split(GAP)
    if not body.endswith(GAP) or any(b"\n" in one or not one.startswith(DATA) for one in blocks):
        return None
    try:
        documents = tuple(None if one == DONE else json.loads(one.removeprefix(DATA)) for one in blocks)
    except ValueError:
        return None
    return Reply(exchange, form, documents, tuple(blocks))


def knows_framing(reply: Reply) -> bool:
    return reply.exchange.knows(Aspect.EVENT_FRAMING)
