"""The table of SECURITY.md counts the tests that are marked, by area, and names those that did not hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contract_tests.lab.security import counting, page
from contract_tests.lab.tools.checkout import ROOT
from contract_tests.lab.tools.security_areas import AREAS

pytest_plugins = ["pytester"]
SETUP = "contract_tests.lab.tools.pytest_setup"
MARKED = """
import pytest
@pytest.mark.security("templates")
@pytest.mark.parametrize("number", range(3))
def test_holds(number): pass
@pytest.mark.security("memory")
def test_fails(): assert False
@pytest.mark.security("memory")
def test_is_skipped(): pytest.skip("no memory")
def test_is_no_sample(): assert False
"""


def test_samples_are_counted_by_area(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MARKED)
    pytester.makeini("[pytest]\nmarkers = security(area): a sample\n")
    samples = counting.Samples()
    pytester.inline_run("-p", SETUP, plugins=[samples])
    assert (samples.tried["templates"], samples.held["templates"]) == (3, 3)
    assert (samples.tried["memory"], samples.held["memory"]) == (1, 0)


def test_an_area_that_is_none_is_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MARKED.replace('"memory"', '"memories"'))
    pytester.makeini("[pytest]\nmarkers = security(area): a sample\n")
    result = pytester.runpytest_inprocess("-p", SETUP)
    result.stderr.fnmatch_lines(["*security('memories') is no area of contract_tests/lab/tools/security_areas.py*"])


def test_the_table_is_written_between_its_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "SECURITY.md"
    copy.write_text(page.PAGE.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(page, "PAGE", copy)
    table = page.table(dict.fromkeys(AREAS, 2), dict.fromkeys(AREAS, 1))
    page.write(table)
    assert page.written() == table
    assert table.count("| 2 | 1 |") == len(AREAS)


@pytest.mark.slow
def test_the_table_counts_every_sample() -> None:
    command = [sys.executable, "-m", "contract_tests.lab.security", "--collect-only"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
