"""Tells the format of a file by its content: its first bytes, its first line, or the members of its JSON."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import Any

from contract_tests.recordings.files import BOM, MAX_FILE, full_lines, open_file
from contract_tests.recordings.importing.cassettes import is_of_php
from contract_tests.recordings.importing.pasted import is_pasted
from contract_tests.recordings.recording import InputError

FORMATS = (
    *("har", "vcrpy", "go-vcr", "vcr", "php-vcr", "mitmproxy"),
    *("httprr", "curl", "httpie", "pasted", "body", "aimock", "jsonl"),
)
CASSETTES = ("vcrpy", "go-vcr", "vcr", "php-vcr")
"""Formats of one reader, in YAML or JSON."""
_FIRST = 4096
_LATIN = 40
"""Bytes that are enough to see UTF-16 without its mark by: the text begins with letters of ASCII."""
_CASSETTE = re.compile(
    rb"^(?:interactions|http_interactions|version|metadata):|\A\s*(?:---\s+)?-\s+request:", re.MULTILINE
)
_REQUEST_LINE = re.compile(rb"(?:\x1b\[[\d;]*m)*[A-Z]+(?:\x1b\[[\d;]*m)* ")
_REQUEST_END = re.compile(rb"^[^\r\n]* (?:\x1b\[[\d;]*m)*HTTP(?:\x1b\[[\d;]*m)*/")
_JSON = re.compile(rb"\{|\[(?![\w.-]+@)")  # [user@host …]$ is a prompt
_EVENT = re.compile(rb"(?:> ?)*(?:(?:data|event|id|retry):|:(?!//))")
_DOCUMENTS = {"log": "har", "interactions": "vcrpy", "http_interactions": "vcr", "fixtures": "aimock"}
"""JSON documents by one of their members."""
_LINES = {frozenset(("request", "response", "endpoint")): "jsonl"}
"""JSON Lines by members of their first line."""


def recognise(path: Path) -> str | None:
    """The format of a file, 'json' if all of it has to be read to tell, None if unknown.

    Raises InputError if the file cannot be read.
    """
    with open_file(path) as file:
        first = _to_utf8(file.read(_FIRST))
    start = first.removeprefix(BOM).lstrip()
    if re.match(rb"\d{1,10}:", first):
        return "mitmproxy"
    if start.startswith(b"httprr trace"):
        return "httprr"
    if _EVENT.match(start):
        return "body"
    if not _JSON.match(start) and not _CASSETTE.search(first) and is_pasted(start):
        return "pasted"
    if start.startswith((b"HTTP/", b"* ", b"> ", b"< ")):
        return "curl"
    if _REQUEST_LINE.match(start) and _REQUEST_END.match(start):
        return "httpie"
    if start.startswith((b"{", b"[")):
        return _kind_of_lines(path) or "json"
    return "vcrpy" if _CASSETTE.search(first) else "jsonl" if _is_named_lines(path) else None


def _is_named_lines(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith((".jsonl", ".ndjson"))


def _kind_of_lines(path: Path) -> str | None:
    """The format of JSON Lines, None if the file is one document."""
    named = _is_named_lines(path)
    with open_file(path) as file:
        line = next((line for _, line in full_lines(file, path)), b"")
        if not (named or file.read(1)):
            return None
    try:
        value = json.loads(line.removeprefix(BOM))
    except (ValueError, RecursionError):
        return "jsonl" if named and line.strip() not in (b"{", b"[") else None
    names = value.keys() if isinstance(value, dict) else frozenset()
    kind = next((kind for members, kind in _LINES.items() if members <= names), None)
    return kind or ("jsonl" if named and kind_of(value) is None else None)


def content(path: Path) -> bytes:
    """The bytes of a file. Raises InputError if it is too large or cannot be read."""
    with open_file(path) as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise InputError(f"{path}: larger than {MAX_FILE:,} bytes; take out what is not needed")
    return _to_utf8(data)


def _to_utf8(data: bytes) -> bytes:
    """The bytes, or, where they are UTF-16 as what PowerShell's `>` and `cmd /u` write, their text in UTF-8."""
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data.decode("utf-16", "replace").encode()
    if len(data) > 7 and not any(data[1:_LATIN:2]) and all(data[:_LATIN:2]):
        return data.decode("utf-16-le", "replace").encode()
    return data


def kind_of(value: Any) -> str | None:
    """The format of a JSON document by its members, None if it has none of them."""
    if is_of_php(value):
        return "php-vcr"
    names = value if isinstance(value, dict) else {}
    return next((kind for name, kind in _DOCUMENTS.items() if name in names), None)
