"""`make matrix`: columns of recordings and of saved reports; nothing that a provider sent is quoted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from contract_tests.lab.matrix import main
from contract_tests.lab.tools.checkout import SHARED
from contract_tests.tests.made_up_reports import make_run


def make(recordings: Path, folder: Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(recordings), str(folder / "reports"), str(folder / "out")])
    return done.exit_code, done.output


def test_servers_and_recordings_stand_beside_each_other(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "g4f.json").write_text(json.dumps(make_run()), encoding="utf-8")
    (tmp_path / "reports" / "interop.json").write_text("[]", encoding="utf-8")
    code, text = make(tmp_path, tmp_path)
    assert code == 0
    assert text == f"{tmp_path}/out: matrix.html and matrix.md of 1 server and 0 recorded providers\n"
    assert "g4f" in (tmp_path / "out" / "matrix.html").read_text(encoding="utf-8")


def test_without_anything_to_compare_it_says_what_to_do(tmp_path: Path) -> None:
    code, text = make(tmp_path, tmp_path)
    assert code == 1
    assert "`make interop` writes them" in text


def test_a_recording_is_counted_and_not_quoted(tmp_path: Path) -> None:
    recorded = SHARED / "recordings" / "heroku.jsonl"
    if not recorded.is_file():
        pytest.skip("needs the shared recordings: set OPENAI_CONTRACT_SHARED to the folder that holds them")
    (tmp_path / "heroku.jsonl").write_bytes(recorded.read_bytes())
    assert make(tmp_path, tmp_path)[0] == 0
    page = (tmp_path / "out" / "matrix.html").read_text(encoding="utf-8")
    assert "heroku (recorded)" in page
    assert ": expected" not in page.partition("<main")[2].partition("<script")[0]
