"""What is imported and judged is waited for and worked on within bounds, from pipes and slow disks too."""

from __future__ import annotations

import contextlib
import gzip
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract_tests.cli import importing
from contract_tests.lab.tools.command import run_contract
from contract_tests.recordings import files as recorded
from contract_tests.tests.shared import ROOT
from fake_server.wire import files

CLOCKS = pytest.mark.security("clocks of the suite")
HOSTILE = pytest.mark.security("hostile files")
SAMPLE = ROOT / "contract_tests" / "tests" / "samples" / "vcr.json"


@contextmanager
def dribbling(path: Path, data: bytes) -> Iterator[None]:
    """Something that writes `data` to the FIFO over and over, a byte at a time, while anyone reads it."""
    over = threading.Event()

    def write() -> None:
        while not over.wait(0.005):
            with contextlib.suppress(OSError), open(os.open(path, os.O_WRONLY | os.O_NONBLOCK), "wb", 0) as pipe:
                while not over.wait(0.005):
                    for byte in data:
                        pipe.write(bytes([byte]))
                        over.wait(0.005)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


@CLOCKS
@pytest.mark.parametrize("data", [b'{"log": {"a": 1, ', b"\n", b"x", b"data: {}\n\n", b"\x1f\x8b"])
@pytest.mark.parametrize("command", ["import", "judge"])
def test_a_pipe_that_never_ends_is_given_up(
    command: str, data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "WAITING", 0.2)
    path = tmp_path / "slow.har"
    os.mkfifo(path)
    with dribbling(path, data):
        done = run_contract(command, str(path), *(["--out", str(tmp_path / "out")] if command == "import" else []))
    assert done.returncode == 2
    assert str(path) in done.stderr
    assert not list(tmp_path.glob("out/*"))


@CLOCKS
def test_a_body_that_is_given_as_a_pipe_that_never_ends_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "WAITING", 0.2)
    pipe, body = tmp_path / "pipe", tmp_path / "body.json"
    os.mkfifo(pipe)
    body.write_text('{"object": "chat.completion"}')
    url = "http://host.invalid/v1/chat/completions"
    with dribbling(pipe, b"x"):
        done = run_contract("import", str(body), "--url", url, "--data", f"@{pipe}", "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert f"--data @{pipe}: cannot be read: 0.2 s were spent waiting" in done.stderr


@HOSTILE
@pytest.mark.parametrize("name", ["blank.jsonl", "blank.jsonl.gz", "blank.gz", "blank"])
@pytest.mark.parametrize("blank", [b"\n", b" ", b"\r\n", b"\t\n"], ids=repr)
@pytest.mark.parametrize("command", ["import", "judge"])
def test_blank_lines_without_end_are_refused(
    command: str, blank: bytes, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "MAX_LINE", 10_000)
    path = tmp_path / name
    data = blank * 60_000
    if not name.startswith("blank.jsonl"):
        data = b"{\n" + data + b"}"
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    done = run_contract(command, str(path), *(["--out", str(tmp_path / "out")] if command == "import" else []))
    assert done.returncode == 2
    assert path.name in done.stderr


@CLOCKS
@pytest.mark.parametrize("seconds", [0.0, 3.5])
def test_an_import_ends_with_its_clock_and_keeps_what_it_has(
    seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(10**6))
    monkeypatch.setattr(importing, "monotonic", lambda: float(next(now)))
    monkeypatch.setattr(importing, "SECONDS", seconds)
    monkeypatch.setattr(importing, "redacting_until", lambda _: contextlib.nullcontext())
    done = run_contract("import", str(SAMPLE), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "not read to its end: an import takes at most" in done.stdout + done.stderr
    assert len(list(tmp_path.glob("out/*.yaml"))) == int(seconds)


@CLOCKS
def test_a_recording_that_is_being_cleaned_when_the_time_is_up_is_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fake_server.relay.redact.clock.monotonic", lambda: 10.0**12)
    done = run_contract("import", str(SAMPLE), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "an import takes at most 1,800 s" in done.stderr
    assert not list(tmp_path.glob("out/*"))
