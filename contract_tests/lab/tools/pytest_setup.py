"""What every test of the kit needs of the machine it runs on; pytest loads it by name (`-p` in pyproject.toml)."""

from __future__ import annotations

import gc
import inspect
import os
import signal
import ssl
import threading
from collections.abc import Generator
from functools import cache
from typing import Any

import pytest

from contract_tests.lab.tools.security_areas import add_areas


def pytest_configure(config: pytest.Config) -> None:
    os.environ.pop("COLUMNS", None)  # pytest-xdist has the width of a terminal there, which reports would fill
    _let_ctrl_c_interrupt()
    if not config.getoption("--target", default=None):
        _let_hypothesis_take_its_time()
        _let_clients_take_their_time()
        _let_clients_share_what_they_trust()


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """More workers than cores for `-n auto`: a third of their time they wait for a server, a child or a clock."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + min(cores, 2)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave what was collected out of all later garbage collections.

    It is half a million objects that stay; walking through them took a third of the suite's processor time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    add_areas(items)


def _let_ctrl_c_interrupt() -> None:
    """Undo what a shell without job control does to its background: it has SIGINT ignored.

    Children inherit that, and the tests that interrupt a command would wait for it for ever.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if in_main_thread and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # by nohup
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _let_hypothesis_take_its_time() -> None:
    """No example fails for being slow: on a busy machine that says nothing about the code."""
    from hypothesis import HealthCheck, settings

    settings.register_profile("kit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("kit")


def _let_clients_take_their_time() -> None:
    """No request without a limit of its own fails after the five seconds that are httpx's default."""
    import httpx
    import httpx2

    for library in (httpx, httpx2):
        default = inspect.signature(library.get).parameters["timeout"].default
        default.connect = default.read = default.write = default.pool = 60.0


def _let_clients_share_what_they_trust() -> None:
    """Read the certificates of the usual authorities once: it takes a client 25 ms, and thousands are made."""
    from httpx._transports import default as httpx_default
    from httpx2._transports import default as httpx2_default

    for library in (httpx_default, httpx2_default):
        _share_contexts(library)


def _share_contexts(library: Any) -> None:
    create = library.create_ssl_context

    @cache
    def shared(trust_env: bool, *environment: str | None) -> ssl.SSLContext:
        context: ssl.SSLContext = create(trust_env=trust_env)
        return context

    def create_ssl_context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is True and cert is None:
            return shared(trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        context: ssl.SSLContext = create(verify=verify, cert=cert, trust_env=trust_env)
        return context

    library.create_ssl_context = create_ssl_context
