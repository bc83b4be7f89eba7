"""Time lines: when each write of a reply came, as a drawing and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

from contract_tests.report.findings import count

WIDTH, HEIGHT = 1000, 40
"""Units of the drawing; it is stretched to the width that there is."""
LONG, MOST_OF = 250.0, 0.4
"""A pause of so many milliseconds that is so much of the whole time is a stall."""
_BEHIND, _AT_ONCE = 0.9, 0.1
"""A burst: so much of the body in the last so much of the time."""


@dataclass(frozen=True)
class Stream:
    """A reply on its time line. `alarm` is how conspicuous its `shape` is, 0 for not at all.

    `path` draws a tick for each write at its time, as high as the root of its bytes; `head` is where the head came,
    `pause` where the longest pause is: begin and width.
    """

    exchange: Mapping[str, Any]
    number: int
    shape: str
    alarm: float
    words: str
    path: str
    head: int
    pause: tuple[int, int] | None


def streams_of(exchanges: Iterable[Mapping[str, Any]]) -> list[Stream]:
    """The time lines of those that came in several writes, or should have; of others the times are words enough."""
    timed = (shown for shown in exchanges if shown["writes"] and shown["writes"][-1][0] > 0)
    drawn = (shown for shown in timed if len(shown["writes"]) > 1 or is_stream(shown))
    return [_draw(exchange, number) for number, exchange in enumerate(drawn)]


def is_stream(exchange: Mapping[str, Any]) -> bool:
    return bool(exchange["type"] == "text/event-stream")


def _draw(exchange: Mapping[str, Any], number: int) -> Stream:
    writes = exchange["writes"]
    end = max(float(writes[-1][0]), exchange["head"] or 0.0, 0.001)
    largest = max(size for _, size in writes) or 1

    def across(time: float) -> int:
        return 3 + round(min(max(time, 0.0), end) / end * (WIDTH - 6))

    ticks = (f"M{across(time)} {HEIGHT}v-{max(3, round(sqrt(size / largest) * (HEIGHT - 2)))}" for time, size in writes)
    pause, begin = max(((later[0] - time[0], time[0]) for time, later in pairwise(writes)), default=(0.0, 0.0))
    shape, alarm = _shape(exchange, pause)
    marked = (across(begin), across(begin + pause) - across(begin)) if shape == "stalls" else None
    words = _words(exchange, pause, begin)
    return Stream(exchange, number, shape, alarm, words, "".join(ticks), across(exchange["head"] or 0), marked)


def _shape(exchange: Mapping[str, Any], pause: float) -> tuple[str, float]:
    """In a word how the writes came, and how much that is worth a look."""
    writes = exchange["writes"]
    first, last = writes[0][0], writes[-1][0]
    if exchange["number"] == 1:
        return "in one write", 1e6 + last if is_stream(exchange) else 0
    if last < LONG:
        return "quick", 0
    late = sum(size for time, size in writes if time >= last - _AT_ONCE * last)
    if late >= _BEHIND * sum(size for _, size in writes):
        return "burst at the end", 1e5 + last
    if pause >= LONG and pause >= MOST_OF * (last - first):
        return "stalls", pause
    return "steady", 0


def _words(exchange: Mapping[str, Any], pause: float, begin: float) -> str:
    writes, number = exchange["writes"], exchange["number"] or len(exchange["writes"])
    folded = f", drawn as {len(writes)}" if number > len(writes) else ""
    parts = [
        f"{count(number, 'write')}{folded}, {count(exchange['bytes'] or 0, 'byte')}",
        f"head after {_time(exchange['head'] or 0)}",
        f"first bytes after {_time(writes[0][0])}",
    ]
    if len(writes) > 1:
        parts += [f"last after {_time(writes[-1][0])}", f"longest pause {_time(pause)}, at {_time(begin)}"]
    return "; ".join(parts)


def _time(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"
