"""Reads the head of a fixture: every key is known, and what is wrong is named with its key and its line."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import yaml

from fake_server.wire import files
from fake_server.wire.bounded_yaml import BoundedLoader, Limits, TooMuch
from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing, Headers, Request, Write, cut_into_writes
from fake_server.wire.text import closest, did_you_mean, shorten

HEAD_KEYS = (
    *("openai-contract-fixture", "title", "breaks", "source", "notes", "recorded"),
    *("request", "response", "ending", "problem", "unknown"),
)
NOT_IN_LINE = re.compile(r"[^\x01-\x09\x0b\x0c\x0e-\xff]")
REQUEST_KEYS = ("method", "target", "headers", "body")
RESPONSE_KEYS = (
    *("status", "reason", "http_version", "headers", "informational", "framing", "trailers"),
    *("head_pause", "body", "writes", "raw", "reads"),
)
BODY_KEYS = ("file", "text", "json")
KeyPath = tuple[str | int, ...]
Choice = TypeVar("Choice", bound=StrEnum)
MAX_HEAD = 32 * 1024 * 1024
"""Bytes of a head, whose request may stand in it."""
MAX_BODY = 256 * 1024 * 1024
"""Bytes of a body file."""
HASHED = re.compile(r"-([0-9a-f]{12})\.(?:body|raw)$")
"""How the names end that the kit gives to body files."""
LIMITS = Limits(values=1_000_000, characters=MAX_HEAD, depth=200)
MAX_QUOTED = 80
"""Characters of a wrong value that an error message quotes."""


class Loader(BoundedLoader):
    """Rejects aliases: fixtures need none."""

    limits = LIMITS

    def get_event(self) -> Any:
        """The next event of the document."""
        event: Any = super().get_event()
        if isinstance(event, yaml.AliasEvent):
            problem = "a fixture may not use aliases (`*name`)"
            mark: Any = event.start_mark
            raise TooMuch(problem=problem, problem_mark=mark)
        return event


class HeadError(ValueError):
    """What is wrong at a key of a head: `path` leads to it, as names and indexes."""

    def __init__(self, path: KeyPath, message: str) -> None:
        name = ".".join(str(step) for step in path)
        colon = "" if message.startswith(("must ", "is no ")) else ":"
        super().__init__(f"{name}{colon} {message}" if name else message)
        self.path = path


@contextlib.contextmanager
def _key(*path: str | int) -> Iterator[None]:
    """Turn every error about the value of a key into one that names the key."""
    try:
        yield
    except HeadError:
        raise
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise HeadError(path, str(error)) from error


def line_of(text: str, path: KeyPath) -> int:
    """The line of the key that `path` leads to, else of what is nearest to it."""
    node, line = yaml.compose(text, Loader=Loader), 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == str(step)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def read_exchange(head: Mapping[str, Any], path: Path) -> Exchange:
    """The exchange that a head describes; `path` is its file. Raises HeadError."""
    _mapping(head, HEAD_KEYS, ("request", "response"))
    request = _mapping(head["request"], REQUEST_KEYS, ("method", "target"), "request")
    reply = _mapping(head["response"], RESPONSE_KEYS, ("status",), "response")
    status = reply["status"]
    if isinstance(status, bool) or not isinstance(status, int | None):
        raise HeadError(("response", "status"), f"must be a number or null, not {abbreviate(status)}")
    body = _body(reply.get("body"), path, "response", "body")
    no_headers = request.get("headers", []) is None
    return Exchange(
        request=Request(
            method=str(request["method"]),
            target=str(request["target"]),
            headers=None if no_headers else _headers(request.get("headers", []), "request", "headers"),
            body=_body(request.get("body"), path, "request", "body"),
        ),
        status=status,
        reason=_one_line(str(reply.get("reason", "")), "response", "reason"),
        http_version=_one_line(str(reply.get("http_version", "1.1")), "response", "http_version"),
        headers=_headers(reply.get("headers", []), "response", "headers"),
        framing=_member(Framing, reply["framing"], "response", "framing") if "framing" in reply else None,
        writes=_writes(body, reply.get("writes"), "writes"),
        head_pause=_number(reply.get("head_pause", 0), "response", "head_pause"),
        informational=_informational(reply.get("informational", [])),
        trailers=_headers(reply.get("trailers", []), "response", "trailers"),
        ending=_member(Ending, head.get("ending", "clean"), "ending"),
        problem=str(head.get("problem", "")),
        unknown=frozenset(
            _member(Aspect, name, "unknown", number) for number, name in enumerate(read_list(head, "unknown"))
        ),
        label=path.stem,
        recorded=_recorded(head.get("recorded")),
        raw=_writes(_body(reply.get("raw"), path, "response", "raw"), reply.get("reads"), "reads"),
    )


def _recorded(value: Any) -> datetime | int | None:
    """When a fixture was recorded; a time without a zone is in UTC."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, datetime):
        with _key("recorded"):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, int | None):
        what = f"must be a time (2026-11-29T21:38:14Z) or a number, not {abbreviate(value)}"
        raise HeadError(("recorded",), what)
    return value


