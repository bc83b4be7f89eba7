"""A signal at any moment ends a command in one line with a documented code, and a run writes its report first."""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.lab.tools.command import run_contract
from contract_tests.tests.shared import ROOT
from fake_server import FakeServer, ending

SIGNALS = pytest.mark.security("signals and processes")
WHOLE = pytest.mark.security("nothing is lost")
CODE = """
import sys
from fake_server import ending
begin = ending.begin
def and_say_so(*given):
    begin(*given)
    print(end=".", flush=True)
ending.begin = and_say_so
from {module}.__main__ import start
start()
"""
"""A command that says when it begins: before, Python itself starts."""
POEM = "fixtures/conforming/poem-stream.yaml"
SAMPLE = "contract_tests/tests/samples/vcr.json"
COMMANDS = {
    "run": ("run", "{url}", "--model", "m"),
    "ready": ("ready", "{url}", "--for", "langchain", "--model", "m"),
    "baseline": ("baseline", "{url}", "--output", "{out}/known.yaml"),
    "offline": ("offline",),
    "judge": ("judge", "fixtures"),
    "import": ("import", SAMPLE, "--out", "{out}"),
    "shrink": ("shrink", "fixtures/broken/usage.adds-up.yaml", "--out", "{out}/x.yaml"),
    "diff": ("diff", "fixtures/conforming", "fixtures/broken"),
    "record": ("record", "--target", "{url}", "--out", "{out}", "--port", "0"),
    "record --run main": ("record", "--target", "{url}", "--out", "{out}", "--run", "main"),
    "record -- command": ("record", "--target", "{url}", "--out", "{out}", "--", "sleep", "100"),
    "replay": ("replay", POEM),
    "rules": ("rules",),
    "fake": ("--port", "0"),
    "fake --replay": ("--replay", "fixtures/conforming", "--port", "0"),
    "fake validate": ("validate", "fixtures/scripts"),
}


@pytest.fixture
def silent() -> Iterator[str]:
    """The base URL of a target that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


@SIGNALS
@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_at_any_moment_ends_in_one_line(name: str, silent: str, tmp_path: Path) -> None:
    dice = random.Random(name)
    number = dice.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    module = "contract_tests"
    if name.startswith("fake"):
        module, number = "fake_server", signal.SIGINT
    argv = [word.format(url=silent, out=tmp_path) for word in COMMANDS[name]]
    with subprocess.Popen(
        [sys.executable, "-c", CODE.format(module=module), *argv],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.read(1)
        time.sleep(dice.random() ** 2)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    said = stderr.decode().split("\n")
    assert len(list(filter(None, said))) <= 1, stderr.decode()
    assert "Traceback" not in stderr.decode()
    reports = name in ("run", "ready", "baseline", "offline")
    early = (130,) if name == "ready" else ()  # before it has asked anything
    assert process.returncode in ((0, 1, 3, *early) if reports else (0, 1, 130))


@SIGNALS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_ended_writes_its_report(number: signal.Signals, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with FakeServer(seed=1) as fake:
        fake.fault("stall", silent=True, when={"stream": True})
        argv = ["run", fake.base_url, "--json", str(path), "--select", "chat.stream"]
        leader, terminal = pty.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "contract_tests", *argv], cwd=ROOT, stdout=terminal, stderr=terminal
        ) as process:
            os.close(terminal)
            seen = b""
            while b"plan" not in seen:
                seen += os.read(leader, 4096)
            time.sleep(0.3)
            if number == signal.SIGHUP:  # the terminal is closed
                os.close(leader)
            process.send_signal(number)
            while number != signal.SIGHUP:
                try:
                    seen += os.read(leader, 4096)
                except OSError:
                    break
            assert process.wait(60) in (1, 3)
    report = json.loads(path.read_text())
    assert report["stopped"] == "the run was interrupted"
    assert report["cases"]


STUBBORN = """
import os, signal, subprocess, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if sys.argv[1:] == ["child"]:
    time.sleep(100)
child = subprocess.Popen([sys.executable, __file__, "child"])
print("stubborn", os.getpid(), child.pid, flush=True)
time.sleep(100)
"""


@SIGNALS
@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGHUP], [signal.SIGINT] * 3])
def test_a_recorded_command_that_ignores_signals_is_ended_with_its_children(
    numbers: list[signal.Signals], tmp_path: Path
) -> None:
    script = tmp_path / "stubborn.py"
    script.write_text(STUBBORN)
    argv = ["record", "--target", "http://127.0.0.1:9/v1", "--out", str(tmp_path), "--", sys.executable, str(script)]
    code = "from contract_tests.cli import main, record; record.GRACE = 0.3; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, *argv],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        line = next(line for line in process.stdout if line.startswith("stubborn"))
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.05)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.strip() == "contract: interrupted (exit code 130)"
    for one in map(int, line.split()[1:]):
        assert not is_alive(one)


def is_alive(process: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


@SIGNALS
def test_signals_are_held_and_delivered_afterwards() -> None:
    seen = []

    def write() -> None:
        with ending.held():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            seen.append("written")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert seen == ["written"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@WHOLE
@pytest.mark.parametrize(
    ("argv", "stream"),
    [
        (["rules"], "full"),
        (["bugs"], "full"),
        (["judge", POEM], "closed"),
        (["explain", "chat.id"], "all closed"),
        (["bugs"], "no reader"),
    ],
)
def test_output_that_cannot_be_written_is_one_line(argv: list[str], stream: str) -> None:
    command = [sys.executable, "-m", "contract_tests", *argv]
    shell = {
        "full": '"$@" > /dev/full',
        "closed": '"$@" >&-',
        "all closed": '"$@" <&- >&- 2>&-',
        "no reader": '"$@" | true; exit ${PIPESTATUS[0]}',
    }
    done = subprocess.run(["bash", "-c", shell[stream], "bash", *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == {"full": 2, "closed": 0, "all closed": 0}.get(stream, done.returncode)
    assert stream != "no reader" or done.returncode in (0, 141)
    expected = "contract: standard output cannot be written: No space left on device (exit code 2)\n"
    assert done.stderr == (expected if stream == "full" else "")


@WHOLE
def test_a_run_whose_output_is_full_writes_its_report(tmp_path: Path) -> None:
    class Full:
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

        def flush(self) -> None:
            pass

        def isatty(self) -> bool:
            return False

    with FakeServer(seed=1) as fake, pytest.MonkeyPatch.context() as patched:
        patched.setattr("contract_tests.lab.tools.command.io.StringIO", _first_full(Full))
        patched.setattr(ending, "discard_output", lambda: None)
        done = run_contract("run", fake.base_url, "--select", "models", "--json", str(tmp_path / "r.json"))
    assert done.returncode == 2
    assert done.stderr.startswith("contract: standard output cannot be written: No space left on device")
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "pass"


def _first_full(kind: type) -> object:
    import io

    made: list[object] = []

    class Stream(io.StringIO):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

        def write(self, text: str) -> int:
            return kind().write(text) if made[0] is self else super().write(text)

    return Stream
