"""Letters and digits that look like those of ASCII: in full width, in a mathematical alphabet, in a circle."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress

LOOKALIKE = re.compile(
    "[\uff01-\uff5e\U0001d400-\U0001d7ff\u2460-\u2468\u24b6-\u24ea]"
    "|\xef(?:\xbc[\x81-\xbf]|\xbd[\x80-\x9e])|\xf0\x9d[\x90-\x9f][\x80-\xbf]"
    "|\xe2(?:\x91[\xa0-\xa8]|\x92[\xb6-\xbf]|\x93[\x80-\xaa])"
)
"""One of them; also as bytes of UTF-8, each a character of Latin-1, as bodies are read."""
LOOKALIKES = re.compile(f"(?:(?:{LOOKALIKE.pattern})[!-~]{{0,2}}){{4}}")
"""So many, with a few of ASCII between them, that somebody may have written a credential with them."""


def plain_letter(letter: str) -> str:
    """The ASCII character that a letter stands for (NFKC of Unicode); U+FFFD where there is none."""
    with suppress(ValueError):
        letter = letter.encode("latin-1").decode()
    plain = unicodedata.normalize("NFKC", letter)
    return plain if len(plain) == 1 and plain.isascii() else "\ufffd"
