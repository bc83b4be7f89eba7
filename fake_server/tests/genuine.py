"""The objects of genuine answers of api.openai.com, for tests that lay the fake's beside them."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

SHARED = Path(os.environ.get("OPENAI_CONTRACT_SHARED", Path(__file__).parents[3] / "shared"))
RECORDINGS = SHARED / "recordings" / "openai.jsonl"

Shape = tuple[tuple[str, str], ...]
"""The members of an object in order, each with the kind of its value."""


def shapes(value: Any, place: str = "") -> Iterator[tuple[str, Shape]]:
    """Every object of a document with its place; a list's members share one place."""
    if isinstance(value, dict):
        yield place, tuple((name, type(member).__name__) for name, member in value.items())
        for name, member in value.items():
            yield from shapes(member, f"{place}.{name}")
    elif isinstance(value, list):
        for member in value:
            yield from shapes(member, f"{place}[]")


def documents(body: Any) -> list[Any]:
    """The objects of a body: its own, or those of its events where it is a stream's text."""
    if not isinstance(body, str):
        return [body]
    return [json.loads(event[6:]) for event in body.split("\n\n") if event.startswith("data: {")]


@cache
def genuine(endpoint: str) -> dict[str, set[tuple[str, Shape]]]:
    """The shapes of every successful answer of an endpoint, by kind of body: json or sse."""
    seen: dict[str, set[tuple[str, Shape]]] = defaultdict(set)
    with RECORDINGS.open(encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            if one["endpoint"] == endpoint and one["response"]["status"] == 200:
                for document in documents(one["response"]["body"]):
                    seen[one["response"]["body_kind"]].update(shapes(document))
    return seen


def refused_plainly(error: Any, message: str) -> None:
    """Assert that an SDK's error holds this message and, as the recorded ones do, no param and no code."""
    assert message in error.message
    assert (error.param, error.code, error.type) == (None, None, "invalid_request_error")
