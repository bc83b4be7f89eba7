"""Faults in the bytes of a reply: wrong headers, lengths and encodings."""

from __future__ import annotations

import gzip
import random
import re
import zlib
from typing import ClassVar, Literal

from fake_server.faults.base import Edit, Fault, FieldName, FieldValue, NotPossible, Number, Placed, Positive, encode
from fake_server.wire.budget import check_room
from fake_server.wire.delivery import NO_BODY, Delivery
from fake_server.wire.exchange import Ending, Write


class Garbage(Placed):
    """Meaningless bytes are inserted: `text`, or `bytes` random bytes."""

    fault: Literal["garbage"] = "garbage"
    text: str | None = None
    bytes: Positive = 32

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        before, after = self.split(delivery, writes)
        check_room(self.bytes if self.text is None else 0, "the bytes of the fault garbage")
        inserted = random.Random(self.bytes).randbytes(self.bytes) if self.text is None else encode(self.text)
        return [*before, Write(inserted), *after]


class Bom(Edit):
    """The body begins with a byte order mark."""

    fault: Literal["bom"] = "bom"

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        first = writes[0] if writes else Write(b"")
        return [Write(b"\xef\xbb\xbf" + first.data, first.pause), *writes[1:]]


_CONTENT = re.compile(rb'"(?:content|delta|text)"\s*:\s*"')
"""The beginning of a message's text, or of a piece of it."""


class InvalidUtf8(Placed):
    """A byte that is not UTF-8 is inserted into the content of a message, the first after the place."""

    fault: Literal["invalid-utf8"] = "invalid-utf8"

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        before, after = self.split(delivery, writes)
        for index, write in enumerate(after):
            found = _CONTENT.search(write.data)
            start = found.end() if found else 0
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


class Compress(Fault):
    """The body is compressed with `coding` although the client did not ask for it, and every write is flushed: each
    event of a stream arrives when it is due. With `named` false, Content-Encoding does not say so.

    It is applied last: the places of other faults count bytes before compression.
    """

    fault: Literal["compress"] = "compress"
    coding: Literal["gzip", "deflate"] = "gzip"
    named: bool = True
    applied_last: ClassVar[int] = 2

    def apply(self, delivery: Delivery) -> Delivery:
        packer = zlib.compressobj(wbits=zlib.MAX_WBITS + 16 if self.coding == "gzip" else zlib.MAX_WBITS)
        plain = list(delivery.writes)
        writes = [Write(packer.compress(at.data) + packer.flush(zlib.Z_SYNC_FLUSH), at.pause) for at in plain]
        if writes and delivery.ending is Ending.CLEAN:  # what is cut stays without its end
            writes[-1] = Write(writes[-1].data + packer.flush(), writes[-1].pause)
        grown = sum(len(write.data) for write in writes) - sum(len(write.data) for write in plain)
        length = None if delivery.length is None else max(delivery.length + grown, 0)
        headers = tuple(pair for pair in delivery.headers if pair[0].lower() != "content-encoding")
        if self.named:
            headers = (*headers, ("content-encoding", self.coding))
        return delivery.but(headers=headers, writes=tuple(writes), length=length)


class Empty(Edit):
    """The status and the headers are sent, but the body is empty."""

    fault: Literal["empty-body"] = "empty-body"

    def edit(self, delivery: Delivery, writes: list[Write]) -> list[Write]:
        return []


FRAMING = frozenset({"date", "content-length", "transfer-encoding", "connection"})
"""Fields that the server adds when it frames a reply, after the faults."""


class Header(Fault):
    """The header field `name` has another value, or is missing if `value` is null, also where the server adds it to
    every reply: `x-request-id`, `openai-version`, `access-control-allow-origin`.

    Not possible for `date`, `content-length`, `transfer-encoding` and `connection`, which the server adds when it
    frames the reply; for these there are `wrong-length` and `double-framing`.
    """

    fault: Literal["header"] = "header"
    name: FieldName = "content-type"
    value: FieldValue | None = "text/plain"

    def apply(self, delivery: Delivery) -> Delivery:
        name = self.name.lower()
        if name in FRAMING:
            raise NotPossible(f"the server adds {name} itself, after the faults")
        others = tuple(pair for pair in delivery.headers if pair[0].lower() != name)
        headers = others if self.value is None else (*others, (self.name, self.value))
        return delivery.but(headers=headers, omitted=delivery.omitted | {name})


class WrongLength(Fault):
    """Content-Length is wrong by `by` bytes: too large, or too small if negative; the body is not chunked."""

    fault: Literal["wrong-length"] = "wrong-length"
    by: Number = 10
    applied_last: ClassVar[int] = 1

    def apply(self, delivery: Delivery) -> Delivery:
        writes = tuple(delivery.writes)
        length = max(sum(len(write.data) for write in writes) + self.by, 0)
        return delivery.but(writes=writes, length=length, ending=Ending.CUT)


class DoubleFraming(Fault):
    """Content-Length, wrong by `by` bytes, stands beside `Transfer-Encoding: chunked`. The body is in chunks; with
    `chunks` false it is not, although the head says so, and the connection ends after it.
    """

    fault: Literal["double-framing"] = "double-framing"
    by: Number = 0
    chunks: bool = True
    applied_last: ClassVar[int] = 1

    def apply(self, delivery: Delivery) -> Delivery:
        if delivery.status in NO_BODY:
            raise NotPossible(f"a reply with status {delivery.status} has no body")
        writes = tuple(delivery.writes)
        length = max(sum(len(write.data) for write in writes) + self.by, 0)
        if self.chunks:
            return delivery.but(writes=writes, length=length, chunked=True)
        headers = (*delivery.headers, ("transfer-encoding", "chunked"))
        ending = Ending.CUT if delivery.ending is Ending.CLEAN else delivery.ending
        return delivery.but(headers=headers, writes=writes, length=length, ending=ending)
