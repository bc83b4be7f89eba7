"""Parses a client's bytes into one Request at a time: incremental, no I/O."""

from __future__ import annotations

from fake_server.wire.body import Body, ChunkedBody, SizedBody
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Headers, Request, header
from fake_server.wire.head import (
    FieldReader,
    Malformed,
    TooLarge,
    keeps_alive,
    parse_content_length,
    parse_request_line,
    parse_transfer_codings,
)
from fake_server.wire.room import NoRoom, Room, Share


class RequestCapture:
    """Feed it the client's bytes; `head_done` and `done` say how much of the request has arrived.

    `feed` returns how many bytes belong to this request. Raises Malformed and TooLarge. With `parse_on` a body
    over the bound is not kept, but parsed to its end; `truncated` says so. What is kept counts in `room` until
    `release`; where that is full it is not kept either. Raises NoRoom then, without `parse_on`.
    """

    def __init__(self, bounds: Bounds | None = None, *, parse_on: bool = False, room: Room | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.truncated = False
        self._parse_on, self._share, self._full = parse_on, Share(room), False
        self.method = self.target = ""
        self.version = "1.1"
        self.headers: Headers = ()
        self.head_done = self.done = False
        self._head = FieldReader(self.bounds.head)
        self._body: Body = SizedBody(0)
        self._payload = bytearray()

    def feed(self, data: bytes, *, head_only: bool = False) -> int:
        position = 0
        if not self.head_done:
            position = self._head.consume(data, position)
            if self._head.done:
                self._open_body()
        if self.head_done and not self.done and not head_only:
            position = self._body.consume(data, position, self)
            self.done = self._body.done
        return position

    @property
    def request(self) -> Request:
        return Request(self.method, self.target, self.headers, bytes(self._payload))

    @property
    def started(self) -> bool:
        """Whether a start line has arrived, whole or in part."""
        return self._head.started

    @property
    def keeps_alive(self) -> bool:
        return keeps_alive(self.version, self.headers)

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends its body (RFC 9110 section 10.1.1)."""
        return (header(self.headers, "expect") or "").lower() == "100-continue"

    def payload(self, piece: bytes) -> None:
        size = len(self._payload)
        if size + len(piece) > self.bounds.body:
            if not self._parse_on:
                raise TooLarge("body", f"the request body is larger than {self.bounds.body} bytes")
            self.truncated = True
            piece = piece[: self.bounds.body - size]
        if self._full:
            return
        try:
            self._share.take(len(piece))
        except NoRoom:
            if not self._parse_on:
                raise
            self.truncated = self._full = True
            return
        self._payload += piece

    def release(self) -> None:
        """What was kept counts no more."""
        self._share.release()

    def boundary(self) -> None:
        """The writes of a request are not recorded."""

    def _open_body(self) -> None:
        self.method, self.target, self.version = parse_request_line(self._head.start or b"")
        self.headers = tuple(self._head.fields)
        length, _ = parse_content_length(self.headers)
        codings = parse_transfer_codings(self.headers)
        if codings and codings[-1] != "chunked":
            raise Malformed(0, f"the request's last transfer coding is {codings[-1]!r}, not chunked")
        chunked = bool(codings)
        self._body = ChunkedBody(self.bounds.head, self._head.size) if chunked else SizedBody(length or 0)
        self.head_done, self.done = True, self._body.done
