"""Faults in the bytes of a reply: wrong headers, lengths and encodings."""

from __future__ import annotations

import gzip
import random
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fake_server.faults.base import (
    Fault,
    NotPossible,
    Number,
    Placed,
    Positive,
    replace_body,
)
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Ending, Write


class Garbage(Placed):
    """Meaningless bytes are inserted: `text`, or `bytes` random bytes."""

    fault: Literal["garbage"] = "garbage"
    text: str | None = None
    bytes: Positive = 32

    def apply(self, delivery: Delivery) -> Delivery:
        before, after = self.split(delivery)
        inserted = random.Random(self.bytes).randbytes(self.bytes) if self.text is None else self.text.encode()
        return replace_body(delivery, [*before, Write(inserted), *after])


class Bom(Fault):
    """The body begins with a byte order mark."""

    fault: Literal["bom"] = "bom"

    def apply(self, delivery: Delivery) -> Delivery:
        return _add_prefix(delivery, b"\xef\xbb\xbf")


class InvalidUtf8(Placed):
    """A byte that is not UTF-8 is inserted into the content of a message, the first after the place."""

    fault: Literal["invalid-utf8"] = "invalid-utf8"

    def apply(self, delivery: Delivery) -> Delivery:
        before, after = self.split(delivery)
        for index, write in enumerate(after):
            place = write.data.find(b'"content"')
            start = write.data.find(b'"', place + 9) + 1 if place >= 0 else 0
            if start:
                data = write.data[:start] + b"\xff" + write.data[start:]
                changed = [*after[:index], Write(data, write.pause), *after[index + 1 :]]
                return replace_body(delivery, [*before, *changed])
        raise NotPossible("the reply has no message content")


class BrokenGzip(Fault):
    """The body claims to be gzip, but is `truncated`, `corrupt` in the middle, or plain (`not-gzip`)."""

    fault: Literal["broken-gzip"] = "broken-gzip"
    how: Literal["truncated", "corrupt", "not-gzip"] = "truncated"

    def apply(self, delivery: Delivery) -> Delivery:
        body = b"".join(write.data for write in delivery.writes)
        packed = gzip.compress(body, mtime=0)
        middle = len(packed) // 2
        sent = {
            "truncated": packed[:middle],
            "corrupt": packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :],
            "not-gzip": body,
        }[self.how]
        headers = (*delivery.headers, ("content-encoding", "gzip"))
        return replace_body(delivery.but(headers=headers), [Write(sent)])


class Empty(Fault):
    """The status and the headers are sent, but the body is empty."""

    fault: Literal["empty-body"] = "empty-body"

    def apply(self, delivery: Delivery) -> Delivery:
        return replace_body(delivery, [])


FRAMING = frozenset({"date", "content-length", "transfer-encoding", "connection"})
"""Fields that the server adds when it frames a reply, after the faults."""


class Header(Fault):
    """The header field `name` has another value, or is missing if `value` is null.

    Not possible for `date`, `content-length`, `transfer-encoding` and `connection`, which the server adds when it
    frames the reply (for a wrong Content-Length there is `wrong-length`), and without effect on the `access-control-`
    fields, for which there is `no-cors`.
    """

    fault: Literal["header"] = "header"
    name: Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")] = "content-type"
    value: Annotated[str, Field(pattern=r"^[\t\x20-\x7e]*$")] | None = "text/plain"

    def apply(self, delivery: Delivery) -> Delivery:
        name = self.name.lower()
        if name in FRAMING:
            raise NotPossible(f"the server adds {name} itself, after the faults")
        others = tuple(pair for pair in delivery.headers if pair[0].lower() != name)
        if self.value is None:
            return delivery.but(headers=others, omitted=delivery.omitted | {name})
        return delivery.but(headers=(*others, (self.name, self.value)))


class WrongLength(Fault):
    """Content-Length is wrong by `by` bytes: too large, or too small if negative; the body is not chunked."""

    fault: Literal["wrong-length"] = "wrong-length"
    by: Number = 10
    applied_last: ClassVar[bool] = True

    def apply(self, delivery: Delivery) -> Delivery:
        writes = tuple(delivery.writes)
        length = max(sum(len(write.data) for write in writes) + self.by, 0)
        return delivery.but(writes=writes, length=length, ending=Ending.CUT)


def _add_prefix(delivery: Delivery, prefix: bytes) -> Delivery:
    writes = list(delivery.writes)
    first = writes[0] if writes else Write(b"")
    return replace_body(delivery, [Write(prefix + first.data, first.pause), *writes[1:]])
