"""Vectors of texts: made from model and text alone, of length 1, nearer for texts that share words.

Each word and its beginning have a hand in a few places of the vector, drawn by a hash (a sparse random
projection of the bag of words), little words little; a little noise of the whole text lets the order of words
count too. Many places are in front, so that a shortened vector still says most.
"""

from __future__ import annotations

import base64
import re
import struct
from collections import Counter, defaultdict
from functools import lru_cache
from hashlib import shake_128

FIXED_SIZE_MODEL = "text-embedding-ada-002"
"""The model whose vectors cannot be made shorter."""
SIZES = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, FIXED_SIZE_MODEL: 1536}
"""OpenAI's models that embed, with how many numbers their vectors have."""
_USUAL_SIZE = 1536
_SPREAD = ((8, 128), (8, 512), (16, None))
"""How many numbers of a vector a word has a hand in, and among how many first ones they are; None: all."""
_PLACES = sum(places for places, _ in _SPREAD)
_TEXT_SHARE = 0.4
"""The share of the text as a whole beside its words."""
_WORD = re.compile(r"\w+")
_STEM = 4
"""Letters of a word's beginning: "embedding" and "embeds" share it."""
_FUNCTION_WORDS = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "been", "by", "can", "do", "does", "for", "from", "had",
    "has", "have", "how", "i", "if", "in", "is", "it", "its", "me", "my", "of", "on", "or", "our", "so",
    "that", "the", "their", "there", "they", "this", "to", "was", "we", "were", "what", "when", "where",
    "which", "who", "why", "will", "with", "you", "your",
))  # fmt: skip
_FUNCTION_WORD_WEIGHT = 0.2
"""The weight of a little word, where a word and its beginning weigh 1 together."""


def vector_size(model: str) -> int:
    """How many numbers the model's vectors have."""
    return SIZES.get(model, _USUAL_SIZE)


def make_vector(model: str, text: str, dimensions: int | None = None) -> list[float]:
    """The vector as 32-bit floats; a shorter one is the beginning of the long one, of length 1 again."""
    full = vector_size(model)
    noise = struct.unpack(f"<{full}h", _hash(model, "text", text, length=2 * full))
    spread = _TEXT_SHARE / 18_918 / full**0.5  # 16-bit numbers drawn evenly have this standard deviation
    numbers = [(one + 0.5) * spread for one in noise]  # never 0, so that no vector is
    traits = _weigh_words(text)
    weight = 1 / (_PLACES * sum(count * count for count in traits.values())) ** 0.5
    for trait, count in traits.items():
        for place, sign in (
            _draw_places if len(model) + len(trait) > _LONGEST_CACHED else _draw_places_cached
        )(model, trait, full):
            numbers[place] += sign * count * weight
    kept = numbers[: dimensions or full]
    length = sum(number * number for number in kept) ** 0.5
    return list(struct.unpack(f"<{len(kept)}f", _pack([number / length for number in kept])))


def encode_base64(numbers: list[float]) -> str:
    """The Base64 of the numbers as little-endian 32-bit floats."""
    return base64.b64encode(_pack(numbers)).decode()


def _pack(numbers: list[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def _weigh_words(text: str) -> dict[str, float]:
    """What counts of a text, and how much: words, and their beginnings so that inflection matters less."""
    found: dict[str, float] = defaultdict(float)
    for word, count in Counter(_WORD.findall(text.lower()) or [text]).items():
        if word in _FUNCTION_WORDS:
            found[word] += _FUNCTION_WORD_WEIGHT * count
        else:
            found[word] += 0.5 * count
            found[word.rstrip("s")[:_STEM] + "*"] += 0.5 * count
    return found


def _draw_places(model: str, word: str, full: int) -> tuple[tuple[int, int], ...]:
    drawn = struct.unpack(f"<{_PLACES}H", _hash(model, "word", word, length=2 * _PLACES))
    among = [first or full for places, first in _SPREAD for _ in range(places)]
    return tuple(((one >> 1) % most, 1 if one & 1 else -1) for one, most in zip(drawn, among, strict=True))


_draw_places_cached = lru_cache(maxsize=4096)(_draw_places)
_LONGEST_CACHED = 100
"""Characters of a model and a word whose places are kept: longer ones are rare, and large."""


def _hash(*parts: str, length: int) -> bytes:
    return shake_128("\0".join(parts).encode("utf-8", "surrogatepass")).digest(length)
