"""What keeps the suite quick."""

from __future__ import annotations

import gc
import os

import pytest

from contract_tests.lab.tools.pytest_setup import pytest_xdist_auto_num_workers


def test_what_was_collected_is_not_walked_through_again() -> None:
    assert gc.isenabled()
    assert gc.get_freeze_count() > 50_000


def test_more_workers_than_cores_run_unless_their_number_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    workers = pytest_xdist_auto_num_workers()
    assert workers
    assert 1 < workers <= (os.cpu_count() or 1) + 2
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "1")
    assert pytest_xdist_auto_num_workers() is None