def abbreviate(value: Any) -> str:
    """A wrong value as an error message quotes it."""
    return shorten(repr(value), MAX_QUOTED)


def _mapping(value: Any, known: Iterable[str], required: Iterable[str], *path: str) -> Mapping[str, Any]:
    """A mapping that has the required keys, and none but the known ones."""
    if not isinstance(value, dict):
        raise HeadError(path, f"must be a mapping, not {abbreviate(value)}")
    unknown = [name for name in value if name not in known]
    for name in unknown:
        if near := closest(str(name), known):
            raise HeadError((*path, name), f"is no key of a fixture; did you mean {near[0]!r}?")
    for name in required:
        if name not in value:
            raise HeadError(path, f"the key {name!r} is missing")
    for name in unknown:
        raise HeadError((*path, name), f"is no key of a fixture; the keys are {', '.join(known)}")
    return value


def read_list(head: Mapping[str, Any], name: str) -> list[Any]:
    """The list at a key, empty if it is missing. Raises HeadError."""
    value = head.get(name, [])
    if not isinstance(value, list):
        raise HeadError((name,), f"must be a list, not {abbreviate(value)}")
    return value


def _member(kind: type[Choice], value: Any, *path: str | int) -> Choice:
    """One of the words that a key may hold."""
    words = [member.value for member in kind]
    if value not in words:
        hint = did_you_mean(str(value), words, f"the words are {', '.join(words)}")
        raise HeadError(path, f"{abbreviate(value)} is not known; {hint}")
    return kind(value)


def _number(value: Any, *path: str | int) -> float:
    with _key(*path):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"must be a number, not {abbreviate(value)}")
        return float(value)


def _informational(entries: Any) -> tuple[tuple[int, Headers], ...]:
    with _key("response", "informational"):
        if not isinstance(entries, list) or not all(isinstance(entry, list) and len(entry) == 2 for entry in entries):
            raise TypeError(f"must be a list of [status, headers], not {abbreviate(entries)}")
        return tuple((int(code), _headers(pairs, "response", "informational")) for code, pairs in entries)


def _headers(pairs: Any, *path: str) -> Headers:
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise HeadError(path, f"must be a list of [name, value], not {abbreviate(pairs)}")
    return tuple((_one_line(str(name), *path), _one_line(str(value), *path)) for name, value in pairs)


def _one_line(text: str, *path: str) -> str:
    """The text, which stands in a head as it is. Raises HeadError for what would end its line or has no byte."""
    wrong = NOT_IN_LINE.search(text)
    if wrong is not None:
        raise HeadError(
            path, f"{abbreviate(text)} has {wrong[0]!r}: a head's lines are Latin-1 without line breaks or NUL"
        )
    return text


def _writes(body: bytes, sizes: Any, name: str) -> tuple[Write, ...]:
    if sizes is None:
        return (Write(body),) if body else ()
    with _key("response", name):
        if not isinstance(sizes, list) or not all(isinstance(entry, list) and entry for entry in sizes):
            raise TypeError(f"must be a list of [size, pause], not {abbreviate(sizes)}")
        cuts = [(int(entry[0]), float(entry[1]) if len(entry) > 1 else 0.0) for entry in sizes]
        total = sum(size for size, _ in cuts)
        if total != len(body):
            raise ValueError(f"the sizes add up to {total} bytes, the body has {len(body)}")
        return cut_into_writes(body, cuts)


def _body(entry: Any, path: Path, *place: str) -> bytes:
    if not entry:
        return b""
    _mapping(entry, BODY_KEYS, (), *place)
    if len(entry) > 1:
        raise HeadError(place, f"must be one of {{file: …}}, {{text: …}} or {{json: …}}, not {abbreviate(entry)}")
    with _key(*place, *entry):
        if "json" in entry:
            return json.dumps(entry["json"], ensure_ascii=False, separators=(",", ":")).encode()
        if "text" in entry:
            return str(entry["text"]).encode()
    name = str(entry["file"])
    if Path(name).name != name or "\0" in name:
        raise HeadError((*place, "file"), f"{name!r} must be in the same folder as the head")
    try:
        data = files.read_below(path.parent, name, MAX_BODY)
    except OSError as error:
        raise HeadError((*place, "file"), f"{name!r} cannot be read: {error.strerror}") from error
    named = HASHED.search(name)
    if named and hashlib.sha256(data).hexdigest()[:12] != named[1]:
        what = "does not hold the bytes that its name is the hash of: it is cut off, or was edited (then rename it)"
        raise HeadError((*place, "file"), f"{name!r} {what}")
    return data
