"""The freedom that the contract leaves: where text is cut, how JSON is written, which line ends.

A client that depends on any of it works by accident, so the fake varies it by a seed. What breaks a
generation of the official SDK is not varied: the blank line between events, the `[DONE]`, UTF-8.
"""

from __future__ import annotations

import hashlib
import json
import random
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fake_server import tokens

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def new_id(prefix: str, length: int = 29) -> str:
    """An id nobody had before, in the shape of OpenAI's: `chatcmpl-` and 29 letters or digits."""
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(length))


@dataclass(frozen=True)
class Style:
    """How one reply is written.

    `grain` cuts text into deltas: "token" (as OpenAI does), "words" (several tokens at once),
    "letters" (a few characters at a time). `order` is the order of JSON members: "given",
    "sorted" or "reversed". `comments` puts SSE comments between events, `obfuscation` pads chunks.
    """

    grain: str = "token"
    order: str = "given"
    spaced: bool = False
    escaped: bool = False
    line_end: str = "\n"
    space: bool = True
    comments: bool = False
    obfuscation: bool = True
    seed: int = 0

    PLAIN: ClassVar[Style]

    @classmethod
    def draw(cls, seed: int, request: bytes) -> Style:
        """The style that this seed gives this request: equal requests are written alike."""
        digest = hashlib.blake2b(request, digest_size=8, key=str(seed).encode()[:64]).digest()
        number = int.from_bytes(digest, "big")
        chance = random.Random(number)
        return cls(
            grain=chance.choice(("token", "token", "words", "letters")),
            order=chance.choice(("given", "given", "sorted", "reversed")),
            spaced=chance.random() < 0.3,
            escaped=chance.random() < 0.3,
            line_end="\r\n" if chance.random() < 0.2 else "\n",
            space=chance.random() < 0.85,
            comments=chance.random() < 0.2,
            obfuscation=chance.random() < 0.5,
            seed=number,
        )

    def json(self, value: Mapping[str, Any]) -> bytes:
        """The value as JSON text in UTF-8."""
        shaped = self._ordered(value)
        separators = (", ", ": ") if self.spaced else (",", ":")
        text = json.dumps(shaped, ensure_ascii=self.escaped, separators=separators)
        try:
            return text.encode()
        except UnicodeEncodeError:  # a lone surrogate can only be written as an escape
            return json.dumps(shaped, separators=separators).encode()

    def event(self, data: bytes) -> bytes:
        """One server-sent event."""
        end = self.line_end.encode()
        return (b"data: " if self.space else b"data:") + data + end + end

    def comment(self) -> bytes:
        """A comment, which parsers drop."""
        return f": keep-alive{self.line_end * 2}".encode()

    def cut(self, text: str) -> Iterator[str]:
        """The text in pieces, none of them empty."""
        if self.grain == "letters":
            chance = random.Random(self.seed)
            start = 0
            while start < len(text):
                stop = start + chance.randint(1, 5)
                yield text[start:stop]
                start = stop
            return
        size = 1 if self.grain == "token" else 4
        pieces = tokens.split(text)
        for start in range(0, len(pieces), size):
            yield "".join(pieces[start : start + size])

    def _ordered(self, value: Any) -> Any:
        if self.order == "given":
            return value
        if isinstance(value, Mapping):
            names = sorted(value) if self.order == "sorted" else list(value)[::-1]
            return {name: self._ordered(value[name]) for name in names}
        if isinstance(value, (list, tuple)):
            return [self._ordered(item) for item in value]
        return value


Style.PLAIN = Style(obfuscation=False)
