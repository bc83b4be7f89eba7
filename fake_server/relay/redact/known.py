"""Values that are known to be secret, and how they look where they stand encoded."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from fake_server.relay.redact.patterns import Span, skip_prefix

SHORTEST = 8
"""Characters below which what follows a prefix is too common to be looked for without it."""


def needles(secret: str) -> Iterator[tuple[str, int]]:
    """What to look for in texts whose characters are bytes, and how many characters of it may stay."""
    skip = skip_prefix(secret)
    tail, kept = (secret[skip:], 0) if len(secret) - skip >= SHORTEST else (secret, skip)
    yield tail, kept
    if not tail.isascii():
        for source, target in (("utf-8", "latin-1"), ("latin-1", "utf-8")):
            try:
                yield tail.encode(source).decode(target), kept
            except ValueError:
                continue


def encoded_forms(secret: str) -> Iterator[str]:
    """A secret in base64, in its three alignments, and in hex."""
    data = secret.encode("latin-1") if secret.isascii() else secret.encode("utf-8", "replace")
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
    """The text in small letters, each in its place: U+0130 alone would become two."""
    return text.replace("\u0130", "i").lower()


def occurrences(text: str, small: str, value: str, skip: int = 0) -> Iterator[Span]:
    """Where a value stands in a text, without its first `skip` characters; `small` is the text folded.

    Servers write keys in capitals and small letters of their own; a value that is short, and so may be a
    word, is looked for as it is.
    """
    if len(value) >= SHORTEST:
        text, value = small, fold_case(value)
    position = text.find(value)
    while position >= 0:
        yield position + skip, position + len(value)
        position = text.find(value, position + len(value))
