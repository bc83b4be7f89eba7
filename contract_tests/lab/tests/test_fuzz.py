"""A short run of every part of the fuzz, by one seed; `make fuzz` draws others, for ten minutes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.lab.fuzz import memory, surface
from contract_tests.lab.fuzz.__main__ import PARTS, main
from contract_tests.lab.fuzz.client import ask
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.fuzz.serving import Served
from contract_tests.lab.tools.environments import NotInstalled
from fake_server.wire.exchange import Request

EXAMPLES = {"wire": 12, "control": 8, "faults": 8, "requests": 30}
SEED = 1


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(SEED, tmp_path_factory.mktemp("fuzz")) as served:
        yield served


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_each_part_holds(served: Served, part: Part) -> None:
    assert part.round(served, SEED, EXAMPLES.get(part.name, 40)) > 0


def test_the_memory_does_not_grow(served: Served) -> None:
    told: list[str] = []
    assert memory.run(served, 0, told.append) > memory.LAP
    assert re.search(r"blocks after \d+ laps more", told[0])


def test_the_surface_holds(served: Served) -> None:
    try:
        command = surface.installed()
    except NotInstalled as why:
        pytest.skip(f"schemathesis cannot be had here: {why}")
    assert surface.run(command, served, SEED, 2).count("passed") == 2


def _divide(served: Served, value: object) -> None:
    assert 1 / 0


def test_what_is_wrong_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that fails says its seed; an error in the log of the server fails whoever looks next."""
    bad = Part("requests", "", PARTS[0].values, _divide)
    monkeypatch.setattr("contract_tests.lab.fuzz.__main__.PARTS", (bad,))
    assert main(["--seconds", "1", "--seed", "7", "--only", "requests"]) == 1
    with Served(SEED, tmp_path) as served:
        ask(served, Request("GET", "/health", (), b""))
        assert served.complaints() == ""
        with (tmp_path / "fake.log").open("a") as log:
            log.write("WARNING a: b\nERROR fake_server: failed\nTraceback\n")
        assert served.complaints().startswith("ERROR fake_server")
        assert served.complaints() == ""
