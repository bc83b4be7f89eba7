"""One request as the page shows it: facts in words, its writes as a drawing, and what a stream says."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

WIDTH, BASE, MARGIN = 600, 60, 4
"""The drawing's width, where its ticks stand, and what is left free at its ends."""

Writes = Sequence[tuple[float, int]]
"""When bytes left, in seconds since the request came, and how many."""


def draw_writes(writes: Writes, first: float | None, seconds: float | None) -> dict[str, Any] | None:
    """A time line: `{ticks, head, axis, words}`, paths of SVG with one tick for each write; None without any.

    A tick is as high as its bytes on a scale of logarithms; `head` is where the reply's head left.
    """
    if not writes:
        return None
    end = max(seconds or 0.0, writes[-1][0], 1e-6)
    most = math.log(max(size for _, size in writes) + 2)

    def place(at: float) -> float:
        return round(MARGIN + (WIDTH - 2 * MARGIN) * at / end, 1)

    ticks = "".join(
        f"M{place(at)} {BASE}V{round(BASE * (0.9 - 0.8 * math.log(size + 1) / most), 1)}" for at, size in writes
    )
    pauses = [after[0] - before[0] for before, after in pairwise(writes)]
    words = f"{len(writes)} write{'' if len(writes) == 1 else 's'}, the first after {_time(writes[0][0])}"
    if pauses:
        words += f", the last after {_time(writes[-1][0])}, the longest pause {_time(max(pauses))}"
    head = "" if first is None else f"M{place(first)} {BASE}V2"
    return {"ticks": ticks, "head": head, "axis": f"M{MARGIN} {BASE}H{WIDTH - MARGIN}", "words": words}


def usage_of(reply: bytes) -> str:
    """The tokens that a reply counts, as `prompt 9, completion 12, total 21`; empty where it counts none."""
    usage: Any = None
    for value in values_of(reply):
        inner = value.get("response")
        usage = value.get("usage") or (inner.get("usage") if isinstance(inner, Mapping) else None) or usage
    if not isinstance(usage, Mapping):
        return ""
    return ", ".join(
        f"{name.removesuffix('_tokens')} {count:,}"
        for name, count in usage.items()
        if isinstance(count, int | float) and len(name) < 50
    )


def values_of(reply: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects of a reply: its body, or the data of its events."""
    lines = [reply] if reply[:1] == b"{" else [line[5:] for line in reply.splitlines() if line.startswith(b"data:")]
    for line in lines:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _time(seconds: float) -> str:
    if seconds < 0.1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def format_seconds(seconds: float | None) -> str:
    """A time in a few characters; empty while it is not over."""
    return "" if seconds is None else _time(seconds)
