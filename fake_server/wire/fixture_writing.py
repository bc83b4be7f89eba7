"""Writes exchanges as fixture files: the readable head, the raw bodies, and how both reach the disk.

Body files are written first, named by their hash; the head, which names them, is renamed into place
last. So an interruption at any moment leaves either the old fixture or the new one. Body files that no
head names are removed by the next write.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml

from fake_server.wire import files
from fake_server.wire.exchange import Exchange, Headers, Request, Write
from fake_server.wire.schemas import line_for_editors

try:
    import fcntl
except ImportError:  # Windows: concurrent writers of one fixture are not locked out there
    fcntl = None  # type: ignore[assignment]

INLINE_LIMIT = 64 * 1024
"""Bytes of a request that stands in the head as text."""
JSON_LIMIT = 512 * 1024
"""Bytes of a request that stands in the head as JSON; so many of them are less than half of what a head may hold."""
SHALLOW = 100
"""Levels of a request's JSON in the head, which may have twice as many."""
_SEPARATORS = re.compile("[\r\x85\u2028\u2029\ufeff]")

ANY: Literal["any"] = "any"
Replaceable = files.Stamp | Literal["any"] | None
"""Which version of a head may be replaced: None for none."""
Bodies = dict[str, bytes]
"""The raw files beside a head, by name."""


def describe_exchange(exchange: Exchange, stem: str, inline: int = 0) -> tuple[dict[str, Any], Bodies]:
    """The head of an exchange from `recorded` on, and its body files, whose names begin with `stem`.

    A reply's body of up to `inline` bytes stands in the head if it is text.
    """
    bodies: Bodies = {}
    recorded = {} if exchange.recorded is None else {"recorded": exchange.recorded}
    head: dict[str, Any] = {
        **recorded,
        "request": _request_head(exchange.request, stem, bodies),
        "response": _response_head(exchange, stem, bodies, inline),
        "ending": exchange.ending.value,
    }
    if exchange.problem:
        head["problem"] = exchange.problem
    if exchange.unknown:
        head["unknown"] = sorted(aspect.value for aspect in exchange.unknown)
    return head, bodies


def write_fixture(path: Path, head: Mapping[str, Any], bodies: Bodies, over: Replaceable = ANY) -> None:
    """Write a head and its body files, all or nothing. Raises OSError, Taken for another head than `over`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.parent) as folder:
        if over != ANY:
            files.require_version(path, over)
        for name, body in bodies.items():
            files.write_whole(path.with_name(name), body)
        _sync(folder)
        files.write_whole(path, dump_head(head, line_for_editors("fixture", path)))
        _sync(folder)
        _sweep(path, keep=bodies)


def _request_head(request: Request, stem: str, bodies: Bodies) -> dict[str, Any]:
    head: dict[str, Any] = {"method": request.method, "target": request.target}
    if request.headers is None:
        head["headers"] = None
    elif request.headers:
        head["headers"] = _rows(request.headers)
    if request.body:
        head["body"] = _inline(request) or _body_file(request.body, stem, bodies)
    return head


def _inline(request: Request) -> dict[str, Any] | None:
    """The request body as JSON or text if that loses nothing, None if it needs a file."""
    value = request.json()
    if value is not None and len(request.body) <= JSON_LIMIT and _is_shallow(value):
        written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        if written.encode("utf-8", "surrogatepass") == request.body:
            return {"json": value}
    if len(request.body) <= INLINE_LIMIT:
        with contextlib.suppress(UnicodeDecodeError):
            return {"text": request.body.decode("utf-8")}
    return None


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(SHALLOW):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return True
    return False


def _response_head(exchange: Exchange, stem: str, bodies: Bodies, inline: int) -> dict[str, Any]:
    """The reply's values, without those that are empty or as usual; status and headers always."""
    one_write = len(exchange.writes) < 2 and not any(write.pause for write in exchange.writes)
    raw = b"".join(read.data for read in exchange.raw)
    head = {
        "status": exchange.status,
        "reason": exchange.reason,
        "http_version": "" if exchange.http_version == "1.1" else exchange.http_version,
        "headers": _rows(exchange.headers),
        "informational": [[code, _rows(pairs)] for code, pairs in exchange.informational],
        "framing": exchange.framing and exchange.framing.value,
        "trailers": _rows(exchange.trailers),
        "head_pause": round(exchange.head_pause, 6),
        "body": _inline_text(exchange.payload, inline) or _body_file(exchange.payload, stem, bodies),
        "writes": None if one_write else _sizes(exchange.writes),
        "raw": _body_file(raw, stem, bodies, "raw"),
        "reads": _sizes(exchange.raw),
    }
    return {name: value for name, value in head.items() if value or name in ("status", "headers")}


class _Block(str):
    """A text that is written as a block of lines where YAML can keep it so."""


def _inline_text(body: bytes, limit: int) -> dict[str, Any] | None:
    """A short body as text, None if it is long or no readable text."""
    if not 0 < len(body) <= limit:
        return None
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return {"text": _Block(text)} if all(char.isprintable() or char in "\r\n\t" for char in text) else None


def _rows(headers: Headers) -> list[list[str]]:
    return [list(pair) for pair in headers]


def _body_file(body: bytes, stem: str, bodies: Bodies, suffix: str = "body") -> dict[str, Any] | None:
    if not body:
        return None
    name = f"{stem}-{hashlib.sha256(body).hexdigest()[:12]}.{suffix}"
    bodies[name] = body
    return {"file": name}


class _Row(list[Any]):
    """A list that is written on one line, up to the line width."""


def _sizes(writes: Sequence[Write]) -> _Row:
    return _Row([len(write.data), round(write.pause, 6)] if write.pause else [len(write.data)] for write in writes)


class _Dumper(yaml.SafeDumper):
    """Quotes texts with line separators, which YAML would fold into a space (YAML 1.1 section 4.2)."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = '"' if _SEPARATORS.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_time(dumper: _Dumper, value: datetime) -> yaml.ScalarNode:
    text = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return dumper.represent_scalar("tag:yaml.org,2002:timestamp", text)


def _represent_row(dumper: _Dumper, row: _Row) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", row, flow_style=True)


def _represent_block(dumper: _Dumper, text: _Block) -> yaml.ScalarNode:
    style = "|" if "\n" in text and not _SEPARATORS.search(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style=style)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(_Block, _represent_block)
_Dumper.add_representer(datetime, _represent_time)
_Dumper.add_representer(_Row, _represent_row)


def dump_head(head: Mapping[str, Any], comment: str = "") -> bytes:
    """The head as YAML; a comment is the second line, since a fixture is known by its first."""
    text = yaml.dump(
        dict(head), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )
    first, end, rest = text.partition("\n")
    return (first + end + comment + rest).encode()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[int | None]:
    """Hold the folder's lock, so that nobody removes a body file whose head is not written yet."""
    if fcntl is None:
        yield None
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield number
    finally:
        os.close(number)


def _sync(folder: int | None) -> None:
    if folder is not None:
        os.fsync(folder)


def _sweep(head: Path, keep: Bodies) -> None:
    """Remove what earlier writers of this head left: body files it does not name, unfinished files."""
    stem = re.escape(head.stem)
    body = rf"{stem}-[0-9a-f]{{12}}\.(body|raw)"
    unfinished = rf"\.(?:{body}|{re.escape(head.name)})(?:\.[0-9a-f]{{16}})?\.part"  # older kits drew no number
    left = re.compile(rf"{body}|{unfinished}")
    for path in head.parent.iterdir():
        if left.fullmatch(path.name) and path.name not in keep:
            path.unlink(missing_ok=True)
