"""Names of files that are not UTF-8, and halves of surrogate pairs in titles, make no fixture that nobody can read."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from contract_tests.lab.tools.command import run_contract
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Request, Write
from fake_server.wire.fixture import Fixture

pytestmark = [
    pytest.mark.security("hostile files"),
    pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes on Linux only"),
]
SAMPLES = Path(__file__).parent / "samples"
NAMES = [b"\xff", b"caf\xe9", b"\xed\xa0\x80", b"a\xff\xfeb c", b"\xf0\x9f\x98"]
LARGE = b"a text " * 20_000


def named(name: bytes, suffix: str, folder: Path) -> Path:
    return folder / (os.fsdecode(name) + suffix)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sample", ["mitm.har", "vcr.yaml", "trace.httprr"])
def test_a_file_of_any_name_is_imported(name: bytes, sample: str, tmp_path: Path) -> None:
    path = named(name, Path(sample).suffix, tmp_path)
    shutil.copy(SAMPLES / sample, path)
    done = run_contract("import", str(path), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    found = list(fixture.find(tmp_path / "out"))
    assert found
    assert all(fixture.load(one).source.isprintable() for one in found)


@pytest.mark.parametrize("field", ["title", "source", "notes"])
@pytest.mark.parametrize("text", ["\udcff", "a \ud83d b", "\ude00\ud83d", "caf\udce9.har"])
def test_half_of_a_pair_in_a_text_is_written_as_an_escape(field: str, text: str, tmp_path: Path) -> None:
    exchange = Exchange(Request("POST", "/v1/chat/completions", (), b"{}"), 200)
    words: dict[str, Any] = {field: text}
    fixture.save(Fixture(exchange, **words), tmp_path / "a.yaml")
    assert getattr(fixture.load(tmp_path / "a.yaml"), field) == text.encode("utf-8", "backslashreplace").decode()


@pytest.mark.parametrize("name", NAMES)
def test_a_fixture_of_any_name_finds_its_bodies(name: bytes, tmp_path: Path) -> None:
    exchange = Exchange(Request("POST", "/v1/chat/completions", (), LARGE), 200, (), (Write(LARGE),))
    path = named(name, ".yaml", tmp_path)
    for _ in range(2):
        fixture.save(Fixture(exchange), path)
        found = fixture.load(path).exchange
        assert (found.request.body, found.payload) == (LARGE, LARGE)
    assert len(list(tmp_path.iterdir())) <= 3
