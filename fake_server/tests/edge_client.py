"""A settings-to-server helper and a plain HTTP client for tests of the edge."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fake_server.server.settings import Settings
from fake_server.server.uvicorn_server import listen, serve_on, uvicorn_server

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello"}]}


@dataclass(frozen=True)
class Answer:
    """Status, headers in lower case, and the whole body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error object; fails unless the reply is exactly OpenAI's form."""
        value = self.json
        assert list(value) == ["error"]
        error = value["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert isinstance(error["message"], str)
        assert isinstance(error["type"], str)
        assert self.headers["content-type"] == "application/json"
        return dict(error)


def ask(
    port: int,
    method: str = "POST",
    path: str = "/v1/chat/completions",
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request on a connection of its own; a dict is sent as JSON, an iterator of bytes in chunks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    sent = {} if headers is None else dict(headers)
    if isinstance(body, dict):
        body = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    try:
        connection.request(method, path, body=body, headers=sent)
        reply = connection.getresponse()
        payload = reply.read()
        return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, payload)
    finally:
        connection.close()


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[int]:
    """The app served on a free port; yields the port."""
    listener: socket.socket = listen("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    server = uvicorn_server(settings)
    thread = threading.Thread(target=serve_on, args=(server, listener), daemon=True)
    thread.start()
    assert server.ready.wait(10)
    try:
        yield port
    finally:
        server.stop()
        thread.join(10)
