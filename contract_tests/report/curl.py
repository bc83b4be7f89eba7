"""A request as a curl command that anyone can run, without its key."""

from __future__ import annotations

import re
import shlex

from contract_tests.rules.engine.subjects import is_web_socket_turn
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Exchange, Headers

_NEVER_SHOWN = frozenset(
    {
        *("authorization", "api-key", "x-api-key", "cookie", "proxy-authorization", "openai-organization"),
        *("openai-project", "host", "content-length", "connection", "upgrade", "user-agent"),
    }
)

_OVER_HTTP = "# It was asked over a WebSocket, as a response.create message with these members; the same over HTTP:"


def curl(exchange: Exchange) -> str:
    """A curl command that sends the same request to the live server; the key comes from the environment.

    A turn over a WebSocket becomes the same request over HTTP, and says so.
    """
    request, view = exchange.request, View(exchange)
    target = request.target
    before = _before_endpoint(target)
    base = "$OPENAI_BASE_URL" if before is not None else "${OPENAI_BASE_URL%/v1}"
    path = target[len(before or "") :]
    url = f'"{base}{path}"' if shlex.quote(path) == path else f'"{base}"{shlex.quote(path)}'
    streamed = "-N " if view.wants_stream else ""
    method = "-I " if request.method == "HEAD" else f"-X {shlex.quote(request.method)} "
    if request.method == ("POST" if request.body else "GET"):
        method = ""
    named = {name.lower() for name, _ in request.headers or ()}
    lines = [f"curl -i {streamed}{method}{url}"]
    if exchange.status != 401 or "authorization" in named:
        lines.append('-H "Authorization: Bearer $OPENAI_API_KEY"')
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in _fields(exchange)]
    if "accept-encoding" in named:
        lines.append("--compressed")  # else curl shows what the server compresses as it is
    if request.body:
        lines.append(_data(request.body))
    prefix = "/v1" if before is None else before
    setting = f"export OPENAI_BASE_URL=http://localhost:1337{prefix}  # the server's base URL\n"
    command = setting + " \\\n  ".join(lines)
    return f"{_OVER_HTTP}\n{command}" if is_web_socket_turn(view) else command


def _fields(exchange: Exchange) -> Headers:
    """The header fields to send, except the key."""
    headers = exchange.request.headers or ()
    shown = tuple(pair for pair in headers if pair[0].lower() not in _NEVER_SHOWN)
    typed = any(name.lower() == "content-type" for name, _ in shown)
    if exchange.request.body and not typed:
        return (("Content-Type", "application/json"), *shown)
    return shown


def _data(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text or "\0" in text:
        return "--data-binary @request.body  # the fixture's request body, which is not text"
    return f"--data-raw {shlex.quote(text)}"


def _before_endpoint(target: str) -> str | None:
    """What stands before the endpoint in a target: `/v1`, `/openai/deployments/m`; None if it has no known one."""
    if match := re.match(r"(.*?)/(?:chat/completions|completions|embeddings|models)(?:[/?]|$)", target):
        return match[1]
    return "/v1" if target.startswith("/v1/") else None
