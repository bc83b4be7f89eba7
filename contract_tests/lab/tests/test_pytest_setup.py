"""What keeps the suite quick."""

from __future__ import annotations

import gc
import importlib
import os
import ssl

import certifi
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


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_clients_share_what_they_trust_and_nothing_else(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    create = importlib.import_module(f"{library}._transports.default").create_ssl_context
    usual = create()
    assert create(trust_env=True) is usual
    assert create(verify=False) is not create(verify=False)
    assert usual.verify_mode is ssl.CERT_REQUIRED
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    assert create() is not usual
