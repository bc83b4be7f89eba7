"""Two hundred shared recordings imported, saved, loaded, replayed and captured: the same findings."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import pytest

from contract_tests.recordings import importing, reading
from contract_tests.rules import judge
from contract_tests.tests.shared import SHARED, needs_recordings
from fake_server.relay.relay import Relay
from fake_server.relay.saving import save_recording
from fake_server.replay.playback import Playback
from fake_server.tests.wire_client import ask, run
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Request

COUNT = 200
Said = list[tuple[str, str, str]]


def said_of(exchange: Exchange) -> Said:
    """Rule, place and what was seen of every finding."""
    return [(one.rule.id, str(one.place), one.actual) for one in judge(exchange).findings]


def sample() -> list[bytes]:
    """Lines of every provider, endpoint, kind of body and class of status: one of each, then the next."""
    groups: dict[tuple[Any, ...], list[bytes]] = defaultdict(list)
    for path in sorted((SHARED / "recordings").glob("*.jsonl")):
        with path.open("rb") as lines:
            for line in lines:
                one = json.loads(line)
                reply = one["response"]
                key = (one["provider"], one["endpoint"], reply["body_kind"], reply["status"] // 100)
                groups[key].append(line)
    rounds = zip_longest(*(groups[key] for key in sorted(groups)))
    return [line for line in chain.from_iterable(rounds) if line is not None][:COUNT]


def as_bytes(request: Request, label: str) -> bytes:
    head = f"{request.method} {request.target} HTTP/1.1\r\nHost: localhost\r\nx-contract-case: {label}\r\n"
    return f"{head}Connection: close\r\nContent-Length: {len(request.body)}\r\n\r\n".encode() + request.body


def captured(shelf: list[Exchange]) -> list[Exchange]:
    """The recordings as a relay sees them when each is asked for in turn."""
    found: list[Exchange] = []

    async def main() -> None:
        async with (
            Playback(shelf, speed=0, match="order") as playback,
            Relay(f"http://127.0.0.1:{playback.port}") as relay,
        ):
            for number, recording in enumerate(shelf):
                await ask(relay.port, as_bytes(recording.request, str(number)))
            await relay.wait_until_idle()
            assert not playback.misses
            assert not playback.unplayed
            found.extend(sorted(relay.exchanges, key=lambda one: int(one.label)))

    run(main())
    return found


@needs_recordings
@pytest.mark.slow
def test_shared_recordings_say_the_same_after_import_and_replay(tmp_path: Path) -> None:
    source = tmp_path / "sample.jsonl"
    source.write_bytes(b"".join(sample()))
    direct = list(reading.read(source))
    providers = Counter(one.provider for one in direct)
    assert (len(direct), len(providers)) == (COUNT, len(list((SHARED / "recordings").glob("*.jsonl"))))
    shelf = []
    for one in importing.read(source):
        kept = save_recording(one.fixture, tmp_path / f"{one.name}.yaml")
        shelf.append(fixture.load(kept.path).exchange)
    expected = [said_of(one.exchange) for one in direct]
    assert sum(map(bool, expected)) > 30
    assert [said_of(one) for one in shelf] == expected
    # On the way the reply gets a framing and times; what the recording did not know stays out of it.
    again = [now.but(unknown=was.unknown) for was, now in zip(shelf, captured(shelf), strict=True)]
    assert [said_of(one) for one in again] == expected
    assert [one.payload for one in again] == [one.payload for one in shelf]
