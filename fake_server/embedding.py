"""Vectors of texts: made from model and text alone, of length 1, nearer for texts that share words.

Each word has a hand in a few places of the vector, drawn by a hash (a sparse random projection of the bag of
words); a little noise of the whole text lets the order of words count too.
"""

from __future__ import annotations

import base64
import re
import struct
from collections import Counter
from functools import lru_cache
from hashlib import shake_128

FIXED = "text-embedding-ada-002"
"""The model whose vectors cannot be made shorter."""
SIZES = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, FIXED: 1536}
"""OpenAI's models that embed, with how many numbers their vectors have."""
_USUAL = 1536
_PLACES = 24
"""So many numbers of a vector a word has a hand in."""
_OWN = 0.4
"""The share of the text as a whole beside its words."""
_WORD = re.compile(r"\w+")


def size(model: str) -> int:
    """How many numbers the model's vectors have."""
    return SIZES.get(model, _USUAL)


def vector(model: str, text: str, dimensions: int | None = None) -> list[float]:
    """The vector as 32-bit floats; a shorter one is the beginning of the long one, of length 1 again."""
    full = size(model)
    noise = struct.unpack(f"<{full}h", _hash(model, "text", text, length=2 * full))
    words = Counter(_WORD.findall(text.lower()) or [text])
    spread = _OWN / 18_918 / full**0.5  # 16-bit numbers drawn evenly have this standard deviation
    numbers = [(one + 0.5) * spread for one in noise]  # never 0, so that no vector is
    weight = 1 / (_PLACES * sum(count * count for count in words.values())) ** 0.5
    for word, count in words.items():
        for place, sign in _places(model, word, full):
            numbers[place] += sign * count * weight
    kept = numbers[: dimensions or full]
    length = sum(number * number for number in kept) ** 0.5
    return list(struct.unpack(f"<{len(kept)}f", _packed([number / length for number in kept])))


def encoded(numbers: list[float]) -> str:
    """The Base64 of the numbers as little-endian 32-bit floats."""
    return base64.b64encode(_packed(numbers)).decode()


def _packed(numbers: list[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


@lru_cache(maxsize=4096)
def _places(model: str, word: str, full: int) -> tuple[tuple[int, int], ...]:
    drawn = struct.unpack(f"<{_PLACES}H", _hash(model, "word", word, length=2 * _PLACES))
    return tuple(((one >> 1) % full, 1 if one & 1 else -1) for one in drawn)


def _hash(*parts: str, length: int) -> bytes:
    return shake_128("\0".join(parts).encode("utf-8", "surrogatepass")).digest(length)
