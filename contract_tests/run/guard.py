"""Nothing but this machine: a guard on the sockets of this process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fake_server import access

_HOSTS = ("127.0.0.1", "::1", "localhost", None, "")

_refused: list[str] | None = None
_installed = False


class ContactRefused(OSError):
    """Something tried to leave this machine."""


@contextmanager
def only_loopback() -> Iterator[list[str]]:
    """While entered, connections and look-ups of anything but loopback raise; yields what was refused.

    Raises ContactRefused on leaving too, whatever became of the attempt, so that none goes unnoticed.
    """
    global _installed, _refused
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    before, _refused = _refused, []
    try:
        yield _refused
    finally:
        refused, _refused = _refused, before
        if refused:
            names = ", ".join(dict.fromkeys(refused))
            raise ContactRefused(f"the offline run tried to contact {names}; nothing was sent")


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _refused is None or not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getnameinfo":
        host = arguments[0][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = arguments[0]
    else:
        return
    if not is_loopback(host):
        _refused.append(f"{host}")
        raise ContactRefused(f"the offline run tried to contact {host}")


def is_loopback(host: Any) -> bool:
    """Whether a host name or address means this machine."""
    if isinstance(host, bytes):
        host = host.decode("latin-1")
    if host in _HOSTS:
        return True
    try:
        return access.is_loopback(str(host))
    except ValueError:
        return False
