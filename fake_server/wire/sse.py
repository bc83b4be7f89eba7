"""Parses server-sent events (WHATWG HTML section 9.2.6) and keeps byte offsets.

`Decoder` is incremental and does no I/O: it yields the same events however the input is split. It also
keeps what a browser drops (comments, unknown fields, an unfinished last event), because rules are about
these as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line: its bytes without the line ending, its offset in the stream, and the line ending."""

    data: bytes
    start: int
    end: bytes  # b"\n", b"\r\n", b"\r", or b"" if the stream ended inside the line

    @property
    def field(self) -> str:
        """The field name, '' for a comment or a blank line."""
        return self.data.partition(b":")[0].decode("utf-8", "replace")

    @property
    def is_data(self) -> bool:
        """Whether it is a data field."""
        return self.data.startswith(b"data:") or self.data == b"data"

    @property
    def value(self) -> bytes:
        """What follows the colon, without one leading space."""
        value = self.data.partition(b":")[2]
        return value[1:] if value.startswith(b" ") else value


class Event(NamedTuple):
    """A block of lines up to a blank line.

    `data` is the WHATWG data buffer (data lines joined by newlines), or None if the block has no data
    field. `start` and `stop` are byte offsets in the stream. `complete` is False if the stream ended
    before the blank line: a browser never dispatches such an event.
    """

    lines: tuple[Line, ...]
    start: int
    stop: int
    complete: bool
    index: int  # type: ignore[assignment]  # not that of a tuple

    @property
    def raw_data(self) -> bytes | None:
        if len(self.lines) == 1 and self.lines[0].data.startswith(b"data: "):
            return self.lines[0].data[6:]
        values = [line.value for line in self.lines if line.is_data]
        return b"\n".join(values) if values else None

    @property
    def data(self) -> str | None:
        raw = self.raw_data
        return None if raw is None else raw.decode("utf-8", "replace")

    @property
    def type(self) -> str:
        """The `event` field, 'message' by default."""
        if len(self.lines) == 1 and self.lines[0].is_data:
            return "message"
        names = [line.value.decode("utf-8", "replace") for line in self.lines if line.field == "event"]
        return names[-1] if names and names[-1] else "message"

    @property
    def data_start(self) -> int:
        """The byte offset of the data, or of the event if it has none."""
        for line in self.lines:
            if line.is_data:
                return line.start + len(line.data) - len(line.value)
        return self.start


class EventTooLarge(ValueError):
    """An event exceeds the limit. `start` is the byte where it begins."""

    def __init__(self, start: int, limit: int) -> None:
        super().__init__(f"the event that starts at byte {start} is larger than {limit} bytes")
        self.start = start


class Decoder:
    """Feed it bytes to get events; call `close()` for an unfinished last event.

    A byte order mark at the start is stripped, as WHATWG says.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._offset = 0  # stream offset of the buffer's first byte
        self._started = False
        self._scanned = 0  # bytes of the buffer known to hold no line end
        self._lines: list[Line] = []
        self._index = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        self._buffer += data
        if not self._started:
            if len(self._buffer) < len(BOM) and BOM.startswith(bytes(self._buffer)):
                return
            self._start()
        yield from self._take_lines(final=False)

    def close(self) -> Iterator[Event]:
        if not self._started:
            self._start()
        yield from self._take_lines(final=True)
        if self._buffer:
            self._lines.append(Line(bytes(self._buffer), self._offset, b""))
            self._offset += len(self._buffer)
            self._buffer.clear()
        if self._lines:
            yield self._event(self._offset, complete=False)

    def _start(self) -> None:
        self._started = True
        if self._buffer.startswith(BOM):
            del self._buffer[: len(BOM)]
            self._offset = len(BOM)

    def _take_lines(self, final: bool) -> Iterator[Event]:
        buffer, position, scan = self._buffer, 0, self._scanned
        while True:
            stop = _line_end(buffer, scan)
            if stop < 0:
                break
            end = bytes(buffer[stop : stop + 1])
            if end == b"\r":
                if stop + 1 == len(buffer) and not final:
                    break  # the next byte decides between CR and CRLF
                if buffer[stop + 1 : stop + 2] == b"\n":
                    end = b"\r\n"
            line = Line(bytes(buffer[position:stop]), self._offset + position, end)
            position = scan = stop + len(end)
            if line.data:
                self._lines.append(line)
            elif self._lines:
                yield self._event(self._offset + position, complete=True)
        del buffer[:position]
        self._offset += position
        self._scanned = max(0, len(buffer) - 1)

    def _event(self, stop: int, complete: bool) -> Event:
        lines = tuple(self._lines)
        self._lines.clear()
        self._index += 1
        return Event(lines, lines[0].start, stop, complete, self._index - 1)


class EventMeter:
    """Checks that no event of a stream exceeds `limit` bytes, without splitting it into lines.

    The size of an event is counted from its first line to the end of its last line. `feed` raises
    EventTooLarge at the same byte however the input is split.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._offset = 0  # of the next piece
        self._start: int | None = None  # of the event under way
        self._last = b""

    def feed(self, data: bytes) -> None:
        joined, base = self._last + data, self._offset - len(self._last)
        begin = _content(joined, len(self._last)) if self._start is None else self._start - base
        while begin is not None and len(joined) - begin > self._limit:
            blank = _BLANK.search(joined, max(begin, 0))
            stop = blank.start() + 1 if blank else len(joined)
            if stop - begin > self._limit:
                raise EventTooLarge(base + begin, self._limit)
            begin = _content(joined, stop + 1)
        if begin is not None:
            last_blank = max(joined.rfind(pair, max(begin, 0)) for pair in _BLANKS)
            begin = begin if last_blank < 0 else _content(joined, last_blank + 2)
        self._start = None if begin is None else base + begin
        self._last = joined[-1:]
        self._offset += len(data)


# Two line endings in a row, of whatever kind, contain one of these pairs of bytes; a single CR LF does not.
_BLANKS = (b"\n\n", b"\r\r", b"\n\r")
_BLANK = re.compile(b"|".join(_BLANKS))
_CONTENT = re.compile(rb"[^\r\n]")
_LINE_END = re.compile(rb"\r\n|\n|\r")


def _content(data: bytes, start: int) -> int | None:
    """The index of the first byte at or after `start` that is not part of a line ending."""
    match = _CONTENT.search(data, start)
    return match.start() if match else None


def _line_end(buffer: bytearray, start: int) -> int:
    """The index of the first CR or LF at or after `start`, or -1."""
    newline = buffer.find(b"\n", start)
    carriage = buffer.find(b"\r", start, newline if newline >= 0 else len(buffer))
    return carriage if carriage >= 0 else newline


def decode(stream: bytes) -> list[Event]:
    """All events of a whole stream, an unfinished last one included."""
    decoder = Decoder()
    return [*decoder.feed(stream), *decoder.close()]


def end_of_lines(stream: bytes, count: int) -> int:
    """The byte behind the line with this number, or the end of a stream that has fewer."""
    if len(stream) <= count or stream.count(b"\n") + stream.count(b"\r") <= count:
        return len(stream)
    end = next(islice(_LINE_END.finditer(stream), count - 1, None), None)
    return end.end() if end else len(stream)


def encode(data: str, *, event: str | None = None, line_end: str = "\n", space: bool = True) -> bytes:
    """One event as bytes; several lines of data become several `data:` lines."""
    colon = ": " if space else ":"
    lines = [] if event is None else [f"event{colon}{event}"]
    lines += [f"data{colon}{line}" for line in data.split("\n")]
    return (line_end.join(lines) + line_end * 2).encode()
