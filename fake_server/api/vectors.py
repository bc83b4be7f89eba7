"""Embeddings made from model and text alone: of length 1, and closer for texts that share words.

A sparse random projection of the bag of words: each word and its stem add to a few places of the vector,
chosen by a hash; function words weigh little. A little noise from the whole text makes word order count.
Many places lie near the front, so that a shortened vector keeps most of the meaning.
"""

from __future__ import annotations

import base64
import re
import struct
from collections import Counter, defaultdict
from functools import lru_cache
from hashlib import shake_128

from fake_server.wire.budget import spend

FIXED_SIZE_MODEL = "text-embedding-ada-002"
"""The model that does not support `dimensions`."""
SIZES = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, FIXED_SIZE_MODEL: 1536}
"""OpenAI's embedding models and the dimensions of their vectors."""
_USUAL_SIZE = 1536
_SPREAD = ((8, 128), (8, 512), (16, None))
"""(places, first): each word adds to this many places among the first so many of the vector; None: all."""
_PLACES = sum(places for places, _ in _SPREAD)
_TEXT_SHARE = 0.4
"""The weight of the noise from the whole text, relative to that of its words."""
_WORD = re.compile(r"\w+")
_STEM = 4
"""In letters: "embedding" and "embeds" share a stem."""
_FUNCTION_WORDS = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "been", "by", "can", "do", "does", "for", "from", "had",
    "has", "have", "how", "i", "if", "in", "is", "it", "its", "me", "my", "of", "on", "or", "our", "so",
    "that", "the", "their", "there", "they", "this", "to", "was", "we", "were", "what", "when", "where",
    "which", "who", "why", "will", "with", "you", "your",
))  # fmt: skip
_FUNCTION_WORD_WEIGHT = 0.2
"""The weight of a function word; any other word and its stem together weigh 1."""


def vector_size(model: str) -> int:
    """The dimensions of the model's vectors."""
    return SIZES.get(model, _USUAL_SIZE)


def make_vector(model: str, text: str, dimensions: int | None = None) -> list[float]:
    """Make the vector in 32-bit precision; `dimensions` keeps its beginning, scaled to length 1 again."""
    full = vector_size(model)
    spend(200 + len(text) // 20, "the vectors of its texts")
    noise = struct.unpack(f"<{full}h", _hash(model, "text", text, length=2 * full))
    spread = _TEXT_SHARE / 18_918 / full**0.5  # 16-bit numbers drawn evenly have this standard deviation
    numbers = [(number + 0.5) * spread for number in noise]  # never 0, so that no vector is
    traits = _weigh_words(text)
    weight = 1 / (_PLACES * sum(count * count for count in traits.values())) ** 0.5
    for trait, count in traits.items():
        for place, sign in (_draw_places if len(model) + len(trait) > _LONGEST_CACHED else _draw_places_cached)(
            model, trait, full
        ):
            numbers[place] += sign * count * weight
    shortened = numbers[: dimensions or full]
    length = sum(number * number for number in shortened) ** 0.5
    return list(struct.unpack(f"<{len(shortened)}f", _pack([number / length for number in shortened])))


def encode_base64(numbers: list[float]) -> str:
    """Encode the numbers as Base64 of little-endian 32-bit floats."""
    return base64.b64encode(_pack(numbers)).decode()


def _pack(numbers: list[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def _weigh_words(text: str) -> dict[str, float]:
    """The weights of a text's words and of their stems, which make inflection matter less."""
    weights: dict[str, float] = defaultdict(float)
    for word, count in Counter(_WORD.findall(text.lower()) or [text]).items():
        if word in _FUNCTION_WORDS:
            weights[word] += _FUNCTION_WORD_WEIGHT * count
        else:
            weights[word] += 0.5 * count
            weights[word.rstrip("s")[:_STEM] + "*"] += 0.5 * count
    return weights


def _draw_places(model: str, word: str, full: int) -> tuple[tuple[int, int], ...]:
    drawn = struct.unpack(f"<{_PLACES}H", _hash(model, "word", word, length=2 * _PLACES))
    among = [first or full for places, first in _SPREAD for _ in range(places)]
    return tuple(((number >> 1) % most, 1 if number & 1 else -1) for number, most in zip(drawn, among, strict=True))


_draw_places_cached = lru_cache(maxsize=4096)(_draw_places)
_LONGEST_CACHED = 100
"""In characters of model and word together; longer ones are rare and would fill the cache."""


def _hash(*parts: str, length: int) -> bytes:
    return shake_128("\0".join(parts).encode("utf-8", "surrogatepass")).digest(length)
