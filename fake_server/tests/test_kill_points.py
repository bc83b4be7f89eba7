"""Whatever ends a process while it writes, at whichever call: nothing is torn, nothing acknowledged is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_server.tests import kill_points
from fake_server.tests.kill_points import ACTIONS, LARGE, LARGER, SCENARIOS, SMALL, exchange_of, save
from fake_server.wire import fixture

ROOT = Path(__file__).parents[2]
BODIES = {"small": SMALL, "large": LARGE, "larger": LARGER}


def seen_in(folder: Path) -> str:
    """What stands in a folder, by the name of its body; '' for nothing. Raises for anything that is torn."""
    paths = [path for path in folder.iterdir() if path.suffix in (".yaml", ".json")]
    if not paths:
        return ""
    [path] = paths
    if path.suffix == ".json":
        return next(name for name, body in BODIES.items() if body == path.read_bytes())
    found = fixture.load(path).exchange
    assert found.request == exchange_of(b"").request
    return next(name for name, body in BODIES.items() if body == found.payload)


def unfinished(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(".part")]


STATES = {
    "a new recording": ["", "large"],
    "a recording over another": ["large", "larger"],
    "a small one over a large one": ["large", "small"],
    "a large one over a small one": ["small", "larger"],
    "the same once more": ["large", "large"],
    "several in a row": ["", "small", "large", "larger"],
    "a report": ["", "large"],
    "a report over another": ["large", "larger"],
    "reports in a row": ["small", "large", "larger"],
}
"""What stands there after each step that was acknowledged."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: a disk that others use takes long to write thousands of small files."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as made:
        yield Path(made)


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.security("nothing is lost")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_call_is_one_at_which_a_file_can_be_torn(scenario: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", kill_points.__name__, scenario, str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    states, left = STATES[scenario], 0
    lines = [line.split() for line in done.stdout.splitlines()]
    assert {action for action, _, _ in lines} == {*ACTIONS}
    for action, at, steps in lines:
        struck = folder / f"{action}-{at}"
        assert seen_in(struck) in states[int(steps) : int(steps) + 2], (action, at)
        if action == "kill":
            left += len(unfinished(struck))
        else:
            assert not unfinished(struck), (action, at)
        if "record" in scenario:  # the next recording tidies up
            save(SMALL)(struck)
            assert seen_in(struck) == "small"
            assert not unfinished(struck)
            assert len([path for path in struck.iterdir() if path.suffix == ".body"]) <= 2
    assert left > 1
    assert [steps for _, _, steps in lines].count(str(len(states) - 1)) >= len(ACTIONS)
