"""Fixture files: an Exchange as a readable YAML head and raw body files beside it.

The head holds the request, the status, the headers, how the body was written and how the reply ended:

    openai-contract-fixture: 1
    title: the stream ends without [DONE]
    breaks: [chat.stream.done-last]
    source: https://…            # where it was seen; optional
    recorded: 2026-11-29T21:38:14.123456Z
    request: {method: POST, target: /v1/chat/completions, headers: [[Content-Type, application/json]],
              body: {json: {model: gpt-4o-mini, stream: true}}}
    response: {status: 200, reason: OK, headers: [[Content-Type, text/event-stream]],
               framing: chunked, body: {file: no-done-3f2a91c0.body}, writes: [[120, 0.5], [40]]}
    ending: clean
    unknown: [timing]

A body is one of `{file: NAME}` (raw bytes beside the head), `{text: "…"}` (UTF-8), or, for a request,
`{json: …}`. `writes` is a list of [size in bytes, pause in seconds]; without it the body is one write.
`raw` and `reads`, in the same form, hold the whole reply as received if the other values would not
reproduce it. `recorded` is when the request was made, or its number (1, 2, …) where a file of another
tool keeps no times; repeated requests are answered in this order. Fixtures without it come first, in
the natural order of their names: `x`, `x-2`, `x-10`.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml

from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing, Headers, Request, Write, cut_into_writes
from fake_server.wire.fixture_writing import describe_exchange, write_fixture
from fake_server.wire.text import shorten

VERSION = 1
MARK = "openai-contract-fixture"
SHIPPED = Path(__file__).resolve().parents[2] / "fixtures"
"""The kit's own fixtures and scripts."""
MAX_QUOTED = 80
"""Characters of a wrong value that an error message quotes."""


class FixtureError(ValueError):
    """A fixture cannot be read; the message says which file, where in it, and what to do."""


class _Loader(yaml.SafeLoader):
    """Rejects aliases: fixtures need none, and a few lines of nested aliases expand to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="a fixture may not use aliases (`*name`)", problem_mark=mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


@dataclass(frozen=True)
class Fixture:
    """An exchange with a title, the ids of the rules it breaks, where it was seen, and notes."""

    exchange: Exchange
    title: str = ""
    breaks: tuple[str, ...] = ()
    source: str = ""
    notes: str = ""


def load(path: Path) -> Fixture:
    """Read one fixture head and its bodies. Raises FixtureError."""
    try:
        head = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise FixtureError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FixtureError(f"{path}: not a fixture head: byte {error.start} is not UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FixtureError(f"{path}:{line}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a timestamp that is no date
        raise FixtureError(f"{path}: not YAML: {error}") from error
    except RecursionError as error:
        raise FixtureError(f"{path}: nested too deeply") from error
    if not isinstance(head, dict) or MARK not in head:
        raise FixtureError(f"{path}:1: not a fixture: the first key must be '{MARK}: {VERSION}'")
    if head[MARK] != VERSION:
        raise FixtureError(f"{path}:1: fixture version {_abbreviate(head[MARK])}; this kit reads version {VERSION}")
    try:
        return _from_head(head, path)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise FixtureError(f"{path}: {reason}") from error


def is_fixture(path: Path) -> bool:
    """Whether the file begins like a fixture."""
    try:
        with path.open("rb") as file:
            return file.readline(200).startswith(MARK.encode())
    except OSError:
        return False


def find(root: Path) -> list[Path]:
    """Every fixture head at or below `root`, in the natural order of names: `x`, `x-2`, `x-10`."""
    if root.is_file():
        return [root]
    return sorted((path for path in root.rglob("*.yaml") if is_fixture(path)), key=natural_order)


def natural_order(path: Path) -> list[list[str | int]]:
    """A key that sorts paths by name, numbers in them by value."""
    pieces = (re.split("([0-9]+)", part) for part in path.with_suffix("").parts)
    return [[int(piece) if odd else piece for piece, odd in zip(part, cycle((0, 1)))] for part in pieces]


def save(fixture: Fixture, path: Path, inline: int = 0) -> None:
    """Write the body files (named by their hash), then the head, which atomically replaces an older one.

    A reply's body of up to `inline` bytes stands in the head if it is text. Raises OSError; the previous fixture
    is then intact.
    """
    exchange = fixture.exchange
    head: dict[str, Any] = {MARK: VERSION, "title": fixture.title}
    if fixture.breaks:
        head["breaks"] = list(fixture.breaks)
    head |= {name: value for name in ("source", "notes") if (value := getattr(fixture, name))}
    described, bodies = describe_exchange(exchange, path.stem, inline)
    write_fixture(path, head | described, bodies)


def _from_head(head: Mapping[str, Any], path: Path) -> Fixture:
    request, reply = _mapping(head["request"], "request"), _mapping(head["response"], "response")
    if not isinstance(reply["status"], int | None):
        raise ValueError(f"response.status must be a number or null, not {_abbreviate(reply['status'])}")
    body = _body(reply.get("body"), path)
    exchange = Exchange(
        request=Request(
            method=str(request["method"]),
            target=str(request["target"]),
            headers=None if request.get("headers", []) is None else _headers(request.get("headers", [])),
            body=_body(request.get("body"), path),
        ),
        status=reply["status"],
        reason=str(reply.get("reason", "")),
        http_version=str(reply.get("http_version", "1.1")),
        headers=_headers(reply.get("headers", [])),
        framing=Framing(reply["framing"]) if "framing" in reply else None,
        writes=_writes(body, reply.get("writes")),
        head_pause=float(reply.get("head_pause", 0)),
        informational=tuple((int(code), _headers(pairs)) for code, pairs in reply.get("informational", [])),
        trailers=_headers(reply.get("trailers", [])),
        ending=Ending(head.get("ending", "clean")),
        problem=str(head.get("problem", "")),
        unknown=frozenset(Aspect(name) for name in head.get("unknown", [])),
        label=path.stem,
        recorded=_recorded(head.get("recorded")),
        raw=_writes(_body(reply.get("raw"), path), reply.get("reads"), "reads"),
    )
    return Fixture(
        exchange,
        title=str(head.get("title", "")),
        breaks=tuple(head.get("breaks", [])),
        source=str(head.get("source", "")),
        notes=str(head.get("notes", "")),
    )


def _recorded(value: Any) -> datetime | int | None:
    """When a fixture was recorded; a time without a zone is in UTC."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, int | None):
        raise TypeError(f"recorded must be a time (2026-11-29T21:38:14Z) or a number, not {_abbreviate(value)}")
    return value


