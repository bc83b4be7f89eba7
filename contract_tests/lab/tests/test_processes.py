"""Child processes end with all their children, in time, whatever happens, and see nothing of the user's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contract_tests.lab.tools import processes
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.processes import (
    LineProcess,
    ProcessFailed,
    child_environment,
    free_port,
    listens,
    output,
    run,
    running,
)

LISTEN = "import socket,sys,time; s=socket.create_server(('127.0.0.1',int(sys.argv[1]))); time.sleep(60)"
ECHO = "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)"
FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "60"])
open(sys.argv[1], "w").write(str(child.pid))
print("up", flush=True)
time.sleep(60)
"""
ENV = child_environment()


def ended(pid: int, seconds: float = 5.0) -> bool:
    """Whether the process is gone within the time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_a_server_ends_when_it_is_left(tmp_path: Path) -> None:
    port = free_port()
    code = f"import os; open('pid','w').write(str(os.getpid())); {LISTEN}"
    command, log = [sys.executable, "-c", code, str(port)], tmp_path / "log"
    with (
        pytest.raises(ValueError, match="left"),
        running(command, ready=lambda: listens(port), env=ENV, log=log, cwd=tmp_path),
    ):
        raise ValueError("left")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        pytest.raises(ProcessFailed, match="it did not start: no such luck"),
        running(["python3", "-c", "exit('no such luck')"], ready=lambda: False, env=ENV, log=log),
    ):
        pass
    with (
        pytest.raises(ProcessFailed, match=r"not ready within 0\.1 s"),
        running(["sleep", "60"], ready=lambda: False, env=ENV, log=log, seconds=0.1),
    ):
        pass


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed, match="it failed: no such luck"):
        output(["python3", "-c", "exit('no such luck')"], env=ENV, seconds=20)
    with pytest.raises(ProcessFailed, match="could not be run"):
        output([tmp_path / "absent"], env=ENV, seconds=20)
    assert run(["bash", "-c", "echo out; echo err >&2; exit 3"], env=ENV, seconds=20).returncode == 3


def test_a_command_has_a_limit_and_leaves_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    pid = tmp_path / "pid"
    with pytest.raises(ProcessFailed, match="did not end within 2 s"):
        run([sys.executable, "-c", FAMILY, pid], env=ENV, seconds=2)
    assert ended(int(pid.read_text()))


def test_a_child_left_behind_by_a_command_is_ended_and_not_waited_for(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    done = run(["bash", "-c", f"sleep 60 & echo $! >{pid}; echo done"], env=ENV, seconds=20)
    assert done.stdout == "done\n"
    assert ended(int(pid.read_text()))


def test_what_a_command_prints_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MOST_OUTPUT", 10)
    assert output(["bash", "-c", "printf %020d 7"], env=ENV, seconds=20) == "0" * 10


def test_lines_are_answered(tmp_path: Path) -> None:
    with LineProcess([sys.executable, "-c", ECHO], env=ENV, log=tmp_path / "log") as child:
        child.write("hello")
        assert child.read(20) == "HELLO\n"
        with pytest.raises(TimeoutError):
            child.read(0.05)
    assert child.read(1) == ""


def test_a_child_sees_nothing_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "HTTPS_PROXY", "PIP_SOMETHING", "PYTHONPATH", "HOME"):
        monkeypatch.setenv(name, "of the user")
    environ = child_environment(tmp_path, MORE="1")
    assert "of the user" not in environ.values()
    assert (environ["HOME"], environ["MORE"], environ["PATH"]) == (str(tmp_path), "1", os.environ["PATH"])
    assert "127.0.0.1" in environ["NO_PROXY"]


PROGRAM = """
import sys
from contract_tests.lab.tools.processes import child_environment, ending_on_sigterm, run
with ending_on_sigterm():
    run([sys.executable, "-c", sys.argv[1], sys.argv[2]], env=child_environment(), seconds=60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_child(tmp_path: Path, number: int) -> None:
    pid = tmp_path / "pid"
    family = FAMILY.replace("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "")
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, family, pid], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    while not (pid.is_file() and pid.read_text()):
        assert program.poll() is None
        time.sleep(0.02)
    program.send_signal(number)
    _, err = program.communicate(timeout=60)
    assert "KeyboardInterrupt" in err
    assert ended(int(pid.read_text()))


def test_sigterm_ends_what_a_script_has_in_its_background(tmp_path: Path) -> None:
    """A shell without job control has its background ignore SIGINT, which SIGTERM becomes."""
    pid = tmp_path / "pid"
    family = FAMILY.replace("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "")
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, family, pid], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        while not (pid.is_file() and pid.read_text()):
            assert program.poll() is None
            time.sleep(0.02)
        program.send_signal(signal.SIGTERM)
        _, err = program.communicate(timeout=30)
    finally:
        program.kill()
    assert "KeyboardInterrupt" in err
    assert ended(int(pid.read_text()))
