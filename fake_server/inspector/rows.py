"""One request as a row of the inspector's list, from the bytes of its body."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

LARGE = 64 * 1024
"""Bytes of a body that is read whole; of a larger one only its beginning and end."""
SHOWN = 160
"""Characters of a text in a row."""
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]{1,100})"')
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_SPACE = re.compile(r"\s+")


class Summary(NamedTuple):
    """What a body asks for: the model, whether a stream, and the last words."""

    model: str
    stream: bool
    words: str


def summarize(body: bytes) -> Summary:
    """A request's body in a few words, read in little time whatever it holds."""
    if len(body) > LARGE:
        ends = body[:4096] + b"\n" + body[-4096:]
        model = _MODEL.search(ends)
        name = model[1].decode("utf-8", "replace") if model else ""
        return Summary(name, _STREAM.search(ends) is not None, f"{len(body):,} bytes")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return Summary("", False, shorten(body.decode("utf-8", "replace")))
    if not isinstance(value, Mapping):
        return Summary("", False, shorten(body.decode("utf-8", "replace")))
    model = value.get("model")
    words = next((_last_words(value[name]) for name in ("messages", "input", "prompt") if value.get(name)), "")
    return Summary(shorten(model if isinstance(model, str) else ""), value.get("stream") is True, shorten(words))


def shorten(text: str) -> str:
    """A text on one line, at most SHOWN characters of it."""
    line = _SPACE.sub(" ", text[: 4 * SHOWN]).strip()
    return line if len(line) <= SHOWN and len(text) <= 4 * SHOWN else f"{line[: SHOWN - 1]}…"


def _last_words(value: Any) -> str:
    """The last text of messages, of an input, or of prompts."""
    for _ in range(4):  # a list of messages, a message, its parts, a part
        if isinstance(value, list) and value:
            value = value[-1]
        elif isinstance(value, Mapping):
            value = next((value[name] for name in ("content", "text", "output", "type") if value.get(name)), "")
    if isinstance(value, list) and value:
        value = value[-1]
    if isinstance(value, Mapping):
        value = value.get("text", "")
    return value if isinstance(value, str) else ""
