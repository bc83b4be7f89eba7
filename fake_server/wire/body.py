"""Message bodies, read incrementally: the framing is removed as bytes arrive (RFC 9112 sections 6 and 7)."""

from __future__ import annotations

import re
from typing import Protocol

from fake_server.wire.exchange import Headers
from fake_server.wire.head import FieldReader, Malformed, TooLarge

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(;.*)?", re.DOTALL)


class Sink(Protocol):
    """Receives the payload: pieces as they arrive, and a call where a write ends."""

    def payload(self, piece: bytes) -> None: ...

    def boundary(self) -> None: ...


class SizedBody:
    """A body of known length in bytes, or, with None, one that ends with the connection."""

    trailers: Headers = ()

    def __init__(self, length: int | None) -> None:
        self.done = length == 0
        self.remarks: list[str] = []
        self._length = length
        self._seen = 0

    @property
    def missing(self) -> str:
        return "" if self._length is None else f"the body has {self._seen} of {self._length} bytes"

    def consume(self, data: bytes, position: int, sink: Sink) -> int:
        stop = len(data)
        if self._length is not None:
            stop = min(stop, position + self._length - self._seen)
        self._seen += stop - position
        self.done = self._seen == self._length
        if stop > position:
            sink.payload(data[position:stop])
            sink.boundary()
        return stop


class ChunkedBody:
    """A chunked body that starts at byte `offset` of the message; `limit` is the size limit in bytes of each
    chunk-size line and of the trailers together."""

    def __init__(self, limit: int, offset: int = 0) -> None:
        self.done = False
        self.remarks: list[str] = []
        self._limit = limit
        self._offset = offset
        self._line = bytearray()
        self._size = 0  # of the current chunk
        self._left = 0  # bytes of it still to come
        self._after_data = False  # the line ending after a chunk's data comes next
        self._trailers: FieldReader | None = None

    @property
    def missing(self) -> str:
        if self._trailers:
            return "the trailers are unfinished"
        if self._left:
            return f"a chunk has {self._size - self._left} of {self._size} bytes"
        return "the last chunk is missing"

    @property
    def trailers(self) -> Headers:
        return tuple(self._trailers.fields) if self._trailers else ()

    def consume(self, data: bytes, position: int, sink: Sink) -> int:
        while position < len(data) and not self.done:
            before = position
            if self._trailers:
                position = self._trailers.consume(data, position)
                self.done = self._trailers.done
            elif self._left:
                position = self._consume_data(data, position, sink)
            else:
                position = self._consume_line(data, position)
            self._offset += position - before
        return position

    def _consume_data(self, data: bytes, position: int, sink: Sink) -> int:
        stop = min(len(data), position + self._left)
        self._left -= stop - position
        self._after_data = self._left == 0
        sink.payload(data[position:stop])
        if self._after_data:
            sink.boundary()
        return stop

    def _consume_line(self, data: bytes, position: int) -> int:
        newline = data.find(b"\n", position)
        stop = len(data) if newline < 0 else newline + 1
        begin = self._offset - len(self._line)
        self._line += data[position:stop]
        if len(self._line) > self._limit:
            raise TooLarge("head", f"a chunk-size line is longer than {self._limit} bytes")
        if self._after_data and not b"\r\n".startswith(self._line) and self._line != b"\n":
            raise Malformed(begin, f"a chunk must be followed by a line ending, not {bytes(self._line[:20])!r}")
        if not self._after_data:
            self._check_size(begin)
        if newline >= 0:
            self._end_line(begin, self._offset + stop - position)
        return stop

    def _check_size(self, begin: int) -> None:
        """Raise as soon as the line cannot become a size, so that nobody waits for the rest of it."""
        line = self._line
        carriage = line.find(b"\r")
        bad_carriage = 0 <= carriage < len(line) - 1 and line[carriage + 1 : carriage + 2] != b"\n"
        if bad_carriage or not re.match(rb"[0-9A-Fa-f]", line):
            raise Malformed(begin, f"not a chunk size: {bytes(line[:40])!r}")

    def _end_line(self, begin: int, after: int) -> None:
        line = bytes(self._line)
        self._line.clear()
        if not line.endswith(b"\r\n") and not self.remarks:
            self.remarks.append("a line of the chunk framing ends with a bare LF")
        if self._after_data:
            self._after_data = False
            return
        match = _SIZE.fullmatch(line.rstrip(b"\r\n"))
        if not match:
            raise Malformed(begin, f"not a chunk size: {line[:40]!r}")
        self._size = self._left = int(match.group(1), 16)
        if not self._size:
            self._trailers = FieldReader(self._limit, after, start_line=False)


Body = SizedBody | ChunkedBody
"""A body being read. `missing` says in words what has not arrived yet; '' if the body may end here.

`consume` consumes `data` from `position` and returns the position after what was consumed.
"""
