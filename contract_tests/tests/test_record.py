"""`contract record` as a process: main(), cases, a command and any client, judged as they are kept."""

from __future__ import annotations

import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.recordings.judging import judge_files
from contract_tests.tests.planted import Planted, wrong_sum
from contract_tests.tests.shared import ROOT
from contract_tests.tests.test_cli_process import run, started
from fake_server import FakeServer
from fake_server.wire.exchange import Ending
from fake_server.wire.fixture import Fixture, find, load

KEY = "sk-proj-R7kq93LmZx0TtVb2NcYw8Ha5"


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    poem = {"text": "An acorn fell. " * 60 + "branching to the sun.", "timing": {"rate": 1000.0}}
    with FakeServer([{"name": "poem", "reply": poem}], seed=3, api_key=KEY) as fake:
        yield fake.base_url


def record(target: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run("record", "--target", target, "--out", str(folder), *more, OPENAI_API_KEY=KEY)


def load_all(folder: Path) -> list[Fixture]:
    return [load(path) for path in find(folder)]


def no_key_in(folder: Path) -> bool:
    return not any(KEY.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_main_is_recorded_with_its_pace_and_without_its_key(target: str, tmp_path: Path) -> None:
    done = record(target, tmp_path, "--run", "main")
    assert done.returncode == 0, done.stderr
    assert "An acorn fell" in done.stdout
    assert "new       main.yaml   status 200" in done.stdout
    assert "µs to each write (median, loopback)" in done.stdout
    assert "saved 1 recording" in done.stdout
    exchange = load(tmp_path / "main.yaml").exchange
    assert len(exchange.writes) > 20
    assert ("authorization", f"Bearer {KEY}") not in (exchange.request.headers or ())
    assert no_key_in(tmp_path)
    again = record(target, tmp_path, "--run", "main")
    assert "replaced  main.yaml" in again.stdout
    assert len(find(tmp_path)) == 1


def test_cases_are_recorded_and_declare_what_they_break(tmp_path: Path) -> None:
    with FakeServer(seed=3) as fake, Planted(fake.base_url, wrong_sum) as planted:
        done = record(planted.base_url, tmp_path, "--run", "chat.short", "--run", "chat.stream.short")
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in find(tmp_path)} == {"chat.short", "chat.stream.short"}
    assert load(tmp_path / "chat.short.yaml").breaks == ("usage.adds-up",)
    assert "breaks usage.adds-up" in done.stdout
    assert judge_files([tmp_path]).surprises == []


def test_a_red_run_leaves_the_exchanges_of_its_findings(tmp_path: Path) -> None:
    with FakeServer(seed=3) as fake, Planted(fake.base_url, wrong_sum) as planted:
        cases = ("--select", "chat.short", "--select", "models.list")
        done = run("run", planted.base_url, *cases, "--record", str(tmp_path / "new"), OPENAI_API_KEY=KEY)
    assert done.returncode == 1, done.stderr
    assert f"saved     1 exchange of 1 case with findings in {tmp_path / 'new'}" in done.stdout
    assert [path.name for path in find(tmp_path)] == ["chat.short.yaml"]
    assert load(tmp_path / "new" / "chat.short.yaml").breaks == ("usage.adds-up",)
    assert no_key_in(tmp_path)


def test_a_command_finds_the_recorder_and_its_code_is_passed_on(target: str, tmp_path: Path) -> None:
    script = (
        "import os, sys, urllib.request as u\n"
        f"fields = {{'x-contract-case': 'my/test::a[b]', 'Authorization': 'Bearer {KEY}'}}\n"
        "r = u.Request(os.environ['OPENAI_BASE_URL'] + '/models', headers=fields)\n"
        "u.build_opener(u.ProxyHandler({})).open(r).read()\n"
        "sys.exit(7)"
    )
    done = record(target, tmp_path, "--", sys.executable, "-c", script)
    assert done.returncode == 7, done.stderr
    assert [path.name for path in find(tmp_path)] == ["my-test-a-b.yaml"]
    assert no_key_in(tmp_path)


class Pausing(http.server.BaseHTTPRequestHandler):
    """Answers a stream that is silent for a while before it ends."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1780000000, "model": "m", "choices": []}
        events = [
            {**chunk, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]}
            for delta, reason in (({"role": "assistant", "content": "Hi"}, None), ({}, "stop"))
        ]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"data: %s\n\n" % json.dumps(events[0]).encode())
        time.sleep(0.6)
        self.wfile.write(b"data: %s\n\ndata: [DONE]\n\n" % json.dumps(events[1]).encode())

    def log_message(self, *_: object) -> None:
        pass


def test_a_pause_over_a_bound_harms_no_client_and_is_no_finding(tmp_path: Path) -> None:
    """keploy#3387: a recorder in the middle ends nothing that both sides would have gone on with."""
    asked = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'
    script = (
        "import os, urllib.request as u\n"
        "url = os.environ['OPENAI_BASE_URL'] + '/chat/completions'\n"
        f"reply = u.build_opener(u.ProxyHandler({{}})).open(u.Request(url, {asked!r}))\n"
        "assert reply.read().rstrip().endswith(b'data: [DONE]')\n"
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pausing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        short = record(url, tmp_path / "short", "--idle-timeout", "0.2", "--", sys.executable, "-c", script)
        usual = record(url, tmp_path / "usual", "--", sys.executable, "-c", script)
        server.shutdown()
    assert (short.returncode, usual.returncode) == (0, 0), short.stderr
    assert "the recorder stopped keeping this exchange" in short.stdout
    assert "breaks" not in short.stdout
    [cut], [whole] = (load_all(tmp_path / name) for name in ("short", "usual"))
    assert cut.exchange.ending is Ending.CLIENT_LEFT
    assert set(cut.breaks) <= set(whole.breaks)  # nothing but what the whole one breaks
    assert whole.exchange.payload.endswith(b"data: [DONE]\n\n")
    assert judge_files([tmp_path]).surprises == []


def test_any_client_is_recorded_until_ctrl_c(target: str, tmp_path: Path) -> None:
    with started("record", "--target", target, "--out", str(tmp_path), "--port", "0") as process:
        assert process.stdout is not None
        url = re.search(r"recording (http://127\.0\.0\.1:\d+/v1)", process.stdout.readline())
        assert url is not None, process.communicate(timeout=60)
        request = urllib.request.Request(f"{url[1]}/models", headers={"Authorization": f"Bearer {KEY}"})
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()
        while "new " not in process.stdout.readline():
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "saved 1 recording" in out
    assert no_key_in(tmp_path)


@pytest.mark.security("pages of other origins")
def test_a_recorder_that_adds_a_key_asks_for_its_token(target: str, tmp_path: Path) -> None:
    """Else any page and any process of the machine could spend the key."""
    options = ("--target", target, "--out", str(tmp_path), "--port", "0")
    with started("record", *options, "--header", f"Authorization: Bearer {KEY}") as process:
        assert process.stdout
        line = process.stdout.readline()
        url = re.search(r"recording (http://127\.0\.0\.1:\d+)/([\w-]{32})(/v1)", line)
        assert url, line
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for path in ("/v1/models", f"/{'x' * 32}/v1/models", f"/{url[2][:-1]}/v1/models"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                opener.open(url[1] + path)
            assert (refused.value.code, json.load(refused.value)["error"]["code"]) == (404, "no_token")
        with_key = urllib.request.Request(f"{url[1]}/{url[2]}/v1/models", headers={"Authorization": f"Bearer {KEY}"})
        assert opener.open(with_key).status == 200
        while "new " not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    [fixture] = find(tmp_path)
    assert load(fixture).exchange.request.target == "/v1/models"
    assert not any(url[2].encode() in path.read_bytes() for path in tmp_path.iterdir())
    assert no_key_in(tmp_path)


def test_a_full_disk_is_told_and_main_still_gets_its_poem(target: str, tmp_path: Path) -> None:
    limited = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "from contract_tests.cli import main\n"
        "main()"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            limited,
            "record",
            "--target",
            target,
            "--out",
            str(tmp_path),
            "--run",
            "main",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, "OPENAI_API_KEY": KEY},
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "branching to the sun." in done.stdout
    assert "main.yaml cannot be written: File too large; the previous file is intact" in done.stdout
    assert "1 refused" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--out", "x"], "--target URL is required"),
        (["--target", "http://127.0.0.1:1"], "--out DIR is required"),
        (["--target", "ftp://x", "--out", "{folder}"], "must be a URL that starts with http"),
        (["--target", "http://127.0.0.1:1", "--out", "{file}"], "cannot be created"),
        (["--target", "http://127.0.0.1:1", "--out", "{folder}", "--run", "nothing"], "no case is called"),
        (["--target", "http://127.0.0.1:1", "--out", "{folder}", "--run", "main", "--", "ls"], "omit"),
        (["--target", "http://127.0.0.1:1", "--out", "{folder}", "--", "/no/such"], "cannot be run"),
    ],
)
def test_wrong_use_is_one_line(options: list[str], words: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    filled = [option.format(folder=tmp_path / "new", file=tmp_path / "file" / "x") for option in options]
    done = run("record", *filled)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.strip().count("\n") == 0
