"""Where a reply was changed by redaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fake_server.wire import sse
from fake_server.wire.jsontext import parse
from fake_server.wire.text import shorten


def changed_members(before: bytes, after: bytes) -> tuple[str, ...]:
    """The paths of the strings that differ, `the body` if there are none; the pieces of a stream are joined."""
    if before == after:
        return ()
    paths = dict.fromkeys(_changed(_texts(before), _texts(after)))
    return tuple(shorten(path, 120) for path in paths) or ("the body",)


def _changed(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    for path, text in new.items():
        was = old.get(path)
        if was is None or was == text:
            continue
        inner = [_json(document) for document in (was, text)]
        if all(isinstance(value, (dict, list)) for value in inner):
            yield from _changed(*(dict(_leaves(value, path)) for value in inner))
        else:
            yield path


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _texts(body: bytes) -> dict[str, str]:
    """The strings of a JSON body by path, or those of the events of a stream, joined."""
    document = parse(body)
    if document.ok:
        return dict(_leaves(document.value))
    joined: dict[str, list[str]] = {}
    for event in sse.decode(body):
        if event.raw_data:
            for path, text in _leaves(parse(event.raw_data).value):
                joined.setdefault(path, []).append(text)
    return {path: "".join(parts) for path, parts in joined.items()}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield path, value
        case dict():
            for name, member in value.items():
                yield from _leaves(member, f"{path}.{name}" if path else name)
        case list():
            for number, item in enumerate(value):
                index = item.get("index", number) if isinstance(item, dict) else number
                yield from _leaves(item, f"{path}[{index}]")
