"""The fake-server command: its start line, its exit codes, and quiet ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner

from fake_server.cli import main
from fake_server.tests.edge_client import ASK, ask
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Request, Write

NAMES = ["fake", "host.docker.internal", "a.lan", "box.lan", "evil.example"]


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and its start line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fake_server", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def port_in(line: str) -> int:
    found = re.search(r"http://127\.0\.0\.1:(\d+)/v1", line)
    assert found, line
    return int(found[1])


@pytest.mark.security("pages of other origins")
@pytest.mark.parametrize(
    ("options", "address", "warns", "answered"),
    [
        ([], "127.0.0.1", False, ["localhost"]),
        (["--host", "::1"], "::1", False, ["localhost"]),
        (["--host", "0.0.0.0"], "0.0.0.0", True, ["localhost", "fake", "host.docker.internal"]),
        (["--host", "::", "--api-key", "k"], "::", False, ["localhost", "fake", "host.docker.internal"]),
        (["--host", "10.1.2.3", "--allow-host", "a.lan"], "10.1.2.3", True, ["fake", "host.docker.internal", "a.lan"]),
        (["--host", "box.lan"], "10.1.2.3", True, ["fake", "host.docker.internal", "box.lan"]),
        (["--host", "box.lan", "--allow-host", "fake"], "127.0.1.1", False, ["fake", "box.lan"]),
        (["--host", ""], "0.0.0.0", True, ["fake", "host.docker.internal"]),
        (
            ["--allow-host", "*"],
            "127.0.0.1",
            False,
            ["fake", "host.docker.internal", "a.lan", "box.lan", "evil.example"],
        ),
    ],
)
def test_names_and_the_warning_follow_from_where_it_listens(
    options: list[str], address: str, warns: bool, answered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = mock.MagicMock()
    listener.getsockname.return_value = (address, 1337)
    monkeypatch.setattr("fake_server.server.uvicorn_server.listen", lambda *_: listener)
    served = mock.Mock()
    monkeypatch.setattr("fake_server.server.uvicorn_server.uvicorn_server", served)
    done = CliRunner().invoke(main, options)
    assert (done.exit_code, done.stderr.count("\n")) == (0, int(warns)), done.output
    assert ("other machines can use and control this server: --api-key KEY" in done.stderr) == warns
    [settings] = served.call_args.args
    let_in = [name for name in NAMES if settings.hosts.refuse(f"{name}:1337") is None]
    assert let_in == [name for name in answered if name in NAMES]


@pytest.mark.parametrize("name", ["http://fake", "fake:1337", "", "a b"])
def test_what_is_no_name_of_a_host_is_one_line(name: str) -> None:
    done = CliRunner().invoke(main, ["--allow-host", name])
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert "fake-server: --allow-host: " in done.output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_and_leaves_quietly(how: signal.Signals) -> None:
    with started("--seed", "5") as (process, line):
        assert "seed 5" in line
        assert re.search(r"\d+ scripts?$", line.strip())
        assert ask(port_in(line), body=ASK).status == 200
        process.send_signal(how)
        out, err = process.communicate(timeout=60)
    assert (out, err) == ("", "")
    assert process.returncode in (0, -how)


def test_options_reach_the_server(tmp_path: Path) -> None:
    script = tmp_path / "one.yaml"
    script.write_text("- {name: one, reply: {text: from the script}}\n")
    options = ["--plain", "--strict", "--api-key", "sk-a", "--model", "m1", "--model", "m2"]
    with started("--scripts", str(script), *options) as (_, line):
        assert "plain" in line
        assert "1 script\n" in line
        port, key = port_in(line), {"Authorization": "Bearer sk-a"}
        assert ask(port, "GET", "/v1/models").status == 401
        assert [one["id"] for one in ask(port, "GET", "/models", headers=key).json["data"]] == ["m1", "m2"]
        said = ask(port, body={**ASK, "model": "m2"}, headers=key).json["choices"][0]["message"]["content"]
        assert said == "from the script"


@pytest.mark.parametrize(("options", "status"), [(["--no-websocket"], 426), ([], 101)])
def test_web_sockets_can_be_switched_off(options: list[str], status: int) -> None:
    fields = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    with started(*options) as (_, line), closing(HTTPConnection("127.0.0.1", port_in(line), timeout=30)) as client:
        client.request("GET", "/v1/responses", headers={**fields, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="})
        answered = client.getresponse()
        assert answered.status == status
        assert ask(port_in(line), path="/v1/responses", body={"model": "gpt-4o", "input": "x"}).status == 200
        if status == 426:
            assert "it is switched off" in json.loads(answered.read())["error"]["message"]


def test_replay_serves_recordings(tmp_path: Path) -> None:
    recorded = Exchange(
        Request("GET", "/v1/models"), 200, (("Content-Type", "application/json"),), (Write(b'{"played":1}'),)
    )
    fixture.save(fixture.Fixture(recorded), tmp_path / "models.yaml")
    with started("--replay", str(tmp_path)) as (process, line):
        assert "1 recording\n" in line
        assert ask(port_in(line), "GET", "/v1/models").json == {"played": 1}
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "")


def test_replay_ignores_what_does_not_count(tmp_path: Path) -> None:
    recorded = Exchange(Request("POST", "/v1/chat/completions", (), b'{"n":1,"at":"2026-11-28"}'), 200)
    fixture.save(fixture.Fixture(recorded), tmp_path / "one.yaml")
    with started("--replay", str(tmp_path), "--ignore", "n", "--ignore", "iso-time") as (_, line):
        assert ask(port_in(line), body={"n": 2, "at": "2026-11-29"}).status == 200
        missed = ask(port_in(line), body={"at": "noon"})
    assert (missed.status, "--ignore at (in Python" in missed.json["error"]["message"]) == (404, True)


def test_replay_matches_paces_and_tells_its_misses(tmp_path: Path) -> None:
    headers = (("Content-Type", "application/json"),)
    for number in range(2):
        recorded = Exchange(
            Request("POST", "/v1/chat/completions", (), b'{"n":%d}' % number),
            200,
            headers,
            (Write(b'{"played":%d}' % number, 60.0),),
        )
        fixture.save(fixture.Fixture(recorded), tmp_path / f"r{number}.yaml")
    with started("--replay", str(tmp_path), "--speed", "0", "--match", "order") as (_, line):
        assert [ask(port_in(line), body={"any": 1}).json["played"] for _ in range(3)] == [0, 1, 0]
    files = ["--replay", str(tmp_path / "r1.yaml"), "--replay", str(tmp_path / "r0.yaml")]
    with started(*files, "--miss-status", "503", "--speed", "1000") as (process, line):
        missed = ask(port_in(line), body={"n": 7})
        assert missed.status == 503
        assert missed.json["error"]["code"] == "no_fixture_match"
        assert ask(port_in(line), body={"n": 0}).json == {"played": 0}
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert told == f"WARNING fake_server.replay.playback: {missed.json['error']['message']}\n"


def test_what_cannot_be_served_is_one_clear_line_and_code_2(tmp_path: Path) -> None:
    bad, empty = tmp_path / "bad.yaml", tmp_path / "empty"
    bad.write_text("- {name: x, replly: {text: hi}}\n")
    empty.mkdir()
    recording = tmp_path / "recording.yaml"
    fixture.save(fixture.Fixture(Exchange(Request("GET", "/v1/models"), 200)), recording)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for options, says in (
            (["--port", port], f"port {port} on 127.0.0.1 is taken"),
            (["--port", port, "--replay", str(bad)], "bad.yaml"),
            (["--scripts", str(tmp_path / "nope")], "there is no script file or folder"),
            (["--scripts", str(empty)], "no *.yaml or *.json file"),
            (["--scripts", str(bad)], "did you mean 'reply'"),
            (["--replay", str(tmp_path / "nope")], "there is no recording"),
            (["--replay", str(empty)], "it holds no fixture file"),
            (["--replay", str(empty), "--host", "0.0.0.0"], "127.0.0.1 only"),
            (["--replay", str(empty), "--model", "m"], "leave out --model"),
            (["--replay", str(empty), "--api-key", "k"], "leave out --api-key"),
            (["--replay", str(empty), "--match", "some"], "'some' is not one of"),
            (["--replay", str(empty), "--host", "localhost"], "it holds no fixture file"),
            (["--replay", str(recording), "--speed", "nan"], "--speed: 'nan' is not a number of 0 or more"),
            (["--replay", str(recording), "--ignore", "a["], "cannot ignore 'a[': name a member"),
            (["--replay", str(recording), "--ignore", "a", "--match", "order"], "--match order compares no bodies"),
            (["--ignore", "a"], "--ignore is for --replay only"),
            (["--miss-status", "503"], "--miss-status is for --replay only"),
            (["--speed", "2", "--strict"], "--speed is for --replay only"),
            (["--api-key", ""], "--api-key is empty"),
            (["--host", "no.such.host.invalid"], "cannot listen on"),
        ):
            done = CliRunner().invoke(main, options)
            assert done.exit_code == 2, (options, done.output)
            assert says in done.stderr
            assert done.stderr.startswith("fake-server: ") or "Usage: " in done.stderr
            assert "Traceback" not in done.output


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize(
    "options",
    [
        ["--port", "ghp_abcdefghijKLMNOPQRST0123456789abcdef"],
        ["--scripts", "/tmp/ghp_abcdefghijKLMNOPQRST0123456789abcdef"],
        ["ghp_abcdefghijKLMNOPQRST0123456789abcdef"],
        ["--bug", "ghp_abcdefghijKLMNOPQRST0123456789abcdef"],
        ["--seed", "\x1b[31mghp_abcdefghijKLMNOPQRST0123456789abcdef"],
    ],
    ids=["port", "scripts", "command", "bug", "seed"],
)
def test_a_mistake_repeats_no_credential_and_no_control_character(options: list[str]) -> None:
    done = CliRunner().invoke(main, options)
    assert done.exit_code == 2
    assert "ghp_REDACTED" in done.output
    assert "0123456789" not in done.output
    assert "\x1b" not in done.output


def test_help_names_every_option() -> None:
    text = CliRunner().invoke(main, ["--help"]).output
    options = "host port scripts replay match ignore speed miss-status strict api-key model seed plain log-level"
    for option in options.split():
        assert f"--{option}" in text


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["in lines", "as JSON"])
@pytest.mark.parametrize(
    "text",
    [
        None,
        "- name: a\n  KEY: x\n  reply: hi\n",
        "- name: a\n  reply: '{% if KEY %}'\n",
        "- name: a\n  reply: {text: hi, faults: [{fault: KEY}]}\n",
        "- name: a\n  when: {model: KEY}\n  times: KEY\n  reply: hi\n",
        "- name: a\n  reply: hi\n- name: KEY\n  reply: hi\n- name: KEY\n  reply: hi\n",
    ],
    ids=["a file's name", "a name", "a template", "a fault", "a value", "a script's name"],
)
def test_what_validate_prints_holds_no_credential(
    as_json: list[str], text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", own := "zq81-Planted-0123456789")
    for key in ("ghp_abcdefghijKLMNOPQRST0123456789abcdef", own):
        path = tmp_path / ("scripts.yaml" if text else f"{key}.yaml")
        if text:
            path.write_text(text.replace("KEY", key))
        done = CliRunner().invoke(main, ["validate", *as_json, str(path)])
        assert "0123456789" not in done.output
        assert done.exit_code in (0, 1)
