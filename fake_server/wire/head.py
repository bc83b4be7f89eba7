"""Parses message heads (RFC 9112 sections 2 to 6), leniently enough to observe faulty servers.

What a recipient may repair is repaired, with a remark; what it must reject raises Malformed.
"""

from __future__ import annotations

import re

from fake_server.wire.exchange import Framing, Headers, header

_STATUS_LINE = re.compile(rb"HTTP/(1\.[0-9]) ([1-9][0-9]{2})(?: ([^\x00]*))?")
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\xff]+) HTTP/(1\.[0-9])")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(rb"[\x01-\x08\x0a-\x1f\x7f]")


class Malformed(ValueError):
    """Bytes that are not HTTP; `offset` is counted from the first byte of the message."""

    def __init__(self, offset: int, detail: str) -> None:
        super().__init__(f"{detail} (byte {offset})")


class TooLarge(ValueError):
    """A size limit was exceeded; `bound` is its name in Bounds."""

    def __init__(self, bound: str, detail: str) -> None:
        super().__init__(f"{detail} (bound: {bound})")


class FieldReader:
    """Reads lines up to a blank line: a whole head, or, without `start_line`, trailers.

    `done` says whether the blank line has arrived; `remarks` name what a strict recipient would not repair.
    `expect` is what the first bytes must be. Raises Malformed, and TooLarge for more than `limit` bytes, of
    which earlier heads have taken `used`.
    """

    def __init__(
        self, limit: int, offset: int = 0, *, used: int = 0, start_line: bool = True, expect: bytes = b""
    ) -> None:
        self.done = False
        self.start: bytes | None = None if start_line else b""
        self.fields: list[tuple[str, str]] = []
        self.remarks: list[str] = []
        self.size = 0
        self._limit = limit
        self._offset = offset
        self._used = used
        self._expect = expect
        self._line = bytearray()

    @property
    def started(self) -> bool:
        """Whether any byte of a start line has arrived."""
        return bool(self.start or self._line.strip())

    def consume(self, data: bytes, position: int) -> int:
        """Read lines of `data` from `position`; returns the position after what was consumed."""
        while not self.done and position < len(data):
            newline = data.find(b"\n", position)
            stop = len(data) if newline < 0 else newline + 1
            self._line += data[position:stop]
            position = stop
            if self._used + self.size + len(self._line) > self._limit:
                raise TooLarge("head", f"the head is larger than {self._limit} bytes")
            self._check_early()
            if newline >= 0:
                self._end_line()
        return position

    def _check_early(self) -> None:
        """Raise as soon as no later byte can repair the line, so that nobody waits for it."""
        line = self._line
        carriage = line.find(b"\r")
        if 0 <= carriage < len(line) - 1 and line[carriage + 1 : carriage + 2] != b"\n":
            raise Malformed(self._offset + self.size + carriage, "the head has a CR without LF")
        if self.start is None and self._expect:
            seen = bytes(line[: len(self._expect)])
            if not self._expect.startswith(seen) or (b"\n" in line and len(line) < len(self._expect)):
                begin = bytes(line[:20])
                raise Malformed(self._offset, f"the reply must begin with a status line, not {begin!r}")

    def _end_line(self) -> None:
        line, where = bytes(self._line), self._offset + self.size
        self.size += len(line)
        self._line.clear()
        if not line.endswith(b"\r\n"):
            self._remark("a line of the head ends with a bare LF")
        text = line.rstrip(b"\r\n")
        if self.start is None:
            if text:
                self.start = text
            elif self._expect:
                raise Malformed(where, "the reply begins with a blank line")
        elif not text:
            self.done = True
        elif text[:1] in b" \t":
            self._fold(text, where)
        else:
            self._field(text, where)

    def _fold(self, text: bytes, where: int) -> None:
        if not self.fields:
            raise Malformed(where, "the first header line begins with white space")
        self._remark("a header value is folded over two lines")
        name, value = self.fields[-1]
        self.fields[-1] = (name, f"{value} {_value(text)}".strip())

    def _field(self, text: bytes, where: int) -> None:
        name, colon, value = text.partition(b":")
        if not colon:
            raise Malformed(where, f"a header line has no colon: {text[:40]!r}")
        if name != name.rstrip(b" \t"):
            name = name.rstrip(b" \t")
            self._remark(f"there is white space between {name.decode('latin-1')} and its colon")
        if not _NAME.fullmatch(name):
            raise Malformed(where, f"{name[:40]!r} is not a header name")
        decoded_name = name.decode("latin-1")
        if b"\0" in value:
            raise Malformed(where + text.index(b"\0"), f"the value of {decoded_name} has a NUL byte")
        if _CONTROL.search(value):
            self._remark(f"the value of {decoded_name} has a control character")
        self.fields.append((decoded_name, _value(value)))

    def _remark(self, text: str) -> None:
        if text not in self.remarks and len(self.remarks) < 10:
            self.remarks.append(text)


