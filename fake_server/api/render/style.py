"""The freedom that the contract leaves a server: where text is split, how JSON is written, line endings.

A client that depends on any of these works by accident, so the fake varies them by seed. What would break
any version of the official SDK is not varied: the blank line between events, `[DONE]`, UTF-8.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
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
    """Make a random id in OpenAI's form: the prefix and `length` letters or digits."""
    return prefix + os.urandom(length).translate(_LETTER_OF_BYTE).decode("ascii")


@dataclass(frozen=True)
class Style:
    """How a reply is written.

    `cuts` says how text is split into deltas: "tokens" (as OpenAI does), "groups" (of four tokens),
    "few" (at most four deltas), "letters" (one to five characters). `order` is the order of JSON
    members: "given", "sorted" or "reversed"; `spaced` puts spaces after commas and colons, `escaped`
    writes all but ASCII as escapes. `id_length` is the number of letters and digits after `chatcmpl-`.
    `bare_opening` leaves only the role in a stream's first delta; `end_together` ends all choices of
    a text completion in one chunk, as api.openai.com does at times. `comments` puts SSE comments
    between events, `obfuscation` pads chunks. `header_case` is how header names are written: "lower",
    "title" or "upper". `space` follows `data:`; no seed leaves it out, because many clients other than
    the official SDK need it.

    Of responses: `keepalive` sends an event of that name, `extends` one of a type that only this server has, `dated`
    says when they were completed, `reserved` leaves out the reasoning item that shows nothing, and `reseals` encrypts
    reasoning anew in each event.
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
    keepalive: bool = False
    extends: bool = False
    dated: bool = True
    reserved: bool = False
    reseals: bool = False
    seed: int = 0

    PLAIN: ClassVar[Style]

    @classmethod
    def draw(cls, seed: int, request: bytes) -> Style:
        """Draw the style for a request; the same seed and request bytes give the same style."""
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
            keepalive=drawn[11] < 51,
            dated=drawn[12] >= 51,
            reserved=drawn[13] < 77,
            reseals=drawn[14] < 77,
            extends=drawn[15] < 51,
            seed=int.from_bytes(drawn[16:], "big"),
        )

    def serialize(self, value: Any) -> bytes:
        """Serialize a value as JSON in UTF-8."""
        shaped = reverse(value) if self.order == "reversed" else value
        text = _encoder(self.escaped, self.spaced, self.order == "sorted").encode(shaped)
        try:
            return text.encode()
        except UnicodeEncodeError:  # a lone surrogate can only be written as an escape
            return _encoder(True, self.spaced, self.order == "sorted").encode(shaped).encode()

    def serialize_texts(self, texts: Iterable[str]) -> list[bytes]:
        """Serialize strings as JSON in UTF-8."""
        encode = encode_basestring_ascii if self.escaped else encode_basestring
        # `backslashreplace` writes a lone surrogate as JSON escapes it.
        return [encode(text).encode("utf-8", "backslashreplace") for text in texts]

    def format_event(self, data: bytes, name: str = "") -> bytes:
        """Format a server-sent event with this data, and with a name if it has one."""
        end = self.line_end.encode()
        event = (b"data: " if self.space else b"data:") + data + end + end
        return b"event: " + name.encode() + end + event if name else event

    def format_comment(self) -> bytes:
        """Format an SSE comment, which parsers ignore."""
        return f": keep-alive{self.line_end * 2}".encode()

    def format_stream(self, chunks: Iterable[Mapping[str, Any] | list[bytes]]) -> Iterator[bytes]:
        """Format a stream of chunks or lists of events, and `[DONE]`; comments are separate items."""
        return chain.from_iterable(self._event_lists(chunks, named=False))

    def format_named_stream(self, chunks: Iterable[Mapping[str, Any] | list[bytes]]) -> Iterator[bytes]:
        """Format a stream of events, each named as its `type`, or of lists of such; comments are separate items."""
        return chain.from_iterable(self._event_lists(chunks, named=True))

    def _event_lists(self, chunks: Iterable[Mapping[str, Any] | list[bytes]], *, named: bool) -> Iterator[list[bytes]]:
        position = 0
        for chunk in chunks:
            if isinstance(chunk, list):
                events = chunk
            else:
                events = [self.format_event(self.serialize(chunk), chunk["type"] if named else "")]
            if self.comments:
                yield self._with_comments(events, position)
            else:
                yield events
            position += len(events)
        if not named:
            yield [self.format_event(b"[DONE]")]

    def _with_comments(self, events: list[bytes], position: int) -> list[bytes]:
        """Put a comment before every seventh event of the stream; `position` is that of the first."""
        items: list[bytes] = []
        for index, event in enumerate(events, position):
            if index % _COMMENT_EVERY == 0:
                items.append(self.format_comment())
            items.append(event)
        return items

    def format_header_name(self, name: str) -> str:
        """Write a header name in this style's case, which has no meaning (RFC 9110 section 5.1)."""
        return _title_case(name) if self.header_case == "title" else str(getattr(name, self.header_case)())

    def split(self, text: str) -> Sequence[str]:
        """Split a text into deltas, none of them empty."""
        if self.cuts == "tokens":
            return tokens.split(text)
        if self.cuts == "letters":
            return _split_letters(text, random.Random(self.seed))
        return ["".join(group) for group in self.group(tokens.split(text))]

    def group(self, pieces: Sequence[_Piece]) -> Iterator[Sequence[_Piece]]:
        """Group tokens into deltas: one each, four each, or as many as leave few deltas."""
        size = {"groups": _GROUP_SIZE, "few": -(-len(pieces) // _FEW_PIECES)}.get(self.cuts, 1)
        for start in range(0, len(pieces), max(size, 1)):
            yield pieces[start : start + size]

    def new_reply_id(self, prefix: str = "chatcmpl-") -> str:
        """Make an id for a reply."""
        return new_id(prefix, self.id_length)

    def new_item_id(self, prefix: str) -> str:
        """Make an id for a response or one of its items: 50 digits, or as many more or fewer as a reply's id has."""
        return prefix + os.urandom(self.id_length).hex()[: self.id_length + 21]

    def new_call_id(self) -> str:
        """Make an id for a tool call: `call_` and five characters fewer than a reply's id, as OpenAI does."""
        return new_id("call_", self.id_length - 5)


@lru_cache(1000)
def _title_case(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _split_letters(text: str, chance: random.Random) -> list[str]:
    """Split a text into pieces of one to five characters."""
    pieces, start = [], 0
    while start < len(text):
        stop = start + chance.randint(1, 5)
        pieces.append(text[start:stop])
        start = stop
    return pieces


def reverse(value: Any) -> Any:
    """The value with the members of all its objects in reverse order."""
    if isinstance(value, dict):
        return {name: reverse(value[name]) for name in reversed(value)}
    return [reverse(item) for item in value] if isinstance(value, list) else value


@cache
def _encoder(escaped: bool, spaced: bool, in_order: bool) -> json.JSONEncoder:
    separators = (", ", ": ") if spaced else (",", ":")
    return json.JSONEncoder(ensure_ascii=escaped, separators=separators, sort_keys=in_order)


Style.PLAIN = Style(obfuscation=False)
