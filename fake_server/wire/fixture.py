"""Fixture files: an Exchange as a readable YAML head and a raw body beside it.

The head says what was asked, status, headers, how the body was written and how it ended:

    openai-contract-fixture: 1
    title: the stream ends without [DONE]
    breaks: [chat.stream.done-last]
    source: https://…            # where it was seen; optional
    request: {method: POST, target: /v1/chat/completions, headers: [[Content-Type, application/json]],
              body: {json: {model: gpt-4o-mini, stream: true}}}
    response: {status: 200, reason: OK, headers: [[Content-Type, text/event-stream]],
               framing: chunked, body: {file: no-done-3f2a91c0.body}, writes: [[120, 0.5], [40]]}
    ending: clean
    unknown: [timing]

A body is one of `{file: NAME}` (raw bytes beside the head), `{text: "…"}` (UTF-8), or, for a request,
`{json: …}`. `writes` holds [size in bytes, pause in seconds]; without it the body is one write.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing, Headers, Request, Write

VERSION = 1
MARK = "openai-contract-fixture"
INLINE_LIMIT = 64 * 1024
_SEPARATORS = re.compile("[\r\x85\u2028\u2029\ufeff]")


class FixtureError(ValueError):
    """A fixture that cannot be read: the message says which file, where and what to do."""


@dataclass(frozen=True)
class Fixture:
    """An exchange with what a reader wants to know: title, the rules it breaks, where it was seen."""

    exchange: Exchange
    title: str = ""
    breaks: tuple[str, ...] = ()
    source: str = ""
    notes: str = ""


def load(path: Path) -> Fixture:
    """Read one fixture head and its bodies. Raises FixtureError."""
    try:
        head = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FixtureError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FixtureError(f"{path}: not a fixture head: byte {error.start} is not UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FixtureError(f"{path}:{line}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise FixtureError(f"{path}: not YAML: {error}") from error
    if not isinstance(head, dict) or MARK not in head:
        raise FixtureError(f"{path}:1: not a fixture: the first key is '{MARK}: {VERSION}'")
    if head[MARK] != VERSION:
        raise FixtureError(f"{path}:1: fixture version {head[MARK]!r}; this kit reads version {VERSION}")
    try:
        return _from_head(head, path)
    except FixtureError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise FixtureError(f"{path}: {reason}") from error


def is_fixture(path: Path) -> bool:
    """Whether the file's first line is a fixture's."""
    try:
        with path.open("rb") as file:
            return file.readline(200).startswith(MARK.encode())
    except OSError:
        return False


def find(root: Path) -> list[Path]:
    """Every fixture head at or below `root`, sorted."""
    if root.is_file():
        return [root]
    return sorted(path for path in root.rglob("*.yaml") if is_fixture(path))


def save(fixture: Fixture, path: Path) -> None:
    """Write the body file (named by its hash) first and rename the head into place last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exchange = fixture.exchange
    head: dict[str, Any] = {MARK: VERSION, "title": fixture.title}
    if fixture.breaks:
        head["breaks"] = list(fixture.breaks)
    head |= {name: value for name in ("source", "notes") if (value := getattr(fixture, name))}
    head["request"] = _request_head(exchange.request, path)
    head["response"] = _response_head(exchange, path)
    head["ending"] = exchange.ending.value
    if exchange.problem:
        head["problem"] = exchange.problem
    if exchange.unknown:
        head["unknown"] = sorted(aspect.value for aspect in exchange.unknown)
    _write_atomically(path, _dump(head))


def _from_head(head: Mapping[str, Any], path: Path) -> Fixture:
    asked, reply = _mapping(head["request"], "request"), _mapping(head["response"], "response")
    if not isinstance(reply["status"], int | None):
        raise FixtureError(f"{path}: response.status is a number or null, not {reply['status']!r}")
    body = _body(reply.get("body"), path)
    exchange = Exchange(
        request=Request(
            method=str(asked["method"]),
            target=str(asked["target"]),
            headers=None if asked.get("headers", []) is None else _headers(asked.get("headers", [])),
            body=_body(asked.get("body"), path),
        ),
        status=reply["status"],
        reason=str(reply.get("reason", "")),
        http_version=str(reply.get("http_version", "1.1")),
        headers=_headers(reply.get("headers", [])),
        framing=Framing(reply["framing"]) if "framing" in reply else None,
        writes=_writes(body, reply.get("writes"), path),
        head_pause=float(reply.get("head_pause", 0)),
        informational=tuple((int(one[0]), _headers(one[1])) for one in reply.get("informational", [])),
        trailers=_headers(reply.get("trailers", [])),
        ending=Ending(head.get("ending", "clean")),
        problem=str(head.get("problem", "")),
        unknown=frozenset(Aspect(name) for name in head.get("unknown", [])),
        label=path.stem,
    )
    return Fixture(
        exchange,
        title=str(head.get("title", "")),
        breaks=tuple(head.get("breaks", [])),
        source=str(head.get("source", "")),
        notes=str(head.get("notes", "")),
    )


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{name} is a mapping, not {value!r}")
    return value


