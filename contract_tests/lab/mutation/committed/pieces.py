"""The pieces of what a reply says, one in a dict, many in a stream, and how to put others in their place."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from contract_tests.lab.mutation.genuine.forms import listed, walk
from contract_tests.lab.mutation.genuine.reading import Path, Reply
from fake_server.wire.exchange import Exchange

Piece = tuple[int, Path]
"""(event, path) of one piece of text; the event is 0 in a dict."""

CARRIERS = ("arguments", "content", "text")


def pieces(reply: Reply, carrier: str, choice: int = 0) -> list[tuple[Piece, str]]:
    """Every piece of the text, or of the first call's arguments, of one choice; empty ones left out."""
    found = []
    for index, document in enumerate(reply.documents):
        for place, entry in enumerate(listed(document, "choices")):
            if not isinstance(entry, dict) or entry.get("index") != choice:
                continue
            for path, value in walk(entry):
                if (
                    path
                    and path[-1] == carrier
                    and isinstance(value, str)
                    and value
                    and _first_call(entry, path)
                ):
                    found.append(((index, ("choices", place, *path)), value))
    return found


def _first_call(entry: Any, path: Path) -> bool:
    """Whether a path stands outside tool calls and log probabilities, or in the first call."""
    if "logprobs" in path:
        return False
    if "tool_calls" not in path:
        return True
    at = path.index("tool_calls") + 1
    value = entry
    for step in path[: at + 1]:
        value = value[step]
    return bool(value.get("index", path[at]) == 0)


def with_texts(reply: Reply, places: Sequence[Piece], texts: Sequence[str]) -> Exchange:
    """The exchange with these texts at these places."""
    changed: dict[int, Any] = {}
    for (index, path), text in zip(places, texts, strict=True):
        document = changed.setdefault(index, copy.deepcopy(reply.documents[index]))
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = text
    return reply.with_documents(changed) if reply.blocks else reply.with_document(0, changed[0])


def spread(text: str, olds: Sequence[str]) -> list[str]:
    """One text cut where the old pieces were cut; what is left over goes to the last."""
    cut, rest = [], text
    for old in olds[:-1]:
        cut.append(rest[: len(old)])
        rest = rest[len(old) :]
    return [*cut, rest]
