"""Parses the bytes of a reply into an Exchange: incremental, no I/O, made to observe servers that misbehave.

An HTTP library rejects a faulty reply; a judge has to see it. So everything that arrived before the
fault stays in the exchange, and `problem` says what was wrong and at which byte of the message.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from fake_server.wire.body import Body, ChunkedBody, SizedBody
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Aspect, Ending, Exchange, Framing, Headers, Request, Write
from fake_server.wire.head import FieldReader, Malformed, TooLarge, determine_framing, keeps_alive, parse_status_line
from fake_server.wire.outgoing import reproduces
from fake_server.wire.room import WRITE, NoRoom, Room, Share
from fake_server.wire.sse import EventMeter, EventTooLarge

STOPPED = "the recorder stopped keeping this exchange and passed on the rest"


class ReplyCapture:
    """Feed it the bytes of one reply with their arrival times; `exchange` is the result so far.

    `sent_at` is when the request's last byte was sent (it may be set later). `ended` says whether the
    reply is over; `leftover` counts bytes after its end. Times are seconds on any one clock. With
    `keep_raw` the exchange gets `raw`, the bytes as received, if its values would not reproduce them. With
    `parse_on` a bound on size only ends what the exchange keeps: the reply is parsed to its own end. What it holds
    counts in `room` until `release`; where that is full it ends, as if the client had left.
    """

    def __init__(
        self,
        request: Request,
        *,
        sent_at: float = 0.0,
        bounds: Bounds | None = None,
        label: str = "",
        keep_raw: bool = False,
        parse_on: bool = False,
        room: Room | None = None,
    ) -> None:
        self.request = request
        self.sent_at = sent_at
        self.bounds = bounds or Bounds()
        self.label = label
        self.recorded: datetime | None = None
        self.ending: Ending | None = None
        self.problem = ""
        self.framing: Framing | None = None
        self.status: int | None = None
        self.version, self.reason = "1.1", ""
        self.headers: Headers = ()
        self.received = self.leftover = 0
        self._informational: list[tuple[int, Headers]] = []
        self._head = self._head_reader()
        self._body: Body | None = None
        self._meter: EventMeter | None = None
        self._writes: list[Write] = []
        self._open = bytearray()  # the write being received
        self._size = self._end = 0
        self._remarks: list[str] = []
        self._raw: list[tuple[bytes, float]] | None = [] if keep_raw else None
        self._head_at = self._last_at = self._now = 0.0
        self._parse_on, self._share = parse_on, Share(room)
        self._kept: Exchange | None = None

    @property
    def ended(self) -> bool:
        return self.ending is not None

    @property
    def keeping(self) -> bool:
        """Whether what arrives still becomes part of the exchange."""
        return self._kept is None

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection can carry another exchange after this reply."""
        clean = self.ending is Ending.CLEAN and not self.leftover and self.framing is not Framing.CLOSE
        return clean and keeps_alive(self.version, self.headers)

    def feed(self, data: bytes, at: float = 0.0) -> None:
        """Parse the bytes of one read. After the reply's end they are only counted as left over."""
        self._now, position = at, 0
        begin = self.received
        self.received += len(data)
        try:
            if self._raw is not None and data and self.leftover < self.bounds.head and self._hold(len(data) + WRITE):
                self._raw.append((data, at))
            while position < len(data) and not self.ended:
                if self._body is None:
                    position = self._head.consume(data, position)
                    if self._head.done:
                        self._take_head(begin + position)
                else:
                    position = self._body.consume(data, position, self)
                    if self._body.done:
                        self.stop(Ending.CLEAN)
        except Malformed as error:
            self.stop(Ending.MALFORMED, str(error))
        except NoRoom as error:
            self.stop(Ending.CLIENT_LEFT, str(error))
        except TooLarge as error:
            if self._parse_on:
                self.stop_keeping(str(error))
            self.stop(Ending.OVERSIZED, str(error))
        else:
            count = len(data) - position
            if count and self.ending is Ending.CLEAN:
                self._end = self._end if self.leftover else begin + position
                self.leftover += count

    def eof(self) -> None:
        """The server sent FIN."""
        if self.ended:
            return
        if self.framing is Framing.CLOSE:
            self.stop(Ending.CLEAN)
        else:
            self.stop(Ending.CUT, f"the server closed the connection: {self._missing()}")

    def reset(self) -> None:
        """The server sent RST."""
        self.stop(Ending.RESET, f"the server reset the connection: {self._missing()}")

    def end(self, ending: Ending, problem: str) -> None:
        """End the reply the way a recording ended: with FIN, with RST, or for the reason `problem`."""
        match ending:
            case Ending.CLEAN | Ending.CUT | Ending.UNKNOWN:
                self.eof()
            case Ending.RESET:
                self.reset()
            case _:
                self.stop(ending, problem)

    def stop(self, ending: Ending, problem: str = "") -> None:
        """End the reply here, or for an outside reason; does nothing if the reply has already ended."""
        if self.ended:
            return
        if self._body is None:
            self._use_partial_head()
        self._finish_write()
        self.ending, self.problem = ending, problem

    def stop_keeping(self, problem: str) -> None:
        """Add nothing more to the exchange, but parse on to the end of the reply.

        To the exchange it is as if its client had left here: it says nothing of how the server went on.
        """
        if self.ended or not self.keeping:
            return
        if self._body is None:
            self._use_partial_head()
        self._finish_write()
        self.ending, self.problem = Ending.CLIENT_LEFT, f"{STOPPED}: {problem}"
        self._kept = self.exchange
        self.ending, self.problem = None, ""
        self._writes.clear()
        self._meter = self._raw = None

    @property
    def exchange(self) -> Exchange:
        if self._kept is not None:
            return self._kept.but(request=self.request)
        exchange = self._parsed()
        if self._raw is None or self.ending is Ending.OVERSIZED:
            return exchange
        times = [self.sent_at, *(at for _, at in self._raw)]
        pauses = [max(0.0, at - before) for before, at in pairwise(times)]
        raw = tuple(Write(data, pause) for (data, _), pause in zip(self._raw, pauses, strict=True))
        return exchange if reproduces(exchange, raw) else exchange.but(raw=raw)

    def _parsed(self) -> Exchange:
        """The exchange as parsed, without `raw`."""
        partial_head = self.status is not None and not self._head.done
        return Exchange(
            request=self.request,
            status=self.status,
            headers=self.headers,
            writes=tuple(self._writes),
            ending=self.ending or Ending.UNKNOWN,
            framing=self.framing,
            reason=self.reason,
            http_version=self.version,
            head_pause=max(0.0, self._head_at - self.sent_at) if self.status is not None else 0.0,
            informational=tuple(self._informational),
            trailers=self._body.trailers if self._body else (),
            problem="; ".join([self.problem, *self._all_remarks()] if self.problem else self._all_remarks()),
            unknown=frozenset({Aspect.ALL_HEADERS}) if partial_head else frozenset(),
            label=self.label,
            recorded=self.recorded,
        )

    def payload(self, piece: bytes) -> None:
        """Sink: collect payload, within the limits on the body and on one event."""
        if not self.keeping or not self._hold(len(piece)):
            return
        room = self.bounds.body - self._size
        self._open += piece[:room]
        self._size += min(len(piece), room)
        if len(piece) > room:
            self._refuse(TooLarge("body", f"the body is larger than {self.bounds.body} bytes"))
        elif self._meter:
            try:
                self._meter.feed(piece)
            except EventTooLarge as error:
                self._refuse(TooLarge("event", str(error)))

    def boundary(self) -> None:
        """Sink: what arrived since the last boundary is one write."""
        if not self._open:
            return
        if len(self._writes) >= self.bounds.writes:
            self._open.clear()
            self._refuse(TooLarge("writes", f"the body came in more than {self.bounds.writes} writes"))
        self._hold(WRITE)
        self._finish_write()

    def _refuse(self, error: TooLarge) -> None:
        """End the reply at a bound on size, or only what is kept of it."""
        if not self._parse_on:
            raise error
        self._raw = None  # it has more than the values, which end in the middle of a read
        self.stop_keeping(str(error))

    def release(self) -> None:
        """Count what is held no more."""
        self._share.release()

    def _hold(self, size: int) -> bool:
        """Count more bytes; returns whether there was room. Raises NoRoom, without `parse_on`."""
        try:
            self._share.take(size)
        except NoRoom as error:
            self._refuse(error)
            return False
        return True

    def _finish_write(self) -> None:
        if not self._open:
            return
        self._writes.append(Write(bytes(self._open), max(0.0, self._now - self._last_at)))
        self._open.clear()
        self._last_at = self._now

    def _head_reader(self, used: int = 0) -> FieldReader:
        return FieldReader(self.bounds.head, used, used=used, expect=b"HTTP/")

    def _take_head(self, stop: int) -> None:
        head, start = self._head, stop - self._head.size
        self.version, self.status, self.reason = parse_status_line(head.start or b"", start)
        self.headers, self._head_at, self._last_at = tuple(head.fields), self._now, self._now
        self._remarks += head.remarks
        if self.status < 200 and self.status != 101:
            self._informational.append((self.status, self.headers))
            self.status, self.reason, self.headers = None, "", ()
            self._head = self._head_reader(stop)
            return
        framing, length, remarks = determine_framing(
            self.request.method, self.status, self.version, self.headers, start
        )
        self.framing = framing
        self._remarks += remarks
        if framing is Framing.CHUNKED:
            self._body = ChunkedBody(self.bounds.head, stop)
        else:
            self._body = SizedBody({Framing.NONE: 0, Framing.LENGTH: length}.get(framing))
        if self._is_event_stream():
            self._meter = EventMeter(self.bounds.event)
        if self._body.done:
            self.stop(Ending.CLEAN)

    def _is_event_stream(self) -> bool:
        names = {name.lower(): value.lower() for name, value in self.headers}
        plain = names.get("content-encoding", "identity") == "identity"
        return plain and names.get("content-type", "").startswith("text/event-stream")

    def _use_partial_head(self) -> None:
        """Take over what arrived of an unfinished head: the status line and the complete lines after it."""
        if self._head.start is None:
            return
        try:
            self.version, self.status, self.reason = parse_status_line(self._head.start)
        except Malformed:
            return
        self.headers, self._head_at = tuple(self._head.fields), self._now

    def _missing(self) -> str:
        if self._body is not None:
            return self._body.missing or "only the end of the connection ends the body"
        if not self.received:
            return "no byte of a reply had arrived"
        return f"the head is unfinished (byte {self.received})"

    def _all_remarks(self) -> list[str]:
        remarks = [*self._remarks, *(self._body.remarks if self._body else ())]
        if self.leftover:
            remarks.append(f"bytes follow the end of the reply (byte {self._end})")
        return list(dict.fromkeys(remarks))
