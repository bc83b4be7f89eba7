"""`contract record --replay`: what is known is replayed, the rest is recorded, and the summary counts both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contract_tests.tests.test_cli_process import run
from fake_server import FakeServer
from fake_server.wire.fixture import find

CLIENT = """
import json, os, sys, urllib.request as u
for text in sys.argv[1:]:
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}).encode()
    request = u.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body, {"Content-Type": "application/json"})
    u.build_opener(u.ProxyHandler({})).open(request).read()
"""
NOBODY = "http://127.0.0.1:9/v1"


def record(target: str, folder: Path, *options: str, texts: str = "") -> subprocess.CompletedProcess[str]:
    command = ("--", sys.executable, "-c", CLIENT, *texts.split()) if texts else ()
    return run("record", "--target", target, "--out", str(folder), *options, *command)


def test_only_what_is_not_known_reaches_the_target(tmp_path: Path) -> None:
    with FakeServer(seed=1) as fake:
        first = record(fake.base_url, tmp_path, "--replay", texts="one two")
        assert first.returncode == 0, first.stderr
        assert "saved 2 recordings" in first.stdout
        assert "2 new; replayed 0 recordings for 0 requests, 0 not used (exit code 0)" in first.stdout
        second = record(fake.base_url, tmp_path, "--replay", texts="two three two")
        assert len(fake.requests) == 3
    assert "unless 2 recordings can answer, until the command exits" in " ".join(second.stdout.split())
    assert second.stdout.count("\nreplayed  post-chat-completions-") == 2
    assert "saved 1 recording" in second.stdout
    assert "1 new; replayed 1 recording for 2 requests, 1 not used (exit code 0)" in second.stdout
    assert len(find(tmp_path)) == 3


def test_what_is_known_needs_no_target_and_unused_recordings_are_listed(tmp_path: Path) -> None:
    with FakeServer(seed=1) as fake:
        record(fake.base_url, tmp_path, texts="one two 2026-11-28")
    texts = {path: path.read_text() for path in find(tmp_path)}
    options = ("--replay", "--unused", "--speed", "0", "--ignore", "iso-time")
    done = record(NOBODY, tmp_path, *options, texts="one 2026-11-29")
    assert done.returncode == 0, done.stderr
    [unused] = [path for path, text in texts.items() if '"two"' in text]
    listed = [line for line in done.stdout.splitlines() if line.startswith("unused ")]
    assert listed == [f"unused    {unused}"]
    assert "replayed 2 recordings for 2 requests, 1 not used (exit code 0)" in done.stdout
    assert {path: path.read_text() for path in find(tmp_path)} == texts


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ignore", "seed"], "--ignore is for --replay; add it or omit --ignore"),
        (["--speed", "0"], "--speed is for --replay"),
        (["--unused"], "--unused is for --replay"),
        (["--replay", "--run", "main"], "omit --replay"),
        (["--replay", "--ignore", "a["], "cannot ignore 'a['"),
    ],
)
def test_wrong_use_is_one_line(tmp_path: Path, options: list[str], words: str) -> None:
    done = record(NOBODY, tmp_path, *options)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr


def test_a_bad_fixture_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("openai-contract-fixture: 7\n")
    done = record(NOBODY, tmp_path, "--replay")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "bad.yaml:1: fixture version 7" in done.stderr
