"""The pages that are made from code are as the code says, and are written where they are not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from contract_tests.lab.pages import __main__


def test_the_pages_are_as_the_code_says() -> None:
    for path, text in __main__.pages().items():
        assert path.read_text("utf-8") == text, f"{path.name}: make pages"


def test_a_stale_page_is_named_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "PAGE.md"
    page.write_text("old", "utf-8")
    monkeypatch.setattr(__main__, "pages", lambda: {page: "new"})
    monkeypatch.setattr(sys, "argv", ["pages"])
    assert __main__.main() == 1
    assert (page.read_text("utf-8"), capsys.readouterr().out) == (
        "old",
        "PAGE.md: out of date, run make pages\n",
    )
    monkeypatch.setattr(sys, "argv", ["pages", "--write"])
    assert __main__.main() == 0
    assert (page.read_text("utf-8"), capsys.readouterr().out) == ("new", "PAGE.md: written\n")
    assert __main__.main() == 0
    assert capsys.readouterr().out == ""
