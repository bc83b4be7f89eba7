"""The form of a value: its type and, if it has one, its format; never a text written by people or models.

Values that differ between any two replies (ids, times, counts, texts) are described by kind, values that
clients branch on (`object`, `role`, `finish_reason` …) literally.
"""

from __future__ import annotations

import json
import re
from typing import Any

from contract_tests.diffing.sdk_types import ITEM, Path, Types
from contract_tests.rules.engine.node import kind_of
from fake_server.relay.redact import excerpt

ABSENT = "absent"
BY_VALUE = frozenset({"object", "role", "finish_reason", "type", "status", "service_tier", "encoding_format"})
BY_VALUE_IN_ERRORS = frozenset({"type", "code", "param"})
_IDS = frozenset({"id", "system_fingerprint"})
_LONGEST_WORD = 40
_PREFIX = re.compile(r"([A-Za-z]{1,16}(?:_[a-z]{1,10})?[-_])[^\s]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"[0-9a-f]{12,}")


def describe_value(path: Path, value: Any, types: Types, model: str | None = None) -> str:
    """The form of the value at `path`, in words; `model` is the requested model, if known."""
    kind = kind_of(value)
    if kind == "string":
        return _string(path, value, types, model)
    if kind in ("integer", "number"):
        return _number(path, value, types)
    return kind


def _number(path: Path, value: float, types: Types) -> str:
    if path[-1:] == ("created",) and isinstance(value, int):
        if 10**8 <= value < 10**11:
            return "Unix seconds"
        return "Unix milliseconds" if 10**11 <= value < 10**14 else f"integer {value}"[:30]
    return "number" if types.takes_fractions(path) or not isinstance(value, int) else "integer"


def _string(path: Path, text: str, types: Types, model: str | None) -> str:
    name = path[-1] if path else ""
    if name in BY_VALUE or (path[:1] == ("error",) and name in BY_VALUE_IN_ERRORS):
        return json.dumps(excerpt(text, _LONGEST_WORD), ensure_ascii=False)
    if path == ("model",):
        return _model(text, model)
    if (name in _IDS or name.endswith("_id")) and not types.names_models:
        return describe_id(text)
    if name == "arguments" and "delta" not in path:
        return "string of JSON" if _is_object(text) else "string that is not a JSON object"
    return "string"


def _model(text: str, requested: str | None) -> str:
    if not text or not requested:
        return "string" if text else '""'
    if text == requested:
        return "the requested model"
    return (
        "a snapshot of the requested model" if text.startswith((f"{requested}-", f"{requested}:")) else "another model"
    )


def describe_id(text: str) -> str:
    """`chatcmpl-…`, 'UUID', 'hex', 'digits' or 'string', according to the format of the id."""
    if not text:
        return '""'
    if _UUID.fullmatch(text):
        return "UUID"
    if text.isdecimal():
        return "digits"
    if _HEX.fullmatch(text):
        return "hex"
    prefix = _PREFIX.fullmatch(text)
    return f"{prefix.group(1)}…" if prefix else "string"


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def format_path(path: Path) -> str:
    """('choices', '[]', 'delta') as choices[].delta."""
    return "".join(step if step == ITEM else f".{step}" for step in path).removeprefix(".")