def _value(raw: bytes) -> str:
    return raw.strip(b" \t").decode("latin-1")


def parse_status_line(start: bytes, offset: int = 0) -> tuple[str, int, str]:
    """Version ('1.1'), status and reason phrase of a status line. Raises Malformed."""
    match = _STATUS_LINE.fullmatch(start)
    if not match:
        raise Malformed(offset, f"not a status line: {start[:60]!r}")
    version, status, reason = match.groups()
    return version.decode(), int(status), (reason or b"").decode("latin-1")


def parse_request_line(start: bytes) -> tuple[str, str, str]:
    """Method, target and version ('1.1') of a request line. Raises Malformed."""
    match = _REQUEST_LINE.fullmatch(start)
    if not match:
        raise Malformed(0, f"not a request line: {start[:60]!r}")
    method, target, version = (group.decode("latin-1") for group in match.groups())
    return method, target, version


def determine_framing(
    method: str, status: int, version: str, headers: Headers, offset: int = 0
) -> tuple[Framing, int, list[str]]:
    """How a reply's body ends (RFC 9112 section 6.3), its length in bytes (0 if unknown), and remarks."""
    length, remarks = parse_content_length(headers, offset)
    codings = parse_transfer_codings(headers)
    if status == 101:
        return Framing.CLOSE, 0, [*remarks, "the server switched protocols"]
    if method == "HEAD" or status < 200 or status in (204, 304):
        return Framing.NONE, 0, remarks
    if codings:
        if length is not None:
            remarks.append("the reply has both Transfer-Encoding and Content-Length")
        if version == "1.0":
            remarks.append("an HTTP/1.0 reply has a Transfer-Encoding")
        if codings[-1] != "chunked":
            return Framing.CLOSE, 0, [*remarks, "the last transfer coding is not chunked"]
        if len(codings) > 1:
            remarks.append(f"the transfer coding {codings[0]} is not removed from the body")
        return Framing.CHUNKED, 0, remarks
    return (Framing.CLOSE, 0, remarks) if length is None else (Framing.LENGTH, length, remarks)


def parse_content_length(headers: Headers, offset: int = 0) -> tuple[int | None, list[str]]:
    """The Content-Length (None if absent) and remarks. Raises Malformed for several values or no number."""
    value = header(headers, "content-length")
    if value is None:
        return None, []
    values = [part.strip() for part in value.split(",")]
    for number in values:
        if not (number.isascii() and number.isdigit() and len(number) < 20):
            raise Malformed(offset, f"Content-Length is not a number: {number[:40]!r}")
    if len(set(values)) > 1:
        raise Malformed(offset, f"two Content-Length values differ: {' and '.join(values)[:60]}")
    return int(values[0]), ["Content-Length is repeated"] if len(values) > 1 else []


def parse_transfer_codings(headers: Headers) -> list[str]:
    """The transfer codings in order, in lower case, without parameters."""
    value = header(headers, "transfer-encoding") or ""
    return [coding.partition(";")[0].strip().lower() for coding in value.split(",") if coding.strip()]


def keeps_alive(version: str, headers: Headers) -> bool:
    """Whether the sender leaves the connection open (RFC 9112 section 9.3)."""
    options = {option.strip().lower() for option in (header(headers, "connection") or "").split(",")}
    return "close" not in options and (version != "1.0" or "keep-alive" in options)
