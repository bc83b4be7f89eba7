"""Timing: when the head, the first event and the end came, and the pause between writes."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from contract_tests.diffing.difference import Difference, Kind, Side
from fake_server.wire.exchange import Aspect, Exchange

NOTABLE = 2.0
"""From this ratio on a difference of time is told."""
_LEAST = {"pause between writes": 0.01}
_LEAST_OF_OTHERS = 0.05
"""Seconds below which two times differ by nothing but chance."""


def knows_times(exchange: Exchange) -> bool:
    """Whether the exchange has any time; one written by hand may have none."""
    timed = exchange.head_pause > 0 or any(write.pause > 0 for write in exchange.writes)
    return exchange.knows(Aspect.TIMING) and timed


def times(exchange: Exchange) -> dict[str, float]:
    """Seconds by what they are."""
    pauses = [write.pause for write in exchange.writes]
    found = {"time to the head": exchange.head_pause}
    if pauses:
        found["time to the first write"] = exchange.head_pause + pauses[0]
        found["time in all"] = exchange.head_pause + sum(pauses)
    if len(pauses) > 2:
        found["pause between writes"] = median(pauses[1:])
    return found


def differences(a: Side, b: Side) -> Iterator[Difference]:
    """Times that differ notably, where both sides know theirs."""
    of_a, of_b = times(a.view.exchange), times(b.view.exchange)
    for name, one in of_a.items():
        other = of_b.get(name)
        if other is None or abs(one - other) < _LEAST.get(name, _LEAST_OF_OTHERS):
            continue
        low, high = sorted((one, other))
        if low <= 0 or high / low >= NOTABLE:
            yield Difference(Kind.TIMING, name, *_format_times(one, other))


def _format_times(one: float, other: float) -> tuple[str, str]:
    """Both times, the longer one with how many times the other it is."""
    low, high = sorted((one, other))
    ratio = f" (×{high / low:.3g})" if low > 0 else ""
    told = [f"{value * 1000:,.0f} ms{ratio if value == high else ''}" for value in (one, other)]
    return told[0], told[1]
