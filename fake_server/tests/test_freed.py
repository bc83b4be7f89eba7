"""Free memory goes back to the system: patterns and bodies that are gone are not held for the next ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fake_server import FakeServer
from fake_server.server import request_context
from fake_server.tests.edge_client import ask
from fake_server.tests.test_stalling_clients import CHAT, port_of
from fake_server.wire import freed, patterns

pytestmark = pytest.mark.security("memory")
MIB = 1024 * 1024


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it so")
@pytest.mark.parametrize("size", [600, 5000, 60_000])
def test_what_was_freed_below_what_is_held_goes_back(size: int) -> None:
    before = resident()
    pieces = [bytes([1]) * size for _ in range(64 * MIB // size)]
    full, held = resident(), pieces[::500]  # which keep the system from getting all at once
    pieces.clear()
    freed.give_back(at_once=True)
    assert full - before > 30 * MIB or before > 500 * MIB
    assert resident() - before < 20 * MIB
    assert held


def test_it_goes_back_once_a_second_or_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(freed, "_find_trim", lambda: calls.append)
    monkeypatch.setattr(freed, "_last", 0.0)
    monkeypatch.setattr(freed, "_EVERY", 1000.0)
    monkeypatch.setattr("time.monotonic", lambda: 5000.0)
    for at_once in (False, False, True, False):
        freed.give_back(at_once=at_once)
    assert len(calls) == 2


@pytest.mark.parametrize("ours", [True, False], ids=["of a script", "of a request"])
def test_it_goes_back_after_large_patterns(ours: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patterns of 9 MB each, of which few were kept, took 90 MiB."""
    calls: list[bool] = []
    monkeypatch.setattr(patterns, "give_back", lambda *, at_once: calls.append(at_once))
    monkeypatch.setattr(patterns, "_MOST_KEPT", 3000)
    for number in range(3):
        patterns.search(rf"\w{{40}}{number}{ours}", "x", ours=ours)
    assert calls


@pytest.mark.parametrize("more", [0, 100_000], ids=["small", "large"])
def test_it_goes_back_after_what_the_thread_does(fake: FakeServer, monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    calls: list[int] = []
    monkeypatch.setattr(request_context, "give_back", lambda: calls.append(1))
    assert ask(port_of(fake), body={**CHAT, "user": "x" * more}).status == 200
    assert bool(calls) == bool(more)
