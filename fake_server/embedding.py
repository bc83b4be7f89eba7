"""Vectors of texts: made from model and text alone, of length 1, nearer for texts that share words."""

from __future__ import annotations

import base64
import random
import re
import struct
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from fake_server import tokens

Input = str | list[int]
FIXED = "text-embedding-ada-002"
"""The model whose vectors cannot be made shorter."""
_SIZES = {"text-embedding-3-large": 3072}
_USUAL = 1536
_PLACES = 24
"""So many numbers of a vector a word has a hand in."""
_OWN = 0.4
"""The share of the text as a whole beside its words: the order of words counts a little."""
_WORD = re.compile(r"\w+")


def size(model: str) -> int:
    """How many numbers the model's vectors have."""
    return _SIZES.get(model, _USUAL)


def inputs(request: Mapping[str, Any]) -> list[Input]:
    """The texts, or lists of tokens, of a request; one where `input` is a text or a list of tokens."""
    given = request["input"]
    single = isinstance(given, str) or isinstance(given[0], int)
    return [given] if single else list(given)


def cost(one: Input) -> int:
    """The number of tokens of an input."""
    return tokens.count(one) if isinstance(one, str) else len(one)


def vector(model: str, one: Input, dimensions: int | None = None) -> list[float]:
    """The vector as 32-bit floats; a shorter one is the beginning of the long one, of length 1 again."""
    full = size(model)
    whole = one if isinstance(one, str) else " ".join(map(str, one))
    chance = _chance(model, whole)
    spread = _OWN / full**0.5
    numbers = [chance.gauss(0, spread) for _ in range(full)]
    words = _WORD.findall(whole.lower()) or [whole]
    for word in words:
        drawn = _chance(model, "word", word)
        for _ in range(_PLACES):
            numbers[drawn.randrange(full)] += drawn.choice((-1, 1)) / (_PLACES * len(words)) ** 0.5
    kept = numbers[: dimensions or full]
    length = sum(number * number for number in kept) ** 0.5 or 1.0
    return list(struct.unpack(f"<{len(kept)}f", _packed([number / length for number in kept])))


def encoded(numbers: list[float]) -> str:
    """The Base64 of the numbers as little-endian 32-bit floats."""
    return base64.b64encode(_packed(numbers)).decode()


def _packed(numbers: list[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def _chance(*parts: str) -> random.Random:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return random.Random(int.from_bytes(blake2b(text, digest_size=8).digest(), "big"))
