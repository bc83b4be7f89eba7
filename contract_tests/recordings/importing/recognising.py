"""Tells the format of a file from its first bytes, and parses its content."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from contract_tests.recordings.recording import InputError

FORMATS = ("har", "vcrpy", "mitmproxy", "curl", "aimock", "jsonl")
MAX_FILE = 256 * 1024 * 1024
"""Bytes of a file that is read whole; JSON Lines are read line by line."""
_FIRST = 4096
_CASSETTE = re.compile(rb"^(interactions|http_interactions|version|metadata):", re.MULTILINE)
_DOCUMENTS = {"log": "har", "interactions": "vcrpy", "http_interactions": "vcrpy", "fixtures": "aimock"}
_BOM = b"\xef\xbb\xbf"


def recognise(path: Path) -> str | None:
    """The format of a file by its first bytes, 'json' if all of it has to be read to tell, None if unknown.

    Raises InputError if the file cannot be read.
    """
    first = _read(path, _FIRST)
    start = first.removeprefix(_BOM).lstrip()
    if re.match(rb"\d{1,10}:", first):
        return "mitmproxy"
    if start.startswith((b"HTTP/", b"* ", b"> ", b"< ")):
        return "curl"
    if start.startswith(b"{"):
        return "jsonl" if path.suffix == ".jsonl" else "json"
    return "vcrpy" if _CASSETTE.search(first) else None


def content(path: Path) -> bytes:
    """The bytes of a file. Raises InputError if it is too large or cannot be read."""
    data = _read(path, MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise InputError(f"{path}: larger than {MAX_FILE:,} bytes; take out what is not needed")
    return data


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def document(path: Path, data: bytes) -> Any:
    """A file as JSON. Raises InputError with the line."""
    try:
        return json.loads(data.removeprefix(_BOM))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg} at column {error.colno}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise InputError(f"{path}: nested too deeply") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error


def kind_of(value: Any) -> str | None:
    """The format of a JSON document by its members, None if it has none of them."""
    names = value if isinstance(value, dict) else {}
    return next((kind for name, kind in _DOCUMENTS.items() if name in names), None)
