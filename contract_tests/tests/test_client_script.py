"""client.py as a script under every generation of the SDK, and main() called in this process."""

from __future__ import annotations

import importlib
import io
import json
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from contract_tests import client
from contract_tests.tests.sdk_runs import EACH_GENERATION, SCRIPT, Driver, driver_for, environment
from contract_tests.tests.sdk_server import (
    DONE,
    POEM,
    PRINTED,
    TOKENS,
    WHOLE,
    RawServer,
    chunk,
    delta,
    head,
    repeating,
    stream,
)


@pytest.fixture(params=EACH_GENERATION)
def run(request: pytest.FixtureRequest) -> Driver:
    return driver_for(request.param)


def test_each_token_is_printed_before_the_next_is_sent(run: Driver) -> None:
    seen: queue.Queue[str] = queue.Queue()
    early: list[str] = []

    def act(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(head(200, "text/event-stream", "Transfer-Encoding: chunked"))
        for token in POEM:
            early.extend(seen.queue)
            connection.sendall(chunk(delta(token) + b"\n\n"))
            assert seen.get(timeout=60) == token
        connection.sendall(chunk(delta(None, "stop") + b"\n\n" + DONE) + b"0\r\n\r\n")

    with RawServer(act) as server, run.script("--base-url", server.url, "--timeout", "30") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for token in POEM:
            seen.put(process.stdout.read(len(token.encode())).decode())
        assert process.stdout.read() == b"\n"
        assert process.stderr.read() == b""
    assert process.returncode == 0
    assert early == []


def test_interrupted(run: Driver) -> None:
    with (
        RawServer(repeating(stream(*TOKENS), b":\n", 0.1)) as server,
        run.script("--base-url", server.url) as process,
    ):
        assert process.stdout is not None
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"")


def test_the_form_of_the_seed() -> None:
    """openai 0.28.1 with a base URL that has no /v1."""
    seed = driver_for("0.28.1")
    with RawServer(stream(*WHOLE)) as server:
        result = seed("--base-url", f"http://localhost:{server.port}")
    assert (result.code, result.out, result.err) == (0, PRINTED, "")
    assert server.requests[0].startswith(b"POST /chat/completions HTTP/1.1\r\n")


def test_without_an_sdk() -> None:
    command = [sys.executable, "-S", "-E", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("client.py: the openai SDK cannot be imported; run: pip install openai")
    assert done.stderr.count("\n") == 1


class TestInProcess:
    """main() called by the suite itself."""

    @pytest.fixture(autouse=True)
    def _sdk_is_loaded(self) -> None:
        importlib.import_module("openai")  # or the first of the deadlines below would be over before a reply

    def test_returns_and_prints(self, capsys: pytest.CaptureFixture[str]) -> None:
        with RawServer(stream(*WHOLE)) as server:
            assert client.main(["--base-url", server.url, "--model", "m", "--prompt", "p"]) == 0
        assert capsys.readouterr() == (PRINTED, "")
        assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2])["model"] == "m"

    def test_leaves_no_thread_behind(self, capsys: pytest.CaptureFixture[str]) -> None:
        before = set(threading.enumerate())
        with RawServer(repeating(stream(*TOKENS), b":\n", 0.02)) as server:
            assert client.main(["--base-url", server.url, "--timeout", "0.3"]) == 8
            deadline = time.monotonic() + 60
            while (left := set(threading.enumerate()) - before - set(server.threads)) and time.monotonic() < deadline:
                time.sleep(0.02)
            assert not left

    def test_the_deadline_holds_while_tokens_pour_in(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        class Slow(io.StringIO):
            def write(self, text: str) -> int:
                time.sleep(0.01)
                return super().write(text)

        monkeypatch.setattr(sys, "stdout", Slow())
        with RawServer(repeating(head(), TOKENS[0] + b"\n\n")) as server:
            assert client.main(["--base-url", server.url, "--timeout", "0.5"]) == 8
        assert capsys.readouterr().err.startswith("client.py: the reply did not end, ")

    def test_the_base_url_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with RawServer(stream(*WHOLE)) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", f" {server.url}/ ")
            assert client.main([]) == 0
            monkeypatch.setenv("OPENAI_BASE_URL", "")
            assert client.parse([]).url == "http://localhost:1337/v1"

    @pytest.mark.parametrize(
        "argv",
        [["--base-url", "localhost:1337"], ["--base-url", "ftp://h"], ["--base-url", "http://[::1"]]
        + [["--base-url", "http://h:65536/v1"], ["--base-url", "http://h/v1?x=1"], ["--base-url", "http://"]]
        + [["--timeout", text] for text in ("0", "-1", "nan", "inf", "soon")]
        + [["--max-bytes", "0"], ["--bogus"]],
    )
    def test_wrong_options(self, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as stop:
            client.main(argv)
        assert stop.value.code == 2
        assert "client.py: error: " in capsys.readouterr().err

    def test_a_key_no_header_can_carry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-\nsecret")
        with pytest.raises(SystemExit):
            client.main([])

    @pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "0.0.0.0"])
    def test_loopback(self, host: str) -> None:
        assert client.parse(["--base-url", f"http://{host}:1/v1"]).loopback

    @pytest.mark.parametrize("host", ["localhost.example", "127.0.0.1.example", "128.0.0.1", "[2001:db8::1]"])
    def test_not_loopback(self, host: str) -> None:
        assert not client.parse(["--base-url", f"https://{host}/v1"]).loopback


def own(*argv: str, **environ: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, SCRIPT, *argv]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(**environ))


def test_a_closed_stdout_is_quiet() -> None:
    with (
        RawServer(repeating(stream(*TOKENS), TOKENS[0] + b"\n\n", 0.01)) as server,
        own("--base-url", server.url) as process,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_stdout_nobody_reads_does_not_stop_the_deadline() -> None:
    """The SDK is imported before the clock starts: on a busy machine that takes longer than the rest."""
    act = repeating(head(), delta("x" * 9999) + b"\n\n")
    script = f"import openai, runpy; runpy.run_path({SCRIPT!r}, run_name='__main__')"
    with RawServer(act) as server:
        command = [sys.executable, "-c", script, "--base-url", server.url, "--timeout", "3"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, env=environment()) as process:
            assert process.wait(timeout=60) == 8
            assert process.stderr is not None
            line = process.stderr.read()
    assert line.startswith(b"client.py: the time is over and nobody reads stdout; ")


def test_a_full_disk() -> None:
    with RawServer(stream(*WHOLE)) as server, Path("/dev/full").open("wb") as full:
        command = [sys.executable, SCRIPT, "--base-url", server.url]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(), check=False)
    assert done.returncode == 10
    assert done.stderr.startswith(b"client.py: stdout cannot be written; see where it goes")


def test_characters_that_stdout_lacks() -> None:
    surrogate = b'data: {"choices":[{"delta":{"content":"\\ud83c"}}]}'
    with (
        RawServer(stream(delta("é"), surrogate, b"data: [DONE]")) as server,
        own("--base-url", server.url, PYTHONIOENCODING="ascii") as process,
    ):
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out == b"\\xe9\\ud83c\n"


def test_the_source_is_short() -> None:
    assert len(Path(SCRIPT).read_text().splitlines()) < 300
