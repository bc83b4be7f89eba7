"""The pieces of what a reply says, one in a dict, many in a stream, and how to put others in their place."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from contract_tests.lab.mutation.json_paths import Path, array_at, walk
from contract_tests.lab.mutation.reply import Reply
from fake_server.wire.exchange import Exchange

Place = tuple[int, Path]
"""(event, path) of one piece of text; the event is 0 in a dict."""

CARRIERS = ("arguments", "content", "text")


def pieces(reply: Reply, carrier: str, choice: int = 0) -> list[tuple[Place, str]]:
    """Every piece of the text, or of the first call's arguments, of one choice; empty pieces are left out."""
    return [
        ((index, ("choices", position, *path)), value)
        for index, document in enumerate(reply.documents)
        for position, entry in enumerate(array_at(document, "choices"))
        if isinstance(entry, dict) and entry.get("index") == choice
        for path, value in walk(entry)
        if path and path[-1] == carrier and isinstance(value, str) and value and _is_said(entry, path)
    ]


def _is_said(entry: Any, path: Path) -> bool:
    """Whether a path stands outside tool calls and log probabilities, or in the first call."""
    if "logprobs" in path or "tool_calls" not in path:
        return "logprobs" not in path
    end = path.index("tool_calls") + 2
    call = _at(entry, path[:end])
    return bool(call.get("index", path[end - 1]) == 0)


def with_texts(reply: Reply, places: Iterable[Place], texts: Iterable[str]) -> Exchange:
    """The exchange with these texts at these places."""
    changed: dict[int, Any] = {}
    for (index, path), text in zip(places, texts, strict=True):
        document = changed.setdefault(index, copy.deepcopy(reply.documents[index]))
        _at(document, path[:-1])[path[-1]] = text
    return reply.with_documents(changed)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def spread(text: str, pieces: Sequence[str]) -> Iterator[str]:
    """One text cut where the old pieces were cut; what is left over goes to the last."""
    for piece in pieces[:-1]:
        yield text[: len(piece)]
        text = text[len(piece) :]
    yield text
