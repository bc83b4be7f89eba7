"""Folders of fixtures that a wheel has as one file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fake_server.wire import fixture
from fake_server.wire.packed import archive_of, pack, unpacked


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the broken fixtures of chat, packed and gone."""
    made = tmp_path / "broken"
    made.mkdir()
    for path in (fixture.SHIPPED / "broken").glob("chat.*"):
        shutil.copy(path, made)
    pack(made, archive_of(made))
    shutil.rmtree(made)
    return made


def test_what_was_packed_is_unpacked_byte_for_byte(folder: Path) -> None:
    with unpacked(folder) as copy:
        names = {path.name for path in copy.iterdir()}
        assert names == {path.name for path in (fixture.SHIPPED / "broken").glob("chat.*")}
        for name in names:
            assert (copy / name).read_bytes() == (fixture.SHIPPED / "broken" / name).read_bytes()
    assert not copy.exists()


@pytest.mark.parametrize("name", ["chat.id", "chat.stream.done-last", "chat.choice-count"])
def test_fixtures_of_one_name_are_unpacked_alone(folder: Path, name: str) -> None:
    with unpacked(folder, name) as copy:
        assert {path.name for path in copy.iterdir()} == {
            path.name for path in (fixture.SHIPPED / "broken").glob(f"{name}*")
        }
        assert fixture.load(copy / f"{name}.yaml") == fixture.load(fixture.SHIPPED / "broken" / f"{name}.yaml")


def test_a_folder_that_is_there_is_used_as_it_is(tmp_path: Path) -> None:
    for folder in (fixture.SHIPPED / "broken", tmp_path / "no such folder"):
        with unpacked(folder) as same:
            assert same == folder


def test_the_same_files_make_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    with unpacked(folder) as copy:
        pack(copy, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == archive_of(folder).read_bytes()
