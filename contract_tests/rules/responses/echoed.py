"""What a Response repeats of its request: the values are the caller's, be they newer than the types of the SDK."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from contract_tests.rules.engine.judge import Complaint
from contract_tests.rules.engine.node import MISSING, Node
from fake_server.wire.jsontext import Path

_OF_MANY_TYPES = ("tools", "tool_choice", "text")
"""Members with objects of types that the API, and servers, go on adding to."""


def without_echoes(complaints: Iterable[Complaint], response: Node, request: Node) -> Iterator[Complaint]:
    """The complaints, less those about what a Response repeats.

    That is what stands at the same place of the request, and an object of a type that no type of the SDK has: a tool
    that the server adds, or a choice of one where a stored Response is read, whose request is not known.
    """
    found = [(_path_in(response, complaint[0]), complaint) for complaint in complaints]
    new = {path[:-1] for path, complaint in found if _is_of_new_type(path, complaint[0])}
    sent: dict[Path, set[str]] = {}
    for path, complaint in found:
        if any(path[:length] in new for length in range(1, len(path) + 1)):
            continue
        value = complaint[0].value
        if value is MISSING:  # it was sent without this member
            path = path[:-1]
            value = _value_at(response.value, path)
        names = tuple(step if isinstance(step, str) else 0 for step in path)
        if names not in sent:
            sent[names] = set(map(_written, _values_at(request.value, names)))
        if _written(value) not in sent[names]:
            yield complaint


def _value_at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _path_in(response: Node, where: Node) -> Path:
    """The path from the Response, () where the place lies outside it."""
    length = len(response.path)
    return where.path[length:] if where.path[:length] == response.path else ()


def _is_of_new_type(path: Path, where: Node) -> bool:
    return len(path) > 1 and path[0] in _OF_MANY_TYPES and path[-1] == "type" and bool(where.text)


def _values_at(request: Any, path: Path) -> list[Any]:
    """What a request has at this path, in any item of an array: they may come back in another order."""
    if not path or not isinstance(request, dict) or path[0] not in request:
        return []
    values = [request]
    for step in path:
        if isinstance(step, int):
            values = [item for value in values if isinstance(value, list) for item in value]
        else:
            values = [value.get(step, MISSING) for value in values if isinstance(value, dict)]
    return values


def _written(value: Any) -> str:
    """The same text for equal values of one type; that of a missing one is no JSON."""
    return json.dumps(value, sort_keys=True) if value is not MISSING else ""
