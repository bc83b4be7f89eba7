"""Choices that look random but follow from their keys by a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TypeVar

_Option = TypeVar("_Option")


def number(*keys: object) -> int:
    """A number below 2**64 derived from the keys, which are JSON-like values."""
    text = json.dumps(keys, sort_keys=True, ensure_ascii=True, default=str)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def fraction(*keys: object) -> float:
    """A number from 0 up to, but not including, 1."""
    return number(*keys) / 2**64


def pick(options: Sequence[_Option], *keys: object) -> _Option:
    """Pick one of the options."""
    return options[number(*keys) % len(options)]
