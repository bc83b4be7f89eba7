"""Helpers for texts in messages: shorten a long value, and suggest what may have been meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_SIMILARITY = 0.6


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
