"""What is replayed: every broken fixture and every bug, each with the conforming exchange it departs from."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from contract_tests.lab.tools.checkout import FIXTURES
from contract_tests.rules.engine.view import View
from fake_server.bugs.catalogue import bugs
from fake_server.wire.exchange import Exchange
from fake_server.wire.fixture import find, load

_KINDS = {
    "chat/completions": "chat",
    "completions": "completions",
    "embeddings": "embeddings",
    "moderations": "moderations",
    "responses": "responses",
}
_CHAT = "chat/completions"
_STATEFUL = ("responses", "conversations")
"""How the paths begin of what a server keeps, counts or compacts; a new Response is a question of its own."""
_COMMON: Mapping[str, Mapping[str, Any]] = {
    "chat": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello."}]},
    "completions": {"model": "gpt-3.5-turbo-instruct", "prompt": "A tree"},
    "embeddings": {"model": "text-embedding-3-small", "input": "tree"},
    "moderations": {"model": "omni-moderation-latest", "input": "tree"},
    "responses": {"model": "gpt-4o-mini", "input": "Say hello."},
}
"""What clients ask instead of a fixture's own request, where no client would make that."""


_PAIRS = {
    "completions.is-dict": "text-limit-dict",
    "responses.stream.is-stream": "response-stream",
}
"""The same exchange without the defect, where the defect is to reply in another form: nothing else is similar then."""
T = TypeVar("T")


@dataclass(frozen=True)
class Subject:
    """A fixture to replay, named `broken/ID` or `bugs/ID`.

    `conforming` is the same exchange without the defect; None where none is known, as for a recording of a
    real server.
    """

    name: str
    path: Path
    conforming: Path | None

    @property
    def question(self) -> dict[str, Any] | None:
        """What a client asks: the kind of operation and its body; None where no client asks like this."""
        exchange = load(self.path).exchange
        return None if exchange.request.target.endswith("/") else question_of(exchange)


@cache
def subjects() -> tuple[Subject, ...]:
    """Every broken fixture, then every bug, by name."""
    return tuple(_find_subjects())


def _find_subjects() -> Iterator[Subject]:
    for path in find(FIXTURES / "broken"):
        yield Subject(f"broken/{path.stem}", path, pair_of(path))
    known = bugs()
    for path in find(FIXTURES / "bugs"):
        name = known[path.stem].of if path.stem in known else None
        yield Subject(f"bugs/{path.stem}", path, FIXTURES / "conforming" / f"{name}.yaml" if name else None)


def pair_of(path: Path) -> Path:
    """The conforming fixture that is the exchange of a broken one without its defect."""
    name = _PAIRS.get(path.stem)
    return FIXTURES / "conforming" / f"{name}.yaml" if name else _most_similar(load(path).exchange)


def question_of(exchange: Exchange) -> dict[str, Any]:
    """The request as a client makes it, `{kind, body}`; a common one where no client would make it."""
    path = exchange.request.target.partition("?")[0].removeprefix("/v1").strip("/")
    if path.startswith(f"{_CHAT}/") or (path == _CHAT and exchange.request.method == "GET"):
        name, _, more = path.removeprefix(_CHAT).strip("/").partition("/")
        metadata = _object(exchange.request.body).get("metadata")
        action = more or ("list" if not name else exchange.request.method)
        return {"kind": "stored", "body": {"action": action, "id": name, "metadata": metadata}}
    if path != "responses" and path.startswith(_STATEFUL):
        method, sent = exchange.request.method, _object(exchange.request.body)
        operation = {"action": View(exchange).endpoint, "path": path.split("/")[1:], "method": method, "body": sent}
        return {"kind": "state", "body": operation}
    if exchange.request.method == "GET" and path.startswith("models"):
        name = path.partition("/")[2]
        return {"kind": "model" if name else "models", "body": {"model": name}}
    kind, body = _KINDS.get(path, "chat"), _object(exchange.request.body)
    common = _COMMON[kind]
    if exchange.request.method != "POST" or not all(body.get(name) for name in common):
        body = {**common, "stream": True} if body.get("stream") else common
    if body.get("encoding_format") == "base64":  # clients ask for it by default, and unpack it only then
        body = {name: value for name, value in body.items() if name != "encoding_format"}
    return {"kind": kind, "body": body}


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _most_similar(broken: Exchange) -> Path:
    """The conforming fixture whose request is most similar; of several, whose reply is.

    A reply of another form is not: clients would be said to break on what is right, as every one does on an error.
    """
    by_request = _conforming_by_request()
    candidates = by_request.get(_request_key(broken))
    if candidates is None:
        form = _form(broken)
        alike = [key for key, (first, *_) in by_request.items() if _form_of(first) == form] or list(by_request)
        candidates = by_request[_nearest({key: "".join(key).encode() for key in alike}, broken.request.body)]
    breaks_off = _breaks_off(broken)
    candidates = [path for path in candidates if _breaks_off(_conforming(path)) is breaks_off] or candidates
    if len(candidates) == 1:
        return candidates[0]
    return _nearest({path: _conforming(path).payload for path in candidates}, broken.payload)


@cache
def _conforming(path: Path) -> Exchange:
    return load(path).exchange


def _nearest(texts: Mapping[T, bytes], wanted: bytes) -> T:
    """The key of the text that has most in common: runs of three words and signs, as many as both have."""
    runs = _runs(wanted)
    return max(texts, key=lambda key: _likeness(_runs(texts[key]), runs))


@cache
def _runs(text: bytes) -> Counter[tuple[bytes, ...]]:
    words = re.findall(rb"\w+|\W", text)
    return Counter(zip(words, words[1:], words[2:], strict=False))


def _likeness(first: Counter[tuple[bytes, ...]], second: Counter[tuple[bytes, ...]]) -> float:
    return (first & second).total() / max(first.total() + second.total(), 1)


def _form(exchange: Exchange) -> tuple[str, bool, bool]:
    """Where a request goes, whether it asks for a stream, and whether it succeeds."""
    view = View(exchange)
    return exchange.request.path, view.wants_stream, view.ok


@cache
def _form_of(path: Path) -> tuple[str, bool, bool]:
    return _form(load(path).exchange)


def _breaks_off(exchange: Exchange) -> bool:
    """Whether a stream holds an error."""
    return bool(View(exchange).error_events)


@cache
def _conforming_by_request() -> Mapping[tuple[str, str], list[Path]]:
    paths: dict[tuple[str, str], list[Path]] = {}
    for path in find(FIXTURES / "conforming"):
        if path.parent.name == "genuine":
            continue  # forms of other years and of odd answers: a defect is not told from what is theirs
        paths.setdefault(_request_key(load(path).exchange), []).append(path)
    return paths


def _request_key(exchange: Exchange) -> tuple[str, str]:
    """Where it goes, and what it says."""
    return exchange.request.target, exchange.request.body.decode("utf-8", "replace")
