"""Helpers for texts in messages: shorten a long value, remove what no terminal may get, suggest what was meant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

_SIMILARITY = 0.6
_NOT_ASCII = re.compile(r"[^ -~]")


def shorten(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; a cut one ends with `…`."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def shorten_start(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; one that was cut begins with `…`."""
    return text if len(text) <= limit else f"…{text[1 - limit :]}"


def shorten_words(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; a cut one ends with the last whole word and ` …`."""
    if len(text) <= limit:
        return text
    words = text[: limit - 1].rpartition(" ")[0].rstrip(" ,;:")
    return f"{words} …" if len(words) * 2 > limit else shorten(text, limit)


def shorten_middle(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; ` … ` replaces the middle of a longer one."""
    half = (limit - 3) // 2
    return text if len(text) <= limit else f"{text[:half]} … {text[-half:]}"


def printable(text: str, keep: str = "\n") -> str:
    """The text with `�` for control, invisible and bidirectional characters, all but `keep`."""
    return text if text.isprintable() else "".join(char if char.isprintable() or char in keep else "�" for char in text)


def one_line(data: bytes) -> str:
    """Bytes as one line of printable text, line endings as ⏎."""
    return printable(re.sub("\r\n|\n|\r", "⏎", data.decode("utf-8", "replace")), "")


def dump_json(value: Any) -> str:
    """A value as JSON text that a terminal can show: what is not printable is escaped, half a surrogate pair is `?`."""
    text = json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "replace").decode()
    lines = (line if line.isprintable() else _NOT_ASCII.sub(_escape, line) for line in text.split("\n"))
    return "\n".join(lines) + "\n"


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    units = char.encode("utf-16-be").hex()
    return char if char.isprintable() else "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def format_count(number: int, noun: str, plural: str = "") -> str:
    """'1 choice', '2 choices'; `plural` is the noun's where it does not end in `s` alone."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def closest(name: str, known: Iterable[str], most: int = 1) -> list[str]:
    """Up to `most` known names similar to `name`, the most similar first; letter case does not matter."""
    by_lower = {known_name.lower(): known_name for known_name in known}
    return [by_lower[lower] for lower in get_close_matches(name.lower(), by_lower, most, _SIMILARITY)]


def did_you_mean(name: str, known: Iterable[str], otherwise: str, most: int = 1) -> str:
    """The hint in a message about an unknown name: similar known names, or else `otherwise`."""
    near = closest(name, known, most)
    return f"did you mean {' or '.join(map(repr, near))}?" if near else otherwise
