"""A short run of every part of the fuzz, by one seed; `make fuzz` draws others, for ten minutes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from contract_tests.lab.fuzz import floods, floods_together, memory, surface
from contract_tests.lab.fuzz.__main__ import PARTS, main
from contract_tests.lab.fuzz.client import ask
from contract_tests.lab.fuzz.fake_process import UNHURRIED, FakeProcess
from contract_tests.lab.fuzz.part import LONG, Part
from contract_tests.lab.fuzz.waits import Wait
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


@pytest.mark.security("memory")
def test_floods_at_one_fake_are_bounded(tmp_path: Path) -> None:
    """What is measured of the waits is left to make fuzz: a test has no clock."""
    some = (floods.half_open_with_fields, floods.bodies_in_the_journal, floods_together.deep_bodies)
    with FakeProcess(SEED, tmp_path, UNHURRIED) as fake:
        assert floods_together.play(some, fake)
        assert fake.peak_rss() < floods.MOST_RSS


@pytest.mark.parametrize(
    ("seconds", "idle", "late"), [(0.9, 0.01, False), (1.1, 0.01, True), (4.0, 1.0, False), (9.0, 1.0, True)]
)
def test_a_wait_is_late_only_beside_one_of_an_idle_fake(seconds: float, idle: float, late: bool) -> None:
    assert Wait(seconds, idle).is_late is late


@pytest.mark.parametrize("value", [["x" * 10_000] * 900, {f"m{n}": {"a": [n] * 99} for n in range(999)}, "x" * 10**6])
def test_a_failing_value_is_printed_for_a_reader(fake: FakeProcess, value: Any) -> None:
    def fails(_: FakeProcess, drawn: Any) -> None:
        assert drawn != value, "found"

    with pytest.raises(AssertionError, match="found") as raised:
        Part("requests", "", st.just(value), fails).round(fake, SEED, 5)
    notes = "\n".join(raised.value.__notes__)
    assert "holds(" in notes
    assert len(notes) < LONG + 1000


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
