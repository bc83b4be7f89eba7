"""Timing: when the head, the first write and the end arrived, and the pause between writes."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from contract_tests.diffing.difference import Difference, Kind, Side
from fake_server.wire.exchange import Aspect, Exchange

NOTABLE = 2.0
"""The ratio from which a difference between two times is reported."""
_LEAST = {"pause between writes": 0.01}
_LEAST_OF_OTHERS = 0.05
"""Seconds below which a difference between two times is chance."""


def knows_times(side: Side) -> bool:
    """Whether the reply has any times; one written by hand may have none."""
    exchange = side.view.exchange
    timed = exchange.head_pause > 0 or any(write.pause > 0 for write in exchange.writes)
    return exchange.knows(Aspect.TIMING) and timed


def times(exchange: Exchange) -> dict[str, float]:
    """The times of the exchange in seconds, by name."""
    pauses = [write.pause for write in exchange.writes]
    durations = {"time to the head": exchange.head_pause}
    if pauses:
        durations["time to the first write"] = exchange.head_pause + pauses[0]
        durations["time in all"] = exchange.head_pause + sum(pauses)
    if len(pauses) > 2:
        durations["pause between writes"] = median(pauses[1:])
    return durations


def differences(a: Side, b: Side) -> Iterator[Difference]:
    """The times that differ notably, if both sides have times."""
    if not (knows_times(a) and knows_times(b)):
        return
    of_a, of_b = times(a.view.exchange), times(b.view.exchange)
    for name, seconds_a in of_a.items():
        seconds_b = of_b.get(name)
        if seconds_b is None or abs(seconds_a - seconds_b) < _LEAST.get(name, _LEAST_OF_OTHERS):
            continue
        low, high = sorted((seconds_a, seconds_b))
        if low <= 0 or high / low >= NOTABLE:
            ratio = f" (×{high / low:.3g})" if low > 0 else ""
            text_a, text_b = (
                f"{value * 1000:,.0f} ms{ratio if value == high else ''}" for value in (seconds_a, seconds_b)
            )
            yield Difference(Kind.TIMING, name, text_a, text_b)
