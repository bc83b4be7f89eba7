"""Every bug, recorded or known: judged as declared, the same bytes on every way, main() comes to an end."""

from __future__ import annotations

from pathlib import Path

import httpx
import httpx2
import pytest

from contract_tests.recordings.judging import judge_files
from contract_tests.tests.sdk_runs import GENERATIONS, driver_for
from contract_tests.tests.shared import ROOT
from fake_server import ReplayServer
from fake_server.bugs.catalogue import bugs
from fake_server.relay.redact import scan
from fake_server.replay import ReplayTransport, mocked
from fake_server.wire.exchange import Ending, Exchange
from fake_server.wire.fixture import find, load
from fake_server.wire.proof import differences

BUGS = find(ROOT / "fixtures" / "bugs")
SECONDS = 60.0
"""The patience of main(): no bug may use it up."""
ENDS = {0, 3, 4, 5, 6, 7, 9}
"""Exit codes of main() that tell of the server: not a fault of main() (1), its use (2), or its time (8)."""


@pytest.fixture(params=BUGS, ids=lambda path: path.stem)
def bug(request: pytest.FixtureRequest) -> Path:
    path = request.param
    assert isinstance(path, Path)
    return path


def test_there_are_recorded_bugs_of_several_servers() -> None:
    recorded = [path for path in BUGS if path.stem not in bugs()]
    sources = {load(path).source.partition(" ")[0] for path in recorded}
    assert len(recorded) >= 5
    assert len(sources) >= 4
    assert [path.stem for path in recorded if len(path.read_text().splitlines()) >= 40] == []


def test_a_bug_is_clean_and_breaks_what_it_declares(bug: Path) -> None:
    fixture = load(bug)
    assert judge_files([bug]).surprises == []
    assert fixture.breaks or bugs()[bug.stem].lawful
    assert fixture.title
    assert scan(fixture.exchange) == []
    assert differences(fixture.exchange) == []


def pieces_of(client: httpx.Client | httpx2.Client, exchange: Exchange, base_url: str) -> tuple[int, list[bytes], str]:
    """Status, pieces, and the error that ended the reply ('' where none did)."""
    request = exchange.request
    headers = {"Content-Type": "application/json"}
    asked = client.build_request(request.method, base_url + request.target, content=request.body, headers=headers)
    pieces: list[bytes] = []
    try:
        reply = client.send(asked, stream=True)  # type: ignore[arg-type]
        pieces.extend(reply.iter_raw())
    except (httpx.TransportError, httpx2.TransportError) as error:
        return 0, pieces, type(error).__name__
    finally:
        client.close()
    return reply.status_code, pieces, ""


def test_every_way_gives_the_same(bug: Path) -> None:
    exchange = load(bug).exchange
    host = "https://api.example.invalid"
    with ReplayServer(bug, match="any", speed=0) as server:
        seen = [
            pieces_of(httpx.Client(trust_env=False, verify=False), exchange, server.url),
            pieces_of(httpx2.Client(trust_env=False, verify=False), exchange, server.url),
        ]
    seen.append(
        pieces_of(httpx2.Client(transport=ReplayTransport(bug, match="any", speed=0), verify=False), exchange, host)
    )
    with mocked(bug, base_url=host, match="any", speed=0):
        seen.append(pieces_of(httpx.Client(trust_env=False, verify=False), exchange, host))
        seen.append(pieces_of(httpx2.Client(trust_env=False, verify=False), exchange, host))
    status, error = (exchange.status, "") if exchange.ending is Ending.CLEAN else (0, "RemoteProtocolError")
    assert {(one[0], b"".join(one[1]), one[2]) for one in seen} == {(status, exchange.payload, error)}
    writes = [write.data for write in exchange.writes]
    assert all(pieces == writes for _, pieces, _ in seen[2:])


@pytest.mark.slow
@pytest.mark.parametrize("generation", GENERATIONS)
def test_main_of_every_sdk_comes_to_an_end(generation: str, bug: Path) -> None:
    main = driver_for(generation)
    with ReplayServer(bug, match="any", speed=0) as server:
        done = main("--base-url", server.base_url, "--timeout", f"{SECONDS:g}")
    assert done.code in ENDS
    assert bool(done.err) is bool(done.code)
