"""The form of a value: its type, and for what has one its format; never a text that people or models wrote.

What is expected to differ between any two replies (ids, times, counts, texts) is told by kind, what
clients branch on (`object`, `role`, `finish_reason` …) by value.
"""

from __future__ import annotations

import json
import re
from typing import Any

from contract_tests.diffing.sdk_types import ITEM, Path, Types
from contract_tests.rules.engine.node import kind_of

BY_VALUE = frozenset({"object", "role", "finish_reason", "type", "status", "service_tier", "encoding_format"})
BY_VALUE_IN_ERRORS = frozenset({"type", "code", "param"})
_IDS = frozenset({"id", "system_fingerprint"})
_LONGEST_WORD = 40
_PREFIX = re.compile(r"([A-Za-z]{1,16}(?:_[a-z]{1,10})?[-_])[^\s]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(r"[0-9a-f]{12,}")


def describe_value(path: Path, value: Any, types: Types, model: str | None = None) -> str:
    """The form of the value at `path`, in words; `model` is the name that was asked for, if known."""
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
        return json.dumps(text[:_LONGEST_WORD], ensure_ascii=False)
    if path == ("model",):
        return _model(text, model)
    if (name in _IDS or name.endswith("_id")) and not types.names_models:
        return describe_id(text)
    if name == "arguments" and "delta" not in path:
        return "string of JSON" if _is_object(text) else "string that is no JSON object"
    return "string"


def _model(text: str, asked: str | None) -> str:
    if not text or not asked:
        return "string" if text else '""'
    if text == asked:
        return "the model asked for"
    return "a snapshot of it" if text.startswith((f"{asked}-", f"{asked}:")) else "another model"


def describe_id(text: str) -> str:
    """`chatcmpl-…`, 'UUID', 'hex', 'digits' or 'string', by how an id is made."""
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
