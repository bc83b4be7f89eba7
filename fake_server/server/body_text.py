"""What is looked for in the text of a body before and after it is parsed: how many values it has, and bad ones."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

SUSPICIOUS = re.compile(rb"\\[uU][dD]|[eE]\+?\d{3}|(?<!\d)\d{300}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
LARGE = 64 * 1024
"""Bytes of a body from which on it is parsed in the thread, and that one search goes through."""
VALUES, VALUE = 1_000_000, 48
"""Values that a body may have, and bytes that each takes, however few it is written with."""


def count_values(text: bytes) -> int:
    """How many values JSON text has at most."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def count_values_outside_strings(text: bytes) -> int:
    """How many values JSON text has; it stops counting once they are more than VALUES."""
    values = end = 0
    for string in _STRING.finditer(text):
        values += count_values(text[end : string.start()])
        end = string.end()
        if values > VALUES:
            return values
    return values + count_values(text[end:])


def is_suspicious(body: bytes) -> bool:
    """Whether a large body may hold what unusable_values finds; in parts, so that other threads have a turn."""
    starts = range(0, len(body), LARGE)
    return any(SUSPICIOUS.search(body, start, start + LARGE + 300) for start in starts)


def unusable_values(value: Any) -> Iterator[str]:
    """What JSON can spell but UTF-8 or IEEE 754 cannot hold."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, float) and not math.isfinite(item):
            yield "a number is too large"
        elif isinstance(item, str) and _SURROGATE.search(item):
            yield "a string holds half of a surrogate pair"
