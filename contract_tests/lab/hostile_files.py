"""Things that a folder from a stranger may hold in place of files."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

SECRET = "what-lies-outside"
"""What stands in the file outside the folder."""


def outside(folder: Path) -> Path:
    """A file beside the folder that nothing below it may reach."""
    path = folder.parent / f"outside-{folder.name}.txt"
    if not path.exists():
        path.write_text(f"{SECRET}\n")
    return path


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(path.parent)  # the address of a socket has 107 bytes
    try:
        listener.bind(path.name)
    finally:
        os.chdir(here)
        listener.close()


def link_outside(path: Path) -> None:
    path.symlink_to(outside(path.parent))


def link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def link_to_fifo(path: Path) -> None:
    os.mkfifo(path.with_name(f"{path.name}-fifo"))
    path.symlink_to(path.with_name(f"{path.name}-fifo"))


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def folder(path: Path) -> None:
    path.mkdir()


def sparse(path: Path) -> None:
    """A file of a terabyte that takes no room."""
    with path.open("wb") as file:
        file.truncate(2**40)


NO_FILES: dict[str, Callable[[Path], None]] = {
    "FIFO": fifo,
    "socket": unix_socket,
    "link outside": link_outside,
    "link to a device": link_to_device,
    "link to a FIFO": link_to_fifo,
    "link to itself": link_to_itself,
    "folder": folder,
    "terabyte": sparse,
}
