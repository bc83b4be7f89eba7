"""Files as bytes and as JSON Lines, gzipped or not, within bounds."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import Any

from contract_tests.recordings.recording import InputError
from fake_server.wire import files

MAX_FILE = 256 * 1024 * 1024
"""Bytes of a file that is read whole, unpacked."""
MAX_LINE = 64 * 1024 * 1024
"""Bytes of one line of JSON Lines; shared recordings hold replies of at most 256 KiB."""
BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"


@contextmanager
def open_file(path: Path) -> Iterator[BufferedIOBase]:
    """The bytes of a file, unpacked if it is gzipped. Raises InputError where they cannot be read."""
    try:
        with files.open_regular(path) as file:
            yield gzip.GzipFile(fileobj=file) if file.peek(2).startswith(_GZIP) else file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: begins like a gzip file, but is cut off or damaged: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def gunzip(data: bytes) -> bytes:
    """What was gzipped. Raises ValueError if that is damaged or larger than MAX_FILE."""
    try:
        plain = gzip.GzipFile(fileobj=BytesIO(data)).read(MAX_FILE + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"not gzipped, or cut off: {error}") from error
    if len(plain) > MAX_FILE:
        raise ValueError(f"larger than {MAX_FILE:,} bytes unpacked")
    return plain


def read_json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    """Each line of a JSON Lines file as `file:line` and its value; blank lines are passed over.

    Raises InputError with the line, and the column or byte in it.
    """
    with open_file(path) as file:
        for number, line in full_lines(file, path):
            if len(line) > MAX_LINE:
                raise InputError(f"{path}:{number}: the line is longer than {MAX_LINE:,} bytes")
            yield f"{path}:{number}", parse_json(line, f"{path}:{number}", " of the line")


def full_lines(file: BufferedIOBase, path: Path) -> Iterator[tuple[int, bytes]]:
    """Each line that is not blank, of MAX_LINE + 1 bytes at most, and its number. Raises InputError."""
    blank = 0
    for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), 1):
        blank = 0 if line.strip() else blank + len(line)
        if blank > MAX_LINE:  # a few bytes of gzip stand for endlessly many
            raise InputError(f"{path}:{number}: more than {MAX_LINE:,} bytes of blank lines")
        if not blank:
            yield number, line


def parse_json(data: bytes, where: str, of: str = "") -> Any:
    """JSON as a value. Raises InputError that begins with `where`; `of` says in what a byte is counted."""
    try:
        return json.loads(data.removeprefix(BOM))
    except json.JSONDecodeError as error:
        line = "" if of else f":{error.lineno}"
        raise InputError(f"{where}{line}: not JSON: {error.msg} at column {error.colno}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not UTF-8 at byte {error.start}{of}") from error
    except RecursionError as error:
        raise InputError(f"{where}: nested too deeply") from error
    except ValueError as error:
        raise InputError(f"{where}: not JSON: {error}") from error
