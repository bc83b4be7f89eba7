"""Faults in the bytes of a reply: wrong headers, lengths and encodings."""

from __future__ import annotations

import gzip
import random
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from fake_server.faults.base import Edit, Fault, NotPossible, Number, Placed, Positive
from fake_server.wire.delivery import Delivery
from fake_server.wire.exchange import Ending, Write


class Garbage(Placed):
    """Meaningless bytes are inserted: `text`, or `bytes` random bytes."""

    fault: Literal["garbage"] = "garbage"
    text: str | None = None
    bytes: Positive = 32

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        before, after = self.split(delivery, writes)
        inserted = random.Random(self.bytes).randbytes(self.bytes) if self.text is None else self.text.encode()
        return [*before, Write(inserted), *after]


class Bom(Edit):
    """The body begins with a byte order mark."""

    fault: Literal["bom"] = "bom"

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        first = writes[0] if writes else Write(b"")
        return [Write(b"\xef\xbb\xbf" + first.data, first.pause), *writes[1:]]


class InvalidUtf8(Placed):
    """A byte that is not UTF-8 is inserted into the content of a message, the first after the place."""

    fault: Literal["invalid-utf8"] = "invalid-utf8"

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        before, after = self.split(delivery, writes)
        for index, write in enumerate(after):
            place = write.data.find(b'"content"')
            start = write.data.find(b'"', place + 9) + 1 if place >= 0 else 0
            if start:
                data = write.data[:start] + b"\xff" + write.data[start:]
                return [*before, *after[:index], Write(data, write.pause), *after[index + 1 :]]
        raise NotPossible("the reply has no message content")


class BrokenGzip(Edit):
    """The body claims to be gzip, but is `truncated`, `corrupt` in the middle, or plain (`not-gzip`)."""

    fault: Literal["broken-gzip"] = "broken-gzip"
    how: Literal["truncated", "corrupt", "not-gzip"] = "truncated"

    def apply(self, delivery: Delivery) -> Delivery:
        headers = (*delivery.headers, ("content-encoding", "gzip"))
        return super().apply(delivery).but(headers=headers)

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        body = b"".join(write.data for write in writes)
        packed = gzip.compress(body, mtime=0)
        middle = len(packed) // 2
        sent = {
            "truncated": packed[:middle],
            "corrupt": packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :],
            "not-gzip": body,
        }[self.how]
        return [Write(sent)]


class Empty(Edit):
    """The status and the headers are sent, but the body is empty."""

    fault: Literal["empty-body"] = "empty-body"

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        return []


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
