"""The contract command as a process: interrupts, closed pipes, an echoing target, a fault of the kit."""

from __future__ import annotations

import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract_tests.lab.tools.command import run_contract
from contract_tests.tests.planted import Planted, Reply, no_done, wrong_sum
from contract_tests.tests.shared import ROOT
from fake_server import FakeServer
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Request

KEY = "sk-planted-0123456789-abcdefghijklmnopqrstuvwxyz"
POEM = ROOT / "fixtures" / "conforming" / "poem-stream.yaml"


@contextmanager
def started(*argv: str) -> Iterator[subprocess.Popen[str]]:
    """The command under way; ended when it is left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "contract_tests", *argv],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


run = run_contract


class Echo(http.server.BaseHTTPRequestHandler):
    """Tells every caller which credentials it sent, whole and shortened."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        sent = f"{self.headers['Authorization']} {self.headers['X-Secret']} {self.path}"
        body = json.dumps(
            {"id": sent, "object": sent, "choices": [{"index": sent, "message": {"role": sent, "content": sent}}]}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Echo", sent)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, format: str, *values: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


@pytest.mark.security("credentials in output")
def test_what_a_target_echoes_of_secrets_is_masked(echo: str, tmp_path: Path) -> None:
    files = ("--json", str(tmp_path / "r.json"), "--junit", str(tmp_path / "r.xml"))
    sent = ("--header", "X-Secret: planted-in-a-header", "--query", "api_key=planted-in-the-query")
    cases = ("--select", "chat.short", "--select", "errors.bad-json", "--model", "m")
    done = run("run", echo, *cases, *sent, *files, "--key-env", "MY_KEY", MY_KEY=KEY)
    assert done.returncode == 1
    written = (tmp_path / "r.json").read_text() + (tmp_path / "r.xml").read_text()
    for text in (done.stdout, done.stderr, written):
        assert "planted" not in text
        assert "0123456789" not in text


@pytest.mark.security("signals and processes")
def test_an_interrupted_run_reports_what_it_has() -> None:
    with silent() as url, started("run", url, "--model", "m") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("target ")
        assert process.stdout.readline().startswith("plan ")
        process.send_signal(signal.SIGINT)
        said, trouble = process.communicate(timeout=60)
    assert "stopped   the run was interrupted" in said
    assert "not reached" in said.splitlines()[-1]
    assert said.rstrip().endswith(f"(exit code {process.returncode})")
    assert trouble == ""


@pytest.mark.security("signals and processes")
def test_a_run_that_is_interrupted_before_its_first_case_has_the_code_of_a_stopped_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent_port:
        address = f"127.0.0.1:{silent_port.getsockname()[1]}"
        with started("run", f"http://{address}") as process:
            connection, _ = silent_port.accept()
            process.send_signal(signal.SIGINT)
            said, trouble = process.communicate(timeout=60)
            connection.close()
    assert (process.returncode, said) == (3, "")
    assert "the run was interrupted before the first case (exit code 3)" in trouble


def test_the_search_for_a_silent_target_says_what_it_tries() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent_port:
        address = f"127.0.0.1:{silent_port.getsockname()[1]}"
        with started("run", f"http://{address}", "--run-timeout", "3") as process:
            said, trouble = process.communicate(timeout=60)
    assert (process.returncode, said) == (3, "")
    first, last = trouble.splitlines()
    assert first == (
        f"contract: no answer from {address} for 2 s; trying /models and /chat/completions, with /v1 and "
        "without, each for up to 60 s (--first-byte-timeout)"
    )
    assert "the target was not found within 3 s" in last


@contextmanager
def silent() -> Iterator[str]:
    """A target that answers what a run asks before its first case, and nothing after it."""
    lock, asked, over = threading.Lock(), [0], threading.Event()
    with FakeServer(seed=1) as fake:

        def bug(reply: Reply) -> None:
            with lock:
                asked[0] += 1
                late = asked[0] > 3
            if late:
                over.wait(60)

        with Planted(fake.base_url, bug) as proxy:
            yield proxy.base_url
            over.set()


@pytest.mark.security("signals and processes")
def test_a_closed_pipe_ends_a_run_quietly() -> None:
    with FakeServer(seed=1) as fake, started("run", fake.url, "--select", "models") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("target ")
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(60) in (0, 3, 141)


def test_replay_serves_the_bytes_of_a_fixture() -> None:
    with started("replay", str(POEM), "--speed", "0") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        assert lines[0].startswith("PASS  no findings; ")
        assert lines[3] == "answers   POST /v1/chat/completions, whatever the body\n"
        port = int(lines[2].split("/v1")[0].rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/v1/chat/completions", "{}", {"Content-Type": "application/json"})
        assert connection.getresponse().read() == fixture.load(POEM).exchange.payload
        connection.close()
        process.send_signal(signal.SIGINT)
        _, trouble = process.communicate(timeout=60)
    assert (process.returncode, trouble) == (0, "")


def test_replay_serves_a_folder_in_the_order_of_its_recordings(tmp_path: Path) -> None:
    for status, turn in ((402, 2), (401, 10), (403, 1)):
        recorded = Exchange(Request("GET", "/v1/models"), status, (("Content-Length", "0"),), recorded=turn)
        fixture.save(fixture.Fixture(recorded), tmp_path / f"{status}.yaml")
    with started("replay", str(tmp_path), "--once") as process:
        assert process.stdout is not None
        while not (line := process.stdout.readline()).startswith("serving"):
            assert line
        connection = http.client.HTTPConnection("127.0.0.1", int(line.split("/v1")[0].rpartition(":")[2]), timeout=60)
        statuses = []
        for _ in range(3):
            connection.request("GET", "/v1/models")
            reply = connection.getresponse()
            reply.read()
            statuses.append(reply.status)
        connection.close()
        process.communicate(timeout=60)
    assert (statuses, process.returncode) == ([403, 402, 401], 0)


def test_replay_once_ends_when_the_client_has_left() -> None:
    with started("replay", str(POEM), "--speed", "0", "--once") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        assert lines[2].endswith("/v1   once\n")
        port = int(lines[2].split("/v1")[0].rpartition(":")[2])
        for path in ("/v1/no-such-path", "/v1/chat/completions"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("POST", path, "{}", {"Content-Type": "application/json"})
            read = connection.getresponse().read()
            connection.close()
        assert read == fixture.load(POEM).exchange.payload
        _, trouble = process.communicate(timeout=60)
    assert (process.returncode, trouble) == (0, "")


def test_replay_once_exits_0_also_after_a_faulty_reply() -> None:
    faulty = str(ROOT / "fixtures" / "bugs" / "hayhooks-no-done.yaml")
    with started("replay", faulty, "--speed", "0", "--once") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("FAIL"):
                assert "exit code" not in line
            if line.startswith("serving"):
                break
        connection = http.client.HTTPConnection("127.0.0.1", int(line.split("/v1")[0].rpartition(":")[2]), timeout=60)
        connection.request("POST", "/v1/chat/completions", "{}", {"Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()
        _, trouble = process.communicate(timeout=60)
    assert (process.returncode, trouble) == (0, "")


BACKGROUND = 'python=$1; shift; "$python" -m contract_tests "$@" & echo $!; wait $!; echo "code $?"'
"""A script whose shell, without job control, has its background ignore SIGINT (POSIX, 2.11)."""


@pytest.mark.security("signals and processes")
@pytest.mark.parametrize(
    ("argv", "ready"),
    [
        (["replay", str(POEM)], "answers"),
        (["replay", str(POEM), "--once"], "answers"),
        (["record", "--target", "http://127.0.0.1:9/v1", "--port", "0", "--out"], "into"),
    ],
)
def test_in_the_background_of_a_script_sigterm_ends_it(tmp_path: Path, argv: list[str], ready: str) -> None:
    argv = [*argv, str(tmp_path)] if argv[-1] == "--out" else argv
    with subprocess.Popen(
        ["sh", "-c", BACKGROUND, "sh", sys.executable, *argv],
        cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as script:  # fmt: skip
        assert script.stdout is not None
        process = int(script.stdout.readline())
        try:
            while ready not in script.stdout.readline():
                pass
            os.kill(process, signal.SIGTERM)
            out, trouble = script.communicate(timeout=30)
        except BaseException:
            os.kill(process, signal.SIGKILL)
            raise
    assert out.splitlines()[-1] == ("code 1" if argv[0] == "record" else "code 0")
    assert ("there was no exchange" in out) is (argv[0] == "record")
    assert trouble == ""


@pytest.mark.security("signals and processes")
def test_an_interrupted_judgement_says_so(tmp_path: Path) -> None:
    pipe = tmp_path / "slow.jsonl"
    os.mkfifo(pipe)
    with started("judge", str(pipe)) as process, pipe.open("wb"):  # opens once the command reads
        process.send_signal(signal.SIGINT)
        said, trouble = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")
    assert trouble.strip() == "contract: interrupted (exit code 130)"


def test_findings_of_many_cases_are_told_once() -> None:
    def bug(reply: Reply) -> None:
        no_done(reply)
        wrong_sum(reply)

    with FakeServer(seed=1) as fake, Planted(fake.base_url, bug) as proxy:
        done = run("run", proxy.base_url, "--select", "chat.n", "--select", "chat.stream", "--fail-on", "note")
    assert done.returncode == 1
    heads = [line for line in done.stdout.splitlines() if line.startswith("✗ ")]
    assert heads == [
        "✗ chat.stream.done-last   MUST   poem, streamed as the seed asks for it (chat.stream.poem)",  # in most cases
        "✗ usage.adds-up   MUST   two choices (chat.n)",
    ]
    assert "    also in   chat.stream.short, " in done.stdout


def test_a_fault_of_the_kit_is_one_line_and_a_traceback_only_when_asked_for() -> None:
    program = """
import sys
from contract_tests import cli
from contract_tests.cli import judge

def broken(*given):
    raise ZeroDivisionError("a fault, planted")

judge.judge_recordings = broken
cli.main()
"""
    for debug in ([], ["--debug"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *debug, "judge", "fixtures"],
            capture_output=True, text=True, timeout=60, cwd=ROOT, check=False,
        )  # fmt: skip
        assert done.returncode == 4
        assert ("Traceback" in done.stderr) is bool(debug)
        assert done.stderr.splitlines()[-1] == (
            "contract: the kit itself failed: ZeroDivisionError: a fault, planted; "
            "run `contract --debug …` again and report the traceback (exit code 4)"
        )


@pytest.mark.security("nothing is lost")
@pytest.mark.parametrize("coding", ["ascii", "latin-1", "cp1252", "ascii:strict"])
def test_a_verdict_is_printed_where_its_signs_cannot_be_written(coding: str) -> None:
    broken = ROOT / "fixtures" / "bugs" / "ikllama-no-done.yaml"
    done = subprocess.run(
        [sys.executable, "-m", "contract_tests", "judge", str(broken)],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": coding},
        capture_output=True,
        timeout=100,
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.decode(coding.partition(":")[0]).startswith("\n\\u2717 chat.stream.done-last")
