"""`fake-server --replay DIR --record-from URL`: what is known is replayed, the rest is asked for and recorded."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fake_server import FakeServer
from fake_server.cli import main
from fake_server.tests.edge_client import ask
from fake_server.tests.test_cli import port_in, started
from fake_server.wire.exchange import Exchange, Request, Write
from fake_server.wire.fixture import Fixture, find, load, save

KEY = "sk-" + "Zq7" * 14
NOBODY = "http://127.0.0.1:9/v1"


def chat(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}


def with_key(port: int, body: dict[str, Any]) -> Any:
    return ask(port, body=body, headers={"Authorization": f"Bearer {KEY}"})


def test_the_second_start_replays_all_that_the_first_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "recordings"
    with FakeServer(seed=1, api_key=KEY) as fake:
        with started("--replay", str(folder), "--record-from", fake.base_url) as (process, line):
            assert line.rstrip().endswith(f"0 recordings, the rest from {fake.base_url}")
            port = port_in(line)
            first = [with_key(port, chat("one")), with_key(port, chat("two", stream=True)), with_key(port, chat("one"))]
            assert [reply.status for reply in first] == [200, 200, 200]
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=60)
        assert len(fake.requests) == 3
    assert process.returncode == 0
    assert log.count("fake-server: POST /v1/chat/completions: status 200, recorded in ") == 3
    assert len(find(folder)) == 3
    assert all(KEY.encode() not in path.read_bytes() for path in folder.iterdir())

    with started("--replay", str(folder), "--record-from", NOBODY) as (process, line):
        assert "3 recordings, the rest from" in line
        port = port_in(line)
        again = [with_key(port, chat("one")), with_key(port, chat("two", stream=True)), with_key(port, chat("one"))]
    assert [reply.body for reply in again] == [reply.body for reply in first]


def test_only_the_rest_is_asked_for_and_recordings_stay_as_they_are(tmp_path: Path) -> None:
    known = Exchange(
        Request("POST", "/v1/chat/completions", (), json.dumps(chat("known")).encode()),
        200,
        (("Content-Length", "7"),),
        (Write(b'{"a":1}'),),
    )
    save(Fixture(known), tmp_path / "post-chat-completions.yaml")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with FakeServer(seed=1) as fake:
        options = ("--replay", str(tmp_path), "--record-from", fake.base_url, "--ignore", "seed")
        with started(*options) as (process, line):
            assert ask(port_in(line), body=chat("known", seed=5)).json == {"a": 1}
            assert ask(port_in(line), body=chat("new")).status == 200
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        assert [request.json["messages"][0]["content"] for request in fake.requests] == ["new"]
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert len(find(tmp_path)) == 2


def test_an_upstream_that_is_down_is_an_error_of_openais_form_and_no_recording(tmp_path: Path) -> None:
    with started("--replay", str(tmp_path), "--record-from", NOBODY) as (process, line):
        reply = with_key(port_in(line), chat("one"))
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
    assert reply.status == 502
    error = reply.json["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == "target_unreachable"
    assert "127.0.0.1 port 9 refused the connection" in error["message"]
    assert not list(tmp_path.iterdir())
    assert "POST /v1/chat/completions: not recorded: 127.0.0.1 port 9 refused the connection" in log


def test_a_refusal_of_the_upstream_is_a_reply_and_is_recorded(tmp_path: Path) -> None:
    options = ("--replay", str(tmp_path), "--record-from")
    with FakeServer(seed=1, api_key="sk-other") as fake, started(*options, fake.base_url) as (process, line):
        assert with_key(port_in(line), chat("one")).status == 401
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    [path] = find(tmp_path)
    assert load(path).exchange.status == 401


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--record-from", NOBODY], "--record-from is for --replay only"),
        (["--replay", "a", "--replay", "b", "--record-from", NOBODY], "records into one folder"),
        (["--replay", "a", "--record-from", "api.openai.com"], "did you mean http://api.openai.com?"),
        (["--replay", "a", "--record-from", NOBODY, "--match", "any"], "--match any answers whatever is asked"),
        (["--replay", "a", "--record-from", NOBODY, "--miss-status", "500"], "leave out --miss-status"),
        (["--replay", "a", "--record-from", NOBODY, "--host", "0.0.0.0"], "127.0.0.1 only"),
        (["--replay", "a", "--record-from", NOBODY, "--seed", "1"], "leave out --seed"),
    ],
)
def test_wrong_use_is_one_line(options: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, options)
    assert done.exit_code == 2
    assert words in done.output
    assert done.output.rstrip().count("\n") == 0
