"""A proxy with one bug, planted between a target and the suite: it forwards and spoils what comes back."""

from __future__ import annotations

import http.client
import http.server
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from fake_server.wire import sse

DONE = "[DONE]"
TOGETHER = 0.8
"""Seconds the bug `another-caller` waits for a second caller to mix up with the first."""


@dataclass
class Reply:
    """What the target answered: read whole, to be written whole."""

    asked: dict[str, Any]
    status: int
    kind: str
    body: bytes

    @property
    def streamed(self) -> bool:
        return self.kind.startswith("text/event-stream")

    @property
    def value(self) -> Any:
        return json.loads(self.body)

    @value.setter
    def value(self, value: Any) -> None:
        self.body = json.dumps(value).encode()

    @property
    def events(self) -> list[Any]:
        """The data of each event: parsed, or the text [DONE]."""
        texts = [event.raw_data for event in sse.decode(self.body) if event.raw_data is not None]
        return [DONE if text == DONE.encode() else json.loads(text) for text in texts]

    @events.setter
    def events(self, events: list[Any]) -> None:
        self.write(events, b"\n\n")

    def write(self, events: list[Any], end: bytes) -> None:
        lines = [one if isinstance(one, str) else json.dumps(one) for one in events]
        self.body = b"".join(b"data: " + line.encode() + end for line in lines)


Bug = Callable[[Reply], None]
Edit = Callable[[dict[str, Any]], object]
"""Spoils a request, in place, on its way in."""


def no_bug(reply: Reply) -> None:
    """Hand the reply on."""


def no_done(reply: Reply) -> None:
    if reply.streamed:
        reply.events = [one for one in reply.events if one != DONE]


def no_finish_reason(reply: Reply) -> None:
    _each_choice(reply, lambda choice: choice.pop("finish_reason", None))


def changing_ids(reply: Reply) -> None:
    if reply.streamed:
        reply.events = [
            one if one == DONE else {**one, "id": f"{one['id']}{place}"} for place, one in enumerate(reply.events)
        ]


def arguments_as_object(reply: Reply) -> None:
    def spoil(choice: dict[str, Any]) -> None:
        for call in choice.get("message", {}).get("tool_calls") or ():
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])

    if not reply.streamed:
        _each_choice(reply, spoil)


def wrong_sum(reply: Reply) -> None:
    if not reply.streamed and reply.status == 200 and "usage" in reply.value:
        usage = reply.value["usage"]
        reply.value = {**reply.value, "usage": {**usage, "total_tokens": usage["total_tokens"] + 1}}


def error_as_detail(reply: Reply) -> None:
    if reply.status >= 400:
        reply.value = {"detail": reply.value["error"]["message"]}


def single_newlines(reply: Reply) -> None:
    """End every line with one newline and only the whole stream with two."""
    if reply.streamed:
        reply.write(reply.events, b"\n")
        reply.body += b"\n"


def no_blank_line(reply: Reply) -> None:
    """End every line with one newline, the last one too."""
    if reply.streamed:
        reply.write(reply.events, b"\n")


def dict_for_stream(reply: Reply) -> None:
    """Answer a streamed request with the dict that its chunks add up to."""
    if not reply.streamed:
        return
    chunks = [one for one in reply.events if one != DONE]
    text = "".join(choice["delta"].get("content") or "" for one in chunks for choice in one["choices"])
    message = {"role": "assistant", "content": text, "refusal": None}
    first = {name: chunks[0][name] for name in ("id", "created", "model")}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    reply.kind = "application/json"
    reply.value = {**first, "object": "chat.completion", "choices": [choice], "usage": usage}


def lost_text(reply: Reply) -> None:
    """Leave out the second piece of text of every stream."""
    if reply.streamed:
        said = [one for one in reply.events if one != DONE and any(c["delta"].get("content") for c in one["choices"])]
        reply.events = [one for one in reply.events if len(said) < 2 or one != said[1]]


class AnotherCaller:
    """Give two callers who ask at the same time each other's answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first: tuple[Reply, threading.Event] | None = None

    def __call__(self, reply: Reply) -> None:
        if reply.status != 200 or "messages" not in reply.asked:
            return
        with self._lock:
            other, self._first = self._first, None
            met = threading.Event()
            if other is None:
                self._first = (reply, met)
            else:
                other[0].body, reply.body = reply.body, other[0].body
                other[0].kind, reply.kind = reply.kind, other[0].kind
                other[1].set()
                return
        if not met.wait(TOGETHER):
            with self._lock:
                if self._first and self._first[0] is reply:
                    self._first = None


def _each_choice(reply: Reply, spoil: Callable[[dict[str, Any]], object]) -> None:
    if reply.status != 200 or "messages" not in reply.asked:
        return
    values = reply.events if reply.streamed else [reply.value]
    for value in values:
        for choice in value["choices"] if isinstance(value, dict) else ():
            spoil(choice)
    if reply.streamed:
        reply.events = values
    else:
        reply.value = values[0]


class Planted:
    """The proxy on 127.0.0.1 while entered: `with Planted(upstream_url, bug) as proxy: proxy.base_url`."""

    def __init__(self, upstream: str, bug: Bug = no_bug, edit: Edit | None = None) -> None:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream, bug, edit))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(upstream: str, bug: Bug, edit: Edit | None) -> type[http.server.BaseHTTPRequestHandler]:
    at = urlsplit(upstream)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *values: object) -> None:
            pass

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if edit and (asked := _asked(sent)):
                edit(asked)
                sent = json.dumps(asked).encode()
            connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)
            try:
                kind = {"Content-Type": "application/json"} if sent else {}
                path = at.path.removesuffix("/v1") + self.path
                connection.request(self.command, path, sent or None, kind)
                answer = connection.getresponse()
                reply = Reply(_asked(sent), answer.status, answer.headers.get("Content-Type", ""), answer.read())
            finally:
                connection.close()
            bug(reply)
            self.send_response(reply.status)
            for name, value in (("Content-Type", reply.kind), ("Content-Length", str(len(reply.body)))):
                self.send_header(name, value)
            self.send_header("X-Request-Id", "req_planted")
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_PUT = do_DELETE = do_POST

    return Handler


def _asked(sent: bytes) -> dict[str, Any]:
    try:
        value = json.loads(sent)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
