"""Choices that look random but follow from their keys by a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TypeVar

from fake_server.wire.budget import spend

_Option = TypeVar("_Option")
_LONG_KEY = 20_000


def number(*keys: object) -> int:
    """A number below 2**64 derived from the keys, which are JSON-like values."""
    text = json.dumps(keys, sort_keys=True, ensure_ascii=True, default=str)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def shorten_key(key: object) -> object:
    """The key, or what stands for a long one, so that it is not gone through for every choice that it decides."""
    text = json.dumps(key, ensure_ascii=True, default=str)
    spend(len(text) // 500, "the texts that decide its answer")
    return key if len(text) <= _LONG_KEY else hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def fraction(*keys: object) -> float:
    """A number from 0 up to, but not including, 1."""
    return number(*keys) / 2**64


def pick(options: Sequence[_Option], *keys: object) -> _Option:
    """Pick one of the options."""
    return options[number(*keys) % len(options)]
