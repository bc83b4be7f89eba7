"""A server made of exact bytes: what it says, and when, is up to the test."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType

Act = Callable[[socket.socket, threading.Event], None]
STREAM = "text/event-stream"


class RawServer:
    """Listens on 127.0.0.1; reads each request whole, then lets `act` write to the socket.

    `act` gets the socket and an event that is set when the server closes. Bytes stand for an act that
    sends them and closes. `requests` keeps every request as it came.
    """

    def __init__(self, act: Act | bytes) -> None:
        self.act = act if callable(act) else sending(act)
        self.requests: list[bytes] = []
        self.closing = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.threads = [threading.Thread(target=self.accept, daemon=True)]

    def __enter__(self) -> RawServer:
        self.threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(60)

    def accept(self) -> None:
        while not self.closing.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.answer, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def answer(self, connection: socket.socket) -> None:
        connection.settimeout(60)
        with contextlib.suppress(OSError), connection:
            if request := read_request(connection):
                self.requests.append(request)
                self.act(connection, self.closing)


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
    while missing > 0 and (piece := connection.recv(65536)):
        data, missing = data + piece, missing - len(piece)
    return data


def sending(data: bytes) -> Act:
    return lambda connection, closing: connection.sendall(data)


def resetting(data: bytes) -> Act:
    """Send, then end the connection with RST instead of FIN."""

    def act(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(data)
        closing.wait(0.1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return act


def repeating(head: bytes, piece: bytes, pause: float = 0.0) -> Act:
    """Send `head`, then `piece` for ever, `pause` seconds apart."""

    def act(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(head)
        while not closing.wait(pause):
            connection.sendall(piece)

    return act


def silent(connection: socket.socket, closing: threading.Event) -> None:
    closing.wait(60)


def head(status: int = 200, kind: str = STREAM, *more: str) -> bytes:
    """A status line and headers; the body ends with the connection."""
    lines = [f"HTTP/1.1 {status} Whatever", *([f"Content-Type: {kind}"] if kind else []), *more]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def delta(text: str | None, finish: str | None = None) -> bytes:
    """One event of a chat stream, without what ends it."""
    return (
        b"data: "
        + json.dumps(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1700000000,
                "model": "gpt-3.5-turbo",
                "choices": [{"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": finish}],
            }
        ).encode()
    )


def answer(content: object) -> bytes:
    """A chat completion as JSON."""
    message = {"role": "assistant", "content": content}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1700000000,
            "model": "gpt-3.5-turbo",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        }
    ).encode()


def stream(*events: bytes) -> bytes:
    return head() + b"".join(event + b"\n\n" for event in events)


POEM = ["A", " tree", " —", " 木", " grows", "\n", "tall", "."]
DONE = b"data: [DONE]\n\n"
JSON = "application/json"
TOKENS = [delta(token) for token in POEM]
WHOLE = [*TOKENS, delta(None, "stop"), b"data: [DONE]"]
ERROR = b'{"error": {"message": "out of cheese", "type": "server_error", "param": null, "code": null}}'
PRINTED = "".join(POEM) + "\n"
