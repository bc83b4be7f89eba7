"""What is replayed: every broken fixture and every bug, beside the conforming exchange it departs from."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from contract_tests.lab.tools.checkout import FIXTURES
from fake_server.bugs.catalogue import bugs
from fake_server.wire.exchange import Exchange
from fake_server.wire.fixture import find, load

_KINDS = {"chat/completions": "chat", "completions": "completions", "embeddings": "embeddings"}
_COMMON: Mapping[str, Mapping[str, Any]] = {
    "chat": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello."}]},
    "completions": {"model": "gpt-3.5-turbo-instruct", "prompt": "A tree"},
    "embeddings": {"model": "text-embedding-3-small", "input": "tree"},
}
"""What is asked where a fixture's own request is none that a client would make."""


@dataclass(frozen=True)
class Subject:
    """A fixture to be replayed: its name (`broken/ID` or `bugs/ID`), and its like without the defect.

    `right` is None where no such exchange is known: a recording of a real server.
    """

    name: str
    path: Path
    right: Path | None

    @property
    def asked(self) -> dict[str, Any] | None:
        """What a client is to ask: the kind of operation and its body; None where no client asks so."""
        exchange = load(self.path).exchange
        return None if exchange.request.target.endswith("/") else asked(exchange)


@cache
def subjects() -> tuple[Subject, ...]:
    """Every broken fixture, then every bug, by name."""
    return tuple(_subjects())


def _subjects() -> Iterator[Subject]:
    for path in find(FIXTURES / "broken"):
        yield Subject(f"broken/{path.stem}", path, _right(load(path).exchange))
    known = bugs()
    for path in find(FIXTURES / "bugs"):
        of = known[path.stem].of if path.stem in known else None
        yield Subject(f"bugs/{path.stem}", path, _conforming(of) if of else None)


def asked(exchange: Exchange) -> dict[str, Any]:
    """The request as a client makes it, with a common one in place of those that none would make."""
    path = exchange.request.target.removeprefix("/v1").strip("/")
    if exchange.request.method == "GET" and path.startswith("models"):
        name = path.partition("/")[2]
        return {"kind": "model" if name else "models", "body": {"model": name}}
    kind, body = _KINDS.get(path, "chat"), _object(exchange.request.body)
    common = _COMMON[kind]
    if exchange.request.method != "POST" or not all(body.get(name) for name in common):
        body = {**common, "stream": True} if body.get("stream") else common
    if body.get("encoding_format") == "base64":  # what clients ask for on their own, and unpack
        body = {name: value for name, value in body.items() if name != "encoding_format"}
    return {"kind": kind, "body": body}


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _conforming(name: str) -> Path:
    return FIXTURES / "conforming" / f"{name}.yaml"


def _right(broken: Exchange) -> Path:
    """The conforming fixture with the same request, else the one most like it; of several, by its body."""
    likes = _by_request()
    same = likes.get(broken.request.target + broken.request.body.decode("utf-8", "replace"))
    if same is None:
        request = max(likes, key=lambda one: _like(one.encode(), broken.request.body))
        same = likes[request]
    if len(same) == 1:
        return same[0]
    return max(same, key=lambda path: _like(load(path).exchange.payload, broken.payload))


def _like(one: bytes, other: bytes) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


@cache
def _by_request() -> Mapping[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in find(FIXTURES / "conforming"):
        request = load(path).exchange.request
        found.setdefault(request.target + request.body.decode("utf-8", "replace"), []).append(path)
    return found