def _headers(pairs: Sequence[Sequence[Any]]) -> Headers:
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise TypeError(f"headers are a list of [name, value], not {pairs!r}")
    return tuple((str(name), str(value)) for name, value in pairs)


def _writes(body: bytes, sizes: Sequence[Sequence[float]] | None, path: Path) -> tuple[Write, ...]:
    if sizes is None:
        return (Write(body),) if body else ()
    if not isinstance(sizes, list) or not all(isinstance(entry, list) and entry for entry in sizes):
        raise FixtureError(f"{path}: writes are a list of [size, pause], not {sizes!r}")
    writes, start = [], 0
    for entry in sizes:
        size, pause = int(entry[0]), float(entry[1]) if len(entry) > 1 else 0.0
        writes.append(Write(body[start : start + size], pause))
        start += size
    if start != len(body):
        raise FixtureError(f"{path}: the writes add up to {start} bytes, the body has {len(body)}")
    return tuple(writes)


def _body(entry: Mapping[str, Any] | None, path: Path) -> bytes:
    if not entry:
        return b""
    if not {"json", "text", "file"} & set(_mapping(entry, "body")):
        raise FixtureError(f"{path}: a body is one of {{file: …}}, {{text: …}} or {{json: …}}, not {entry!r}")
    if "json" in entry:
        return json.dumps(entry["json"], ensure_ascii=False, separators=(",", ":")).encode()
    if "text" in entry:
        return str(entry["text"]).encode()
    name = str(entry["file"])
    if Path(name).name != name:
        raise FixtureError(f"{path}: the body file {name!r} must stand beside the head")
    try:
        return (path.parent / name).read_bytes()
    except OSError as error:
        raise FixtureError(f"{path}: the body file {name!r} cannot be read: {error.strerror}") from error


def _request_head(request: Request, path: Path) -> dict[str, Any]:
    head: dict[str, Any] = {"method": request.method, "target": request.target}
    if request.headers is None:
        head["headers"] = None
    elif request.headers:
        head["headers"] = [list(pair) for pair in request.headers]
    if request.body:
        value = request.json()
        exact = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() == request.body
        head["body"] = {"json": value} if value is not None and exact else _body_head(request.body, path)
    return head


def _response_head(exchange: Exchange, path: Path) -> dict[str, Any]:
    head: dict[str, Any] = {"status": exchange.status}
    if exchange.reason:
        head["reason"] = exchange.reason
    if exchange.http_version != "1.1":
        head["http_version"] = exchange.http_version
    head["headers"] = [list(pair) for pair in exchange.headers]
    if exchange.informational:
        head["informational"] = [
            [code, [list(pair) for pair in pairs]] for code, pairs in exchange.informational
        ]
    if exchange.framing is not None:
        head["framing"] = exchange.framing.value
    if exchange.trailers:
        head["trailers"] = [list(pair) for pair in exchange.trailers]
    if exchange.head_pause:
        head["head_pause"] = exchange.head_pause
    if exchange.payload:
        head["body"] = _body_head(exchange.payload, path, inline=False)
    if len(exchange.writes) > 1 or any(write.pause for write in exchange.writes):
        head["writes"] = [
            [len(write.data), round(write.pause, 6)] if write.pause else [len(write.data)]
            for write in exchange.writes
        ]
    return head


def _body_head(body: bytes, path: Path, inline: bool = True) -> dict[str, Any]:
    if inline and len(body) <= INLINE_LIMIT:
        try:
            return {"text": body.decode("utf-8")}
        except UnicodeDecodeError:
            pass
    name = f"{path.stem}-{hashlib.sha256(body).hexdigest()[:12]}.body"
    _write_atomically(path.parent / name, body)
    return {"file": name}


class _Dumper(yaml.SafeDumper):
    """Escapes the line separators that YAML would fold into a space (YAML 1.1 section 4.2)."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = '"' if _SEPARATORS.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def _dump(head: Mapping[str, Any]) -> bytes:
    return yaml.dump(
        dict(head), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    ).encode()


def _write_atomically(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
