"""Reads saved reports, which anyone may have written: within bounds, with the place and what to do in every error."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from contract_tests.recordings.files import BOM
from contract_tests.recordings.recording import InputError
from contract_tests.report.document import JUDGEMENT, RUN, Document, Judgement, Run
from contract_tests.report.files import finish
from contract_tests.rules.engine.node import show_path
from fake_server.wire import files
from fake_server.wire.text import printable, shorten

MAX_REPORT = 128 * 1024 * 1024
"""Bytes of a saved report; one with 100,000 findings has about 60 MB."""
_SHAPES: dict[str, Any] = {RUN: Run, JUDGEMENT: Judgement}
_HINT = "write one with `contract run URL --json FILE`; offline and judge take --json too"
_MARK = '"openai-contract-'
"""What the format of a report begins with, in its first bytes."""
_LONGEST = 80
"""Characters that an error quotes of a file."""


def read_document(path: Path, secrets: Iterable[str] = ()) -> Document:
    """The document in a saved report, masked once more. Raises InputError."""
    try:
        data = files.read_bytes(path, MAX_REPORT)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; {_HINT}") from error
    return finish(parse_document(data, str(path)), secrets)


def read_if_report(path: Path, secrets: Iterable[str] = ()) -> Document | None:
    """The document in a file; None if the file is no report. Raises InputError for a report that cannot be read."""
    if path.suffix != ".json" or not path.is_file():
        return None
    try:
        data = files.read_bytes(path, MAX_REPORT)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; is this a report?") from error
    try:
        value = _parse(data)
    except ValueError as error:
        if _MARK.encode() in data[:200]:
            raise InputError(f"{path}: a report that is cut off or damaged: {error}; write it again") from error
        return None
    of = value.get("format") if isinstance(value, dict) else None
    if not isinstance(of, str) or not of.startswith(_MARK.strip('"')):
        return None
    return finish(_check(value, str(path)), secrets)


def parse_document(data: bytes, name: str) -> dict[str, Any]:
    """The document in the bytes of the file `name`, without what the kit does not know. Raises InputError."""
    try:
        value = _parse(data)
    except ValueError as error:
        raise InputError(f"{name}: not JSON: {error}; {_HINT}") from error
    return _check(value, name)


def _parse(data: bytes) -> Any:
    return from_json(data.removeprefix(BOM), allow_inf_nan=False, cache_strings="keys")


def _check(value: Any, name: str) -> dict[str, Any]:
    """The value as a document. Raises InputError."""
    of = value.get("format") if isinstance(value, dict) else None
    if not isinstance(of, str) or of not in _SHAPES:
        what = f"a report of format {_quote(of)!r}" if isinstance(of, str) else "not a report of this kit"
        raise InputError(f"{name}: {what}; this kit reads {RUN} and {JUDGEMENT}: {_HINT}")
    try:
        document: dict[str, Any] = _adapter(of).validate_python({**value, "summary": None}, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = _quote(show_path(first["loc"]))
        raise InputError(f"{name}: {where}: {first['msg']}; the report is damaged: {_HINT}") from error
    return document


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_SHAPES[name])


def _quote(text: str) -> str:
    return shorten(printable(text, ""), _LONGEST)
