"""A short run of every part of the fuzz, by one seed; `make fuzz` draws others, for ten minutes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract_tests.lab.fuzz import floods, memory, surface
from contract_tests.lab.fuzz.__main__ import PARTS, main
from contract_tests.lab.fuzz.client import ask
from contract_tests.lab.fuzz.fake_process import FakeProcess
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.tools.environments import NotInstalled
from fake_server.wire.exchange import Request

pytestmark = pytest.mark.slow

EXAMPLES = {"wire": 12, "control": 8, "faults": 8, "requests": 30, "pages": 25}
SEED = 1


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeProcess]:
    with FakeProcess(SEED, tmp_path_factory.mktemp("fuzz")) as fake:
        yield fake


# The costly parts also measure how long others wait: `make fuzz` asks them, a test has no clock.
@pytest.mark.parametrize(
    "part", [part for part in PARTS if not part.name.startswith("costly-")], ids=lambda part: part.name
)
def test_each_part_holds(fake: FakeProcess, part: Part) -> None:
    assert part.round(fake, SEED, EXAMPLES.get(part.name, 40)) > 0


def test_the_memory_does_not_grow(fake: FakeProcess) -> None:
    summary = memory.run(fake, 0)
    assert int(summary.split()[0]) > memory.LAP
    assert re.search(r"blocks after \d+ laps more", summary)


def test_the_surface_holds(fake: FakeProcess) -> None:
    try:
        command = surface.install()
    except NotInstalled as error:
        pytest.skip(f"schemathesis cannot be installed here: {error}")
    assert surface.run(command, fake, SEED, 2).count("passed") == 2


@pytest.mark.security("memory")
@pytest.mark.parametrize("flood", floods.FLOODS, ids=lambda flood: flood.__name__)
def test_a_flood_is_bounded(tmp_path: Path, flood: Callable[[floods.Flood], None]) -> None:
    with FakeProcess(SEED, tmp_path, patience=30.0) as fake:
        assert floods.run(flood, fake).peak < floods.MOST_RSS


def _divide(fake: FakeProcess, value: object) -> None:
    assert 1 / 0


def test_what_is_wrong_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that fails says its seed; an error in the log of the server fails whoever looks next."""
    bad = Part("requests", "", PARTS[0].values, _divide)
    monkeypatch.setattr("contract_tests.lab.fuzz.__main__.PARTS", (bad,))
    assert main(["--seconds", "1", "--seed", "7", "--only", "requests"]) == 1
    with FakeProcess(SEED, tmp_path) as fake:
        ask(fake, Request("GET", "/health", (), b""))
        assert fake.errors_logged() == ""
        with (tmp_path / "fake.log").open("a") as log:
            log.write("WARNING a: b\nERROR fake_server: failed\nTraceback\n")
        assert fake.errors_logged().startswith("ERROR fake_server")
        assert fake.errors_logged() == ""