def _abbreviate(value: Any) -> str:
    return shorten(repr(value), MAX_QUOTED)


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{name} must be a mapping, not {_abbreviate(value)}")
    return value


def _headers(pairs: Sequence[Sequence[Any]]) -> Headers:
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise TypeError(f"headers must be a list of [name, value], not {_abbreviate(pairs)}")
    return tuple((str(name), str(value)) for name, value in pairs)


def _writes(body: bytes, sizes: Sequence[Sequence[float]] | None, name: str = "writes") -> tuple[Write, ...]:
    if sizes is None:
        return (Write(body),) if body else ()
    if not isinstance(sizes, list) or not all(isinstance(entry, list) and entry for entry in sizes):
        raise ValueError(f"{name} must be a list of [size, pause], not {_abbreviate(sizes)}")
    cuts = [(int(entry[0]), float(entry[1]) if len(entry) > 1 else 0.0) for entry in sizes]
    total = sum(size for size, _ in cuts)
    if total != len(body):
        raise ValueError(f"the {name} add up to {total} bytes, the body has {len(body)}")
    return cut_into_writes(body, cuts)


def _body(entry: Mapping[str, Any] | None, path: Path) -> bytes:
    if not entry:
        return b""
    if not {"json", "text", "file"} & set(_mapping(entry, "body")):
        raise ValueError(f"a body must be one of {{file: …}}, {{text: …}} or {{json: …}}, not {_abbreviate(entry)}")
    if "json" in entry:
        return json.dumps(entry["json"], ensure_ascii=False, separators=(",", ":")).encode()
    if "text" in entry:
        return str(entry["text"]).encode()
    name = str(entry["file"])
    if Path(name).name != name:
        raise ValueError(f"the body file {name!r} must be in the same folder as the head")
    try:
        return (path.parent / name).read_bytes()
    except OSError as error:
        raise ValueError(f"the body file {name!r} cannot be read: {error.strerror}") from error
