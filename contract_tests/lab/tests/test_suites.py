"""Three generations of the official SDK, sync and async, against the fake: every check of theirs passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract_tests.lab import suites
from contract_tests.lab.tools import processes, sdks
from contract_tests.lab.tools.environments import NotInstalled
from fake_server import FakeServer

SCRIPT = Path(suites.__file__).parent / "openai_python.py"
CHECKS = 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("generation", ["1", "2", "3"])
def test_the_official_sdk_does_all_of_it(generation: str, seed: int | None) -> None:
    try:
        python = sdks.python_for(generation)
    except NotInstalled as error:
        pytest.skip(f"openai {generation}: {error}")
    with FakeServer([], seed=seed, plain=seed is None) as fake:
        environ = processes.child_environment(FAKE_URL=fake.root)
        done = processes.run([python, SCRIPT], env=environ, seconds=100)
    lines = done.stdout.splitlines()
    assert [line for line in lines if not line.startswith("ok ")] == [], done.stderr
    assert (done.returncode, len(lines)) == (0, 2 * CHECKS), done.stderr
