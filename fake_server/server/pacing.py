"""From rendered events to writes: when each piece of a stream leaves the server."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import cycle

from fake_server.api.reply import Timing
from fake_server.wire.delivery import ImmediateWrites
from fake_server.wire.exchange import Write


def pace(events: Iterable[bytes], timing: Timing, seed: int = 0) -> Iterable[Write]:
    """One write for each event, with its pause in seconds.

    The first waits `timing.first`; those after it follow at `timing.rate` events per second, or in its
    `pauses`, each pause longer or shorter by up to the share `timing.jitter`, drawn from the seed. A
    comment leaves at once and takes no turn.
    """
    if timing.first <= 0 and timing.rate <= 0 and not timing.pauses:
        return ImmediateWrites(events)
    return _paced(events, timing, seed)


def _paced(events: Iterable[bytes], timing: Timing, seed: int) -> Iterator[Write]:
    chance = random.Random(seed)
    steps = cycle(timing.pauses[1:] or (1 / timing.rate if timing.rate > 0 else 0.0,))
    pause = timing.pauses[0] if timing.pauses else max(timing.first, 0.0)
    for event in events:
        if event.startswith(b":"):
            yield Write(event)
            continue
        yield Write(event, pause)
        step = next(steps)
        pause = step * (1 + timing.jitter * chance.uniform(-1, 1)) if step else 0.0
