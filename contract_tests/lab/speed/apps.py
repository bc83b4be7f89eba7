"""The smallest servers that send the same bytes.

`python -m contract_tests.lab.speed.apps KIND PORT FILE [HTTP]` starts one of them.

`dict` sends the file as a JSON body, `events` each of its events by itself, `together` all in one write;
`fastapi` is a plain endpoint that parses the request and renders the file's value for each reply. HTTP is
uvicorn's parser: h11 (the one that it has without extras) or httptools.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

JSON, STREAM = b"application/json", b"text/event-stream; charset=utf-8"


def fixed_app(pieces: Iterable[bytes], content_type: bytes, length: int | None) -> ASGIApp:
    """An app that answers every request with these writes."""
    writes = list(pieces)
    headers = [(b"content-type", content_type)]
    headers += [] if length is None else [(b"content-length", b"%d" % length)]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for piece in writes[:-1]:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": writes[-1]})

    return app


def fastapi_app(value: Any) -> ASGIApp:
    """A plain FastAPI endpoint."""
    from fastapi import FastAPI  # the bare servers must start without it

    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat(body: dict[str, Any]) -> dict[str, Any]:
        return {**value, "model": body["model"]}

    return app


def main() -> None:
    """Serve one of them on 127.0.0.1."""
    kind, port, data = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]).read_bytes()
    if kind == "dict":
        app = fixed_app([data], JSON, len(data))
    elif kind == "fastapi":
        app = fastapi_app(json.loads(data))
    else:
        events = [event + b"\n\n" for event in data.split(b"\n\n") if event]
        app = fixed_app(events if kind == "events" else [data], STREAM, None)
    http = sys.argv[4] if len(sys.argv) > 4 else "h11"
    config = uvicorn.Config(app, port=port, http=http, loop="asyncio", ws="none", lifespan="off")
    config.access_log, config.log_config = False, None
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
