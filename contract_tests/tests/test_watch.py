"""`contract watch` runs again when a file changes, says what turned, and ends with Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.cli import watch
from contract_tests.tests.shared import ROOT
from fake_server import FakeServer

CASES = ROOT / "contract_tests" / "own" / "example" / "acme_cases.py"
RULES = ROOT / "contract_tests" / "own" / "example" / "acme_rules.py"


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer(seed=1) as server:
        yield server


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "contract_tests", "watch", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
    )


def read_until(process: subprocess.Popen[str], begin: str) -> list[str]:
    """The lines until one begins so, with that one."""
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith(begin):
            return lines
    raise AssertionError(f"no line begins with {begin!r}: {lines}")


def test_a_change_is_run_again_and_what_turned_is_said(fake: FakeServer, tmp_path: Path) -> None:
    rules, source = tmp_path / "rules.py", tmp_path / "server.txt"
    rules.write_text(RULES.read_text())
    source.write_text("a")
    own = ("--rules", str(rules), "--cases", str(CASES), "--select", "acme")
    process = start(fake.base_url, *own, "--watch", str(source))
    try:
        first = read_until(process, "watching")
        assert not any(line.startswith("turned") for line in first)
        assert str(rules) in first[-1]
        assert not any(line.startswith("written") for line in first)
        rules.write_text(rules.read_text().replace('if not root["usage"]', 'if root["usage"]["no"].there and not root'))
        second = read_until(process, "watching")
        assert "mended    acme.billed in acme.brief, acme.echo" in second
        assert "turned    0 new, 2 mended, 2 findings as before" in second
        source.write_text("ab")
        assert "turned    0 new, 0 mended, 2 findings as before" in read_until(process, "watching")
        rules.write_text("def (")
        failed = read_until(process, "watching")
        assert any("not Python" in line for line in failed)
        rules.write_text(RULES.read_text())
        assert "turned    2 new, 0 mended, 2 findings as before" in read_until(process, "watching")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        assert "Traceback" not in rest
        assert process.returncode == 1  # that of the last run
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_in_the_middle_of_a_run_ends_both_with_the_code_of_that_run(fake: FakeServer) -> None:
    process = start(fake.base_url)
    try:
        read_until(process, "plan")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to both
        rest, _ = process.communicate(timeout=60)
        assert "the run was interrupted" in rest
        assert "Traceback" not in rest
        assert process.returncode == 3
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "give the URL of the target"),
        (("http://127.0.0.1:9", "--list"), "--list has no use"),
        (("http://127.0.0.1:9", "--watch", "nowhere"), "--watch nowhere: there is no such file or folder"),
        (("http://127.0.0.1:9", "--modle", "x"), "--modle"),
    ],
)
def test_a_wrong_use_is_one_line_before_anything_is_sent(words: tuple[str, ...], says: str) -> None:
    process = start(*words)
    out, _ = process.communicate(timeout=60)
    assert says in out
    assert (process.returncode, len(out.splitlines())) == (2, 1)


def test_a_folder_is_stamped_without_what_tools_leave_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.py", "deep/b.py", ".git/c", "__pycache__/d.pyc"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    assert [Path(name).name for name, *_ in watch.take_stamp([tmp_path])] == ["a.py", "b.py"]
    monkeypatch.setattr(watch, "MOST_FILES", 1)
    with pytest.raises(Exception, match="name a smaller folder"):
        watch.take_stamp([tmp_path])


def test_a_report_without_a_judgement_turns_nothing() -> None:
    assert watch.found_in({"verdict": "error"}) is None
    assert watch.found_in([]) is None


def test_what_a_run_writes_is_no_change(tmp_path: Path) -> None:
    for name in ("server.py", "report.html", "saved/a.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    words = ("http://127.0.0.1:9", "--html", str(tmp_path / "report.html"), "--record", str(tmp_path / "saved"))
    with watch.watch_command.make_context("watch", list(words)):
        _, _, written = watch._read_arguments(words)
    assert [Path(name).name for name, *_ in watch.take_stamp([tmp_path], written)] == ["server.py"]
