"""The reports of one real run: what each says of a finding, of the server, and how the finding is asked for again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

from contract_tests.lab.tools.command import run_contract
from fake_server import FakeServer
from fake_server.wire import fixture

BUG, RULE = "vllm-omni-n-ignored", "chat.choice-count"
NAMED = {"server": "uvicorn 0.30", "x-litellm-version": "1.80.0"}


@dataclass(frozen=True)
class Run:
    """What a run printed and wrote, and the target that still stands."""

    fake: FakeServer
    printed: str
    report: dict[str, Any]
    junit: JUnitXml

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The findings of the broken rule in the JSON report."""
        return [
            finding for case in self.report["cases"] for finding in case["findings"] if finding["rule"] == RULE
        ]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("run")
    with FakeServer(seed=1, bugs=[BUG]) as fake:
        for name, value in NAMED.items():
            fake.fault("header", name=name, value=value)
        files = ("--json", str(folder / "a.json"), "--junit", str(folder / "a.xml"))
        done = run_contract("run", fake.base_url, "--select", "chat.n", *files, COLUMNS="80")
        report = json.loads((folder / "a.json").read_text())
        yield Run(fake, done.stdout, report, JUnitXml.fromfile(str(folder / "a.xml")))


def test_the_reports_name_the_server_by_its_headers(run: Run) -> None:
    server = run.report["server"]
    assert {name: server[name] for name in NAMED} == NAMED
    (suite,) = run.junit
    said = {item.name: item.value for item in suite.properties()}  # type: ignore[no-untyped-call]
    assert {name: said[f"server {name}"] for name in NAMED} == NAMED


def test_the_reports_have_the_request_the_bytes_and_the_line_that_asks_again(run: Run) -> None:
    assert run.findings
    (suite,) = run.junit
    (case,) = [case for case in suite if case.result]
    (failure,) = case.result
    assert RULE in failure.message
    texts = {"JUnit": failure.text, "terminal": run.printed}
    for where, text in texts.items():
        rows = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
        said = {row[0]: row[1] for row in reversed(rows) if len(row) > 1}
        assert said["request"].startswith("POST /v1/chat/completions {"), where
        assert "n: 2" in said["request"], where
        assert '"choices"' in said["bytes"] or "choices" in said["bytes"], where
        assert said["again"].startswith(f"contract run {run.fake.base_url}"), where
    finding = run.findings[0]
    assert finding["request"]["target"] == "/v1/chat/completions"
    assert "--select chat.n --record" in finding["again"]


def line_of(text: str) -> str:
    """The line that asks again, as it is copied from a terminal of 80 columns, with its rows."""
    lines = iter(text.splitlines())
    rows = [next(line for line in lines if line.split()[:1] == ["again"]).strip().removeprefix("again").strip()]
    while rows[-1].endswith("\\"):
        rows.append(next(lines))
    return "\n".join(rows)


def test_the_line_is_run_by_a_shell_and_finds_the_same(run: Run, tmp_path: Path) -> None:
    line = line_of(run.printed)
    assert "\\\n" in line  # it stands in several rows
    (tmp_path / "contract").write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -c 'from contract_tests.cli import main; main()' \"$@\"\n"
    )
    (tmp_path / "contract").chmod(0o755)
    root = str(Path(__file__).parents[2])
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": root}
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env={**os.environ, **path}, capture_output=True, text=True
    )
    assert (done.returncode, RULE in done.stdout) == (1, True), done.stderr
    finding = run.findings[0]
    assert f"    actual    {finding['actual']}" in done.stdout
    recordings = fixture.find(tmp_path / "recordings")
    assert [path for path in recordings if RULE in fixture.load(path).breaks]
