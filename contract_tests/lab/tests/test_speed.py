"""The comparison of speeds: the output of wrk, the ratios, the aims, and servers that start and end."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import httpx2
import pytest
from rich.console import Console

from contract_tests.lab.speed import load
from contract_tests.lab.speed.paced import Pace
from contract_tests.lab.speed.servers import servers
from contract_tests.lab.speed.table import Life, Results, aims, aims_table, rates_table, ratios, spread
from contract_tests.lab.tools.processes import ProcessFailed, free_port

OUTPUT = """Running 2s test @ http://127.0.0.1:1/v1/chat/completions
  7042 requests in 2.00s, 5.00MB read
Requests/sec:   3521.07
Transfer/sec:      2.50MB
"""
RESULTS = Results(
    rates={
        "bare uvicorn": [100.0, 200.0, 100.0],
        "bare uvicorn, httptools": [200.0, 400.0, 100.0],
        "fake": [60.0, 100.0, 40.0],
        "aimock": [50.0, 80.0, 20.0],
        "fake, 1,000 scripts": [30.0, 99.0, 10.0],
    },
    cpu={"fake": [200.0, 190.0, 210.0]},
    lives={"fake": Life(0.5, 50.0), "aimock": Life(0.3, 70.0)},
    python=0.02,
    imports=0.4,
    pace=Pace(5000, 1.0, 9.0, 20.0),
)


def test_the_rate_is_read_from_what_wrk_prints() -> None:
    assert load.rate_of(OUTPUT) == 3521.07
    with pytest.raises(load.LoadError, match="Non-2xx or 3xx responses: 12"):
        load.rate_of(OUTPUT + "  Non-2xx or 3xx responses: 12\n")
    with pytest.raises(load.LoadError, match="no rate"):
        load.rate_of("unable to connect")


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios(RESULTS.rates, "fake", "bare uvicorn") == [0.6, 0.5, 0.4]
    assert spread([0.6, 0.5, 0.4]) == "0.50 (0.40–0.60)"
    assert ratios(RESULTS.rates, "fake", "nobody") == []
    assert spread([]) == "–"


def test_the_aims_say_what_is_reached() -> None:
    reached = {aim.text: aim.reached for aim in aims(RESULTS)}
    assert reached == {
        "dict: at least 0.5 of bare uvicorn": True,
        "dict: at least 0.5 of bare uvicorn on httptools": False,
        "dict: at least 1.3 of aimock": False,
        "stream: at least 1.5 of aimock": None,
        "1,000 scripts: at least 0.9 of one": False,
        "ready no later than aimock and Python's own start": False,
        "memory at most aimock's": True,
        "5,000 open paced streams": True,
    }


def test_the_tables_can_be_read() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(rates_table(RESULTS), aims_table(RESULTS))
    text = console.export_text()
    assert "fake, 1,000 scripts" in text
    assert "1.25 (1.20–2.00)" in text
    assert "MISSED" in text
    assert "not measured" in text


needs_taskset = pytest.mark.skipif(shutil.which("taskset") is None, reason="taskset is not installed")


@needs_taskset
@pytest.mark.slow
def test_every_server_of_ours_starts_answers_and_ends(tmp_path: Path) -> None:
    body, events = tmp_path / "body", tmp_path / "events"
    body.write_bytes(b'{"id": "x"}')
    events.write_bytes(b"data: 1\n\ndata: [DONE]\n\n")
    request = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
    for server in servers(tmp_path, body, events):
        port = free_port()
        with load.serving(server.command(port), port, 0, tmp_path / "log") as up:
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            answer = httpx2.post(url, json={**request, **({"stream": True} if server.streams else {})})
            assert answer.status_code == 200, server.name
            assert ("[DONE]" in answer.text) is server.streams
            memory = up.memory
            assert up.peak_memory >= memory > 10 * 2**20
            assert up.cpu_seconds > 0
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"http://127.0.0.1:{port}/")


@needs_taskset
def test_a_server_that_does_not_start_fails_with_its_last_line(tmp_path: Path) -> None:
    with (
        pytest.raises(ProcessFailed, match="did not start: no such luck"),
        load.serving([sys.executable, "-c", "exit('no such luck')"], free_port(), 0, tmp_path / "log"),
    ):
        pass
