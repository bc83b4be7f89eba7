"""Values known to be secret, and their encoded forms."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from fake_server.relay.redact.dummies import is_dummy
from fake_server.relay.redact.patterns import Span, skip_prefix

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
    """A secret in base64 and base32, in all alignments, and in hex."""
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
    for shift in range(5):  # base32 encodes five bytes at a time
        whole = base64.b32encode(b"\0" * shift + data).decode()
        yield whole[-(-shift * 8 // 5) : (shift + len(data)) * 8 // 5]
    yield data.hex()
    yield data.hex().upper()


def base85_forms(secret: str) -> Iterator[str]:
    """A secret in base85 and in Ascii85, in all four alignments."""
    data = secret.encode("utf-8", "replace")
    for shift in range(4):  # four bytes are encoded as a number, so only whole groups say what they were
        start = -shift % 4
        groups = data[start : start + (len(data) - start) // 4 * 4]
        if len(groups) > 4:
            yield base64.b85encode(groups).decode()
            yield base64.a85encode(groups).decode()


class Known:
    """The known values, and the forms in which they are searched for."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.values = [needle for secret in secrets for needle in needles(secret)]
        whole = [value for value, _ in self.values if not isinstance(value, ShortWord)]
        self.encoded = [(form, 0) for value in whole for form in encoded_forms(value)]
        self._cores = [*whole, *(form for form, _ in self.encoded)]
        self.encoded += [(form, 0) for value in whole for form in base85_forms(value)]

    def spans(self, text: str) -> Iterator[Span]:
        """Where they stand as they are."""
        return _spans(text, self.values)

    def encoded_spans(self, text: str) -> Iterator[Span]:
        """Where they stand encoded."""
        return _spans(text, self.encoded)

    def scattered(self, text: str) -> Iterator[list[Span]]:
        """Where other characters stand between their letters and digits."""
        return scattered(fold_case(text), self._cores)

    def runs(self, text: str) -> Iterator[list[Span]]:
        """Where they stand in any way."""
        yield from ([span] for span in (*self.spans(text), *self.encoded_spans(text)))
        yield from self.scattered(text)


def _spans(text: str, values: Iterable[tuple[str, int]]) -> Iterator[Span]:
    small = fold_case(text)
    for value, skip in values:
        yield from occurrences(text, small, value, skip)


_SEPARATORS = bytes(set(range(1, 256)) - {*b"abcdefghijklmnopqrstuvwxyz0123456789"})
"""All but small letters, digits, and NUL, which parts texts that do not belong together."""
_KEPT = re.compile("[a-z0-9\0]")
FEWEST = 8
"""Letters and digits that a value must have to be searched for among other characters."""


def scattered(small: str, values: Iterable[str]) -> Iterator[list[Span]]:
    """The spans of the letters and digits of each value that stand in this order with other characters between them.

    `small` is a text in lower case. So stand the pieces of a list of strings, folded lines, `s k - p r o j`.
    """
    cores: dict[str, set[str]] = {}
    for value in values:
        core = "".join(filter(str.isalnum, fold_case(value)))
        if len(core) >= FEWEST and core.isascii():
            cores.setdefault(core, set()).add(fold_case(value).strip("-_.~+/="))
    bare = small.encode("latin-1", "replace").translate(None, _SEPARATORS).decode() if cores else ""
    places: list[int] = []
    for core, whole in cores.items():
        position = bare.find(core)
        while position >= 0:
            places = places or [match.start() for match in _KEPT.finditer(small)]
            inner = places[position : position + len(core)]
            if small[inner[0] : inner[-1] + 1] not in whole:
                yield list(_neighbours(inner))
            position = bare.find(core, position + len(core))


def _neighbours(places: list[int]) -> Iterator[Span]:
    """The places as spans of characters that stand side by side."""
    start = places[0]
    for before, place in itertools.pairwise((*places, places[-1] + 2)):
        if place != before + 1:
            yield start, before + 1
            start = place


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
