"""When the pieces of a stream leave."""

from __future__ import annotations

import pytest

from fake_server.api.reply import Timing
from fake_server.server.deliveries import pace

EVENTS = [b"a", b"b", b"c", b"d"]


def test_without_timing_nothing_waits() -> None:
    assert [(write.data, write.pause) for write in pace(EVENTS, Timing())] == [(e, 0.0) for e in EVENTS]


def test_the_first_event_and_the_rate_have_their_time() -> None:
    assert [write.pause for write in pace(EVENTS, Timing(first=2, rate=4))] == [2, 0.25, 0.25, 0.25]


def test_jitter_stays_within_its_share_and_repeats_with_the_seed() -> None:
    timing = Timing(rate=10, jitter=0.5)
    pauses = [write.pause for write in pace(EVENTS * 20, timing, seed=1)][1:]
    assert all(0.05 <= pause <= 0.15 for pause in pauses)
    assert len(set(pauses)) > 10
    assert pauses == [write.pause for write in pace(EVENTS * 20, timing, seed=1)][1:]
    assert sum(pauses) / len(pauses) == pytest.approx(0.1, rel=0.2)


def test_a_comment_takes_no_turn() -> None:
    events = [b": keep-alive\n\n", b"data: a\n\n", b": keep-alive\n\n", b"data: b\n\n"]
    assert [write.pause for write in pace(events, Timing(first=2, rate=4))] == [0, 2, 0, 0.25]
