"""Files that others may have prepared: read within bounds, and written whole or not at all.

Only regular files are read: a device has no end, and opening one may do something. A file that the user names may be a
symbolic link, or a FIFO, which is waited for a while. Below a folder that was named neither is followed:
a folder from a stranger would read what lies outside it, or wait for nobody. A hard link cannot be told
from the file itself: making one takes access to that file, and writing replaces the name, so the other name
keeps its bytes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import selectors
import stat
from collections.abc import Collection
from io import BufferedReader, RawIOBase
from pathlib import Path, PurePath
from time import monotonic
from typing import Any

_PIPES = re.compile(r"/dev/(?:stdin|fd/\d+)|/proc/self/fd/\d+")
"""What a shell calls the pipes that it opens for a command, as in `--baseline <(make-baseline)`."""
PATIENCE = 5.0
"""Seconds that a FIFO may let a reader wait for its next bytes."""
WAITING = 300.0
"""Seconds that all bytes of one FIFO may be waited for; what is done between two reads does not count."""
_STREAMS = re.compile(r"/dev/(?!shm/).+|/proc/.+")
"""Places where nothing is replaced: `--json /dev/stdout` is written as it is."""
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a symbolic link, which is not followed here",
}
_LONGEST_NAME = 230
"""Bytes of a file's name that its unfinished copy repeats whole; file systems allow 255."""


def open_regular(path: Path, *, follow: bool = True) -> BufferedReader:
    """Open a regular file for reading, without waiting for anyone.

    `follow`: the path was named by the user and may be a symbolic link, a FIFO, or a pipe of the shell. Raises OSError
    for everything else, with words in `strerror`.
    """
    if follow and _PIPES.fullmatch(str(path)):
        return path.open("rb")
    mode = os.stat(path, follow_symlinks=follow).st_mode
    if follow and stat.S_ISFIFO(mode):
        return BufferedReader(_Fifo(path))
    _require_regular(mode, path)
    flags = os.O_RDONLY | _flag("O_NONBLOCK") | _flag("O_CLOEXEC") | _flag("O_BINARY")
    file = os.fdopen(os.open(path, flags if follow else flags | _flag("O_NOFOLLOW")), "rb")
    try:  # what was looked at may have been replaced before it was opened
        _require_regular(os.fstat(file.fileno()).st_mode, path)
    except OSError:
        file.close()
        raise
    return file


class _Fifo(RawIOBase):
    """A FIFO whose writer may be slow to come, or never come."""

    def __init__(self, path: Path) -> None:
        self._number = os.open(path, os.O_RDONLY | _flag("O_NONBLOCK") | _flag("O_CLOEXEC"))
        self._waited = 0.0

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def readinto(self, buffer: Any) -> int:
        began = monotonic()
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._number, selectors.EVENT_READ)
            ready = waiting.select(min(PATIENCE, max(WAITING - self._waited, 0.0)))
        self._waited += monotonic() - began
        if self._waited > WAITING:
            raise OSError(errno.ETIMEDOUT, f"{WAITING:g} s were spent waiting for its bytes, and it has not ended")
        if not ready:
            raise OSError(errno.ETIMEDOUT, f"it is a FIFO, and nothing was written to it for {PATIENCE:g} s")
        return os.readv(self._number, [buffer])

    def close(self) -> None:
        if not self.closed:
            os.close(self._number)
        super().close()


def read_bytes(path: Path, most: int, *, follow: bool = True) -> bytes:
    """The bytes of a regular file, `most` at most. Raises OSError, before reading where its size says enough."""
    with open_regular(path, follow=follow) as file:
        data = b"" if os.fstat(file.fileno()).st_size > most else file.read(most + 1)
        if len(data) > most or (not data and os.fstat(file.fileno()).st_size > most):
            raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", str(path))
    return data


def read_below(folder: Path, name: str, most: int) -> bytes:
    """The bytes of a file below a folder, reached without a symbolic link. Raises OSError."""
    parts = PurePath(name).parts
    if not parts or PurePath(name).is_absolute() or ".." in parts or "\0" in name:
        raise OSError(errno.EACCES, "it must name a file in this folder or below it", name)
    path = folder
    for part in parts[:-1]:
        path = path / part
        if path.is_symlink():
            raise OSError(errno.ELOOP, f"{part!r} is {_KINDS[stat.S_IFLNK]}", name)
    return read_bytes(path / parts[-1], most, follow=False)


def find_files(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The regular files at or below a folder whose names end so, unsorted; neither links nor their targets.

    Raises OSError for a link of such a name, because leaving it out in silence would look as if it had been read.
    """
    found: list[Path] = []
    folders = [folder]
    while folders:
        inside = folders.pop()
        with os.scandir(inside) as entries:
            for entry in entries:
                path = inside / entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif path.suffix not in suffixes:
                    continue
                elif entry.is_symlink() and path.is_file():
                    what = "it is a symbolic link, which is not followed in a folder; name the file itself or copy it"
                    raise OSError(errno.ELOOP, what, str(path))
                elif entry.is_file(follow_symlinks=False):
                    found.append(path)
    return found


Stamp = tuple[int, int, int]
"""What tells one version of a file from another: its inode, when it was changed, its size."""


class Taken(FileExistsError):
    """A file is no longer the one that was to be replaced."""


def stamp_of(path: Path) -> Stamp | None:
    """The version of the file that stands there, None if there is none."""
    try:
        seen = os.stat(path, follow_symlinks=False)
    except OSError:
        return None
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def require_version(path: Path, version: Stamp | None) -> None:
    """Raise Taken if another file stands there than this version, which may be none."""
    if stamp_of(path) not in (None, version):
        raise Taken(errno.EEXIST, "someone else has written it meanwhile", str(path))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file: all of it or, on any error or interruption, nothing of it. Raises OSError.

    The file keeps its mode. A link is replaced, not followed; only what is no file (`/dev/stdout`) is written as it is.
    """
    mode = _mode_of(path)
    if _STREAMS.fullmatch(str(path.absolute())) or (mode is not None and not stat.S_ISREG(mode)):
        _write_stream(path, data)
        return
    partial = path.with_name(f"{partial_prefix(path.name)}{secrets.token_hex(8)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _flag("O_NOFOLLOW") | _flag("O_CLOEXEC") | _flag("O_BINARY")
    try:
        with os.fdopen(os.open(partial, flags, 0o666), "wb") as file:
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def partial_prefix(name: str) -> str:
    """How the names of unfinished copies of a file begin; then follow 16 random hex digits and `.part`."""
    return f".{name if len(os.fsencode(name)) <= _LONGEST_NAME else name[:40]}."


def _write_stream(path: Path, data: bytes) -> None:
    number = os.open(path, os.O_WRONLY | _flag("O_NONBLOCK") | _flag("O_CLOEXEC") | _flag("O_NOCTTY"))
    os.set_blocking(number, True)
    with os.fdopen(number, "wb") as file:
        file.write(data)


def _mode_of(path: Path) -> int | None:
    """The mode of what stands there, of the file that a link leads to; None if nothing does."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _require_regular(mode: int, path: Path) -> None:
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, f"it is {_KINDS.get(stat.S_IFMT(mode), 'no file')}", str(path))


def _flag(name: str) -> int:
    """A flag of os.open, 0 where the system does not have it."""
    return int(getattr(os, name, 0))
