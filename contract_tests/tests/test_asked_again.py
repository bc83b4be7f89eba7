"""The line under a finding asks for it again: with the same key, headers and limits, and for the same case."""

from __future__ import annotations

import shlex
from pathlib import Path

from contract_tests.lab.tools.command import run_contract
from contract_tests.target.options import Options
from fake_server import FakeServer

KEY = "sk-the-key-of-this-test-0123"


def test_the_line_is_run_and_finds_the_same(tmp_path: Path) -> None:
    with FakeServer(seed=1, api_key=KEY, bugs=["vllm-omni-n-ignored"]) as fake:
        given = ("--select", "chat", "--key-env", "MY_KEY", "--first-byte-timeout", "50", "--header", "x-team: 7")
        first = run_contract("run", fake.base_url, *given, MY_KEY=KEY, COLUMNS="500")
        line = next(line for line in first.stdout.splitlines() if line.split()[:1] == ["again"])
        words = shlex.split(line)[1:]
        assert words[:3] == ["contract", "run", fake.base_url]
        assert words[-2:] == ["--record", "recordings"]
        again = run_contract(*words[1:-1], str(tmp_path), MY_KEY=KEY, COLUMNS="500")
    assert KEY not in first.stdout + again.stdout
    assert "chat.choice-count" in first.stdout
    assert "chat.choice-count" in again.stdout
    assert (first.returncode, again.returncode) == (1, 1)
    assert list(tmp_path.glob("*.yaml"))


def test_the_value_of_a_header_that_is_secret_is_left_for_the_reader() -> None:
    options = Options("http://127.0.0.1:1/v1", headers=(("api-key", KEY), ("x-team", "7")))
    assert options.command.endswith("--header 'api-key: <its value>' --header 'x-team: 7'")
