"""The pace of a recording, for scripts that answer as fast as a server once did."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from pathlib import Path

from fake_server.wire import fixture, sse
from fake_server.wire.exchange import Aspect


def pauses_of(path: Path) -> tuple[float, ...]:
    """Seconds before each event of the recorded stream, the first from the end of the request on.

    An answer that is no stream has one. Raises ValueError (FixtureError is one) for what cannot be read, and
    for a recording that knows no times.
    """
    exchange = fixture.load(path).exchange
    if not exchange.knows(Aspect.TIMING):
        raise ValueError(f"{path}: this recording knows no times")
    if not exchange.payload:
        raise ValueError(f"{path}: this recording has no body, so it has no pace")
    times = [exchange.head_pause + seconds for seconds in accumulate(one.pause for one in exchange.writes)]
    ends = list(accumulate(len(one.data) for one in exchange.writes))
    events = [one for one in sse.decode(exchange.payload) if one.data is not None and one.complete]
    due = [times[bisect_left(ends, one.stop)] for one in events] or [times[-1]]
    return tuple(round(now - before, 6) for before, now in zip([0.0, *due], due, strict=False))
