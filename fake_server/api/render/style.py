"""The freedom that the contract leaves: where text is cut, how JSON is written, which line ends.

A client that depends on any of it works by accident, so the fake varies it by a seed. What breaks a
generation of the official SDK is not varied: the blank line between events, the `[DONE]`, UTF-8.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, ClassVar, TypeVar

from fake_server.api import tokens

_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LETTER_OF_BYTE = bytes(_LETTERS[byte % len(_LETTERS)] for byte in range(256))
_GROUP_SIZE = 4
_FEW_PIECES = 4
_COMMENT_EVERY = 7
_Piece = TypeVar("_Piece")


def new_id(prefix: str, length: int = 29) -> str:
    """An id nobody had before, in the shape of OpenAI's: `chatcmpl-` and 29 letters or digits."""
    return prefix + os.urandom(length).translate(_LETTER_OF_BYTE).decode("ascii")


@dataclass(frozen=True)
class Style:
    """How one reply is written.

    `cuts` says where text is cut into deltas: "tokens" (as OpenAI does), "groups" (four tokens at
    once), "few" (at most four deltas), "letters" (one to five characters). `order` is the order of
    JSON members: "given", "sorted" or "reversed". `id_length` is how many letters and digits follow
    `chatcmpl-`. `bare_opening` leaves all but the role out of a stream's first delta, `end_together`
    lets one chunk end all choices of a text completion, as api.openai.com does at times. `comments`
    puts SSE comments between events, `obfuscation` pads chunks. `header_case` is how header names
    are written: "lower", "title" or "upper". `space` is the one that follows `data:`; no seed leaves
    it out because many a client outside the official SDK needs it.
    """

    cuts: str = "tokens"
    order: str = "given"
    spaced: bool = False
    escaped: bool = False
    line_end: str = "\n"
    space: bool = True
    id_length: int = 29
    bare_opening: bool = False
    comments: bool = False
    obfuscation: bool = True
    header_case: str = "lower"
    end_together: bool = False
    seed: int = 0

    PLAIN: ClassVar[Style]

    @classmethod
    def draw(cls, seed: int, request: bytes) -> Style:
        """The style that this seed gives this request: equal requests are written alike."""
        drawn = hashlib.blake2b(request, digest_size=24, key=str(seed).encode()[:64]).digest()
        return cls(
            cuts=("tokens", "tokens", "groups", "few", "letters")[drawn[0] % 5],
            order=("given", "given", "sorted", "reversed")[drawn[1] % 4],
            spaced=drawn[2] < 77,
            escaped=drawn[3] < 77,
            line_end="\r\n" if drawn[4] < 51 else "\n",
            id_length=(29, 29, 20, 36)[drawn[5] % 4],
            bare_opening=drawn[6] < 51,
            comments=drawn[7] < 51,
            obfuscation=drawn[8] < 128,
            header_case=("lower", "lower", "title", "upper")[drawn[9] % 4],
            end_together=drawn[10] < 77,
            seed=int.from_bytes(drawn[16:], "big"),
        )

    def serialize(self, value: Mapping[str, Any]) -> bytes:
        """The value as JSON text in UTF-8."""
        shaped = reverse(value) if self.order == "reversed" else value
        text = _encoder(self.escaped, self.spaced, self.order == "sorted").encode(shaped)
        try:
            return text.encode()
        except UnicodeEncodeError:  # a lone surrogate can only be written as an escape
            return _encoder(True, self.spaced, self.order == "sorted").encode(shaped).encode()

    def serialize_text(self, value: str) -> bytes:
        """A text as JSON."""
        text = encode_basestring_ascii(value) if self.escaped else encode_basestring(value)
        return text.encode("utf-8", "backslashreplace")  # which is how JSON escapes a lone surrogate

    def format_event(self, data: bytes) -> bytes:
        """One server-sent event."""
        end = self.line_end.encode()
        return (b"data: " if self.space else b"data:") + data + end + end

    def format_comment(self) -> bytes:
        """A comment, which parsers drop."""
        return f": keep-alive{self.line_end * 2}".encode()

    def format_stream(self, chunks: Iterable[Mapping[str, Any] | bytes]) -> Iterator[bytes]:
        """Chunks, or events already made, with `[DONE]` after them; comments are entries of their own."""
        for position, chunk in enumerate(chunks):
            if self.comments and position % _COMMENT_EVERY == 0:
                yield self.format_comment()
            yield chunk if isinstance(chunk, bytes) else self.format_event(self.serialize(chunk))
        yield self.format_event(b"[DONE]")

    def format_header_name(self, name: str) -> str:
        """A header's name; its case means nothing (RFC 9110 section 5.1)."""
        return _title_case(name) if self.header_case == "title" else str(getattr(name, self.header_case)())

    def split(self, text: str) -> Iterator[str]:
        """The text in pieces, none of them empty."""
        if self.cuts == "letters":
            chance = random.Random(self.seed)
            start = 0
            while start < len(text):
                stop = start + chance.randint(1, 5)
                yield text[start:stop]
                start = stop
            return
        if self.cuts == "tokens":
            yield from tokens.split(text)
            return
        for group in self.group(tokens.split(text)):
            yield "".join(group)

    def group(self, pieces: Sequence[_Piece]) -> Iterator[Sequence[_Piece]]:
        """Tokens as they share deltas: one, four, or so many that there are few deltas."""
        size = {"groups": _GROUP_SIZE, "few": -(-len(pieces) // _FEW_PIECES)}.get(self.cuts, 1)
        for start in range(0, len(pieces), max(size, 1)):
            yield pieces[start : start + size]

    def new_reply_id(self, prefix: str = "chatcmpl-") -> str:
        """A new id for a chat completion, or for what else begins with `prefix`."""
        return new_id(prefix, self.id_length)

    def new_call_id(self) -> str:
        """A new id for a tool call: `call_` and five characters fewer than a completion's has."""
        return new_id("call_", self.id_length - 5)


@lru_cache(1000)
def _title_case(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def reverse(value: Any) -> Any:
    """The value with the members of its objects in the opposite order."""
    if isinstance(value, dict):
        return {name: reverse(value[name]) for name in reversed(value)}
    return [reverse(item) for item in value] if isinstance(value, list) else value


@cache
def _encoder(escaped: bool, spaced: bool, in_order: bool) -> json.JSONEncoder:
    separators = (", ", ": ") if spaced else (",", ":")
    return json.JSONEncoder(ensure_ascii=escaped, separators=separators, sort_keys=in_order)


Style.PLAIN = Style(obfuscation=False)
