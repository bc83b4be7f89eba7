"""The offline run in a hostile environment: nothing is contacted but the fake."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from contract_tests.run.guard import ContactRefused, is_loopback, only_loopback
from contract_tests.target.environment import clean_environment
from contract_tests.tests.shared import ROOT


@contextmanager
def tripwire() -> Iterator[tuple[int, list[str]]]:
    """A port that must not be contacted, and who did."""
    listener = socket.create_server(("127.0.0.1", 0))
    met: list[str] = []

    def accept() -> None:
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return
            met.append(str(address))
            connection.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], met
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(60)


def hostile(port: int) -> dict[str, str]:
    proxy = f"http://127.0.0.1:{port}"
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    return {
        **dict.fromkeys(names, proxy),
        "NO_PROXY": "",
        "no_proxy": "",
        "OPENAI_BASE_URL": f"{proxy}/v1",
        "OPENAI_API_BASE": f"{proxy}/v1",
        "OPENAI_API_KEY": "sk-must-not-leave-this-machine",
        "OPENAI_ORG_ID": "org-must-not-leave",
        "OPENAI_PROJECT_ID": "proj-must-not-leave",
        "SSL_CERT_FILE": "/nowhere/cert.pem",
    }


@pytest.mark.slow
def test_a_hostile_environment_changes_nothing() -> None:
    with tripwire() as (port, met):
        done = subprocess.run(
            [sys.executable, "-m", "contract_tests", "offline", "--seed", "3"],
            env={**os.environ, **hostile(port)},
            capture_output=True,
            text=True,
            timeout=90,
            cwd=ROOT,
            check=False,
        )
    assert (done.returncode, done.stderr, met) == (0, "", [])
    assert "holds the sky up" in done.stdout
    assert "must-not-leave" not in done.stdout
    assert done.stdout.rstrip().endswith("(exit code 0)")


def attempts(*contacts: Callable[[], object]) -> None:
    """Make each contact under the guard; each is refused at once, and the guard says so at the end."""
    with only_loopback():
        for contact in contacts:
            with pytest.raises(ContactRefused):
                contact()


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "::2"])
def test_the_guard_refuses_every_other_address(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as stream, socket.socket(family, socket.SOCK_DGRAM) as datagrams:
        for contact in (
            lambda: stream.connect((host, 80)),
            lambda: stream.connect_ex((host, 80)),
            lambda: datagrams.sendto(b"hello", (host, 53)),
            lambda: datagrams.sendmsg([b"hello"], [], 0, (host, 53)),
            lambda: socket.getnameinfo((host, 53), 0),
            lambda: socket.gethostbyaddr(host),
        ):
            with pytest.raises(ContactRefused, match=f"tried to contact {host}; nothing was sent"):
                attempts(contact)


def test_the_guard_refuses_looking_names_up() -> None:
    names = ("example.invalid", "other.invalid", "example.invalid")
    with pytest.raises(ContactRefused, match=r"contact example\.invalid, other\.invalid; nothing was sent"):
        attempts(*(partial(socket.getaddrinfo, name, 443) for name in names))


def test_an_attempt_that_was_swallowed_ends_the_offline_run() -> None:
    program = """
import contextlib, socket, sys
from contract_tests import cli
from contract_tests.cli import offline

def recite(terminal, base_url):
    with contextlib.suppress(OSError):
        socket.create_connection(("192.0.2.7", 443), timeout=1)

offline._recite = recite
sys.argv = ["contract", "offline"]
cli.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=90, cwd=ROOT, check=False
    )
    assert done.returncode == 4
    assert "PASS" not in done.stdout
    assert "the offline run tried to contact 192.0.2.7; nothing was sent" in done.stderr
    assert done.stderr.endswith("(exit code 4)\n")


def test_the_guard_lets_loopback_pass_and_ends() -> None:
    with tripwire() as (port, _):
        with only_loopback() as refused:
            socket.create_connection(("127.0.0.1", port)).close()
        assert refused == []
    assert not is_loopback("8.8.8.8")
    assert is_loopback("127.0.0.2")


def test_the_environment_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    monkeypatch.setenv("https_proxy", "y")
    with clean_environment():
        assert "OPENAI_API_KEY" not in os.environ
        assert "https_proxy" not in os.environ
    assert os.environ["OPENAI_API_KEY"] == "x"
