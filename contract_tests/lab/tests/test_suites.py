"""Three generations of the official SDK, sync and async, against the fake: every check of theirs passes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from contract_tests.lab import suites
from contract_tests.lab.tools import sdks
from fake_server import FakeServer

SCRIPT = Path(suites.__file__).parent / "openai_python.py"
CHECKS = 10


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("generation", ["1", "2", "3"])
def test_the_official_sdk_does_all_of_it(generation: str, seed: int | None) -> None:
    try:
        python = sdks.python_for(generation)
    except sdks.SdkUnavailable as why:
        pytest.skip(f"openai {generation}: {why}")
    with FakeServer([], seed=seed, plain=seed is None) as fake:
        done = subprocess.run(
            [str(python), str(SCRIPT)],
            env={"PATH": os.environ["PATH"], "FAKE_URL": fake.root, "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    lines = done.stdout.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == [], done.stderr
    assert (done.returncode, len(lines)) == (0, 2 * CHECKS), done.stderr
