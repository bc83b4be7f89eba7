"""Values known to be secret, and their encoded forms."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from fake_server.relay.redact.patterns import Span, is_dummy, skip_prefix

SHORTEST = 8
"""Characters below which the part after a prefix is too common to search for without the prefix."""

_CONTEXT = (
    r"(?i:(?:bearer|basic|keys?|tokens?|secrets?|password|passwd|pwd|credentials?|auth|authorization|cookie|session"
    r"|code|state|sig|signature)[\"'`\])]{0,2}[ \t]{0,3}"
    r"(?:(?:provided|was|is|of|value|given|sent|used|received|named|called|header)[ \t]{1,3}){0,3}(?:provided)?"
    r"[:=]{0,2}[ \t+]{0,3}(?:bearer|basic)?[ \t+]{0,3}[\"'`(\[<]{0,2})"
)
"""What stands in front of a credential in a header field, a URL, JSON or an error text."""


class ShortWord(str):
    """A secret like `test` or `EMPTY`, which ordinary texts hold: it is one only where a credential stands."""

    __slots__ = ()


def as_known(values: Collection[str]) -> tuple[str, ...]:
    """The values to search for, longest first; a short plain word counts only where a credential stands."""
    known = {ShortWord(value) if _is_plain_word(value) else value for value in values if value and not is_dummy(value)}
    return tuple(sorted(known, key=lambda value: (-len(value), value)))


def _is_plain_word(value: str) -> bool:
    """Whether texts hold this value by chance: `test`, `EMPTY`, `1234`, `a1`."""
    return len(value) < SHORTEST and (len(value) < 4 or value.isalpha() or value.isdecimal())


@lru_cache(maxsize=256)
def _in_its_place(value: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9]){_CONTEXT}({re.escape(value)})(?![A-Za-z0-9])")


def needles(secret: str) -> Iterator[tuple[str, int]]:
    """The strings to search for in a text of bytes (latin-1), each with the length of the prefix to keep."""
    if isinstance(secret, ShortWord):
        yield secret, 0
        return
    skip = skip_prefix(secret)
    tail, prefix = (secret[skip:], 0) if len(secret) - skip >= SHORTEST else (secret, skip)
    yield tail, prefix
    if not tail.isascii():
        for source, target in (("utf-8", "latin-1"), ("latin-1", "utf-8")):
            try:
                yield tail.encode(source).decode(target), prefix
            except ValueError:
                continue


def encoded_forms(secret: str) -> Iterator[str]:
    """A secret in base64, in all three alignments, and in hex."""
    data = secret.encode("latin-1") if secret.isascii() else secret.encode("utf-8", "replace")
    # Base64 encodes three bytes at a time, so the letters of a secret depend on its offset modulo 3. Only
    # letters that come from bytes of the secret alone are used: hence the cuts at both ends.
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + data).decode()
        inner = whole[(0, 2, 3)[shift] : (shift + len(data)) * 8 // 6]
        if len(inner) >= SHORTEST:
            yield inner
            if "+" in inner or "/" in inner:
                yield inner.replace("+", "-").replace("/", "_")
    yield data.hex()
    yield data.hex().upper()


def fold_case(text: str) -> str:
    """The text in lower case, of the same length: U+0130 is the one character that would become two."""
    return text.replace("\u0130", "i").lower()


def occurrences(text: str, small: str, value: str, skip: int = 0) -> Iterator[Span]:
    """The spans of a value in a text, without its first `skip` characters; `small` is the text in lower case.

    Servers change the letter case of keys, so case does not matter, except for a short value, which may be
    an ordinary word.
    """
    if isinstance(value, ShortWord):
        if value in text:
            yield from (match.span(1) for match in _in_its_place(value).finditer(text))
        return
    if len(value) >= SHORTEST:
        text, value = small, fold_case(value)
    position = text.find(value)
    while position >= 0:
        yield position + skip, position + len(value)
        position = text.find(value, position + len(value))
