"""A request in the words of other tools: curl, and a test of pytest."""

from __future__ import annotations

import json
import pprint
import shlex
from collections.abc import Iterable
from typing import Any

LARGEST = 256 * 1024
"""Bytes of a body that is copied; nobody pastes more."""
REDACTED = "<redacted>"
"""What stands for a credential in the journal's header fields."""
_MADE_BY_CLIENT = ("host", "content-length", "connection", "accept-encoding", "user-agent", "cookie", "expect")
_ABOUT_CLIENT = ("x-stainless-", "sec-", "x-forwarded-", "traceparent", "te")


class TooLong(ValueError):
    """A body that is too long to copy."""


def to_curl(method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes, *, stream: bool = False) -> str:
    """A command for a POSIX shell; its key is that of the environment. Raises TooLong."""
    text = copied_text(body)
    options = "sS" + ("N" if stream else "") + ("" if set("[]{}").isdisjoint(url) else "g")
    parts = [f"curl -{options}{'' if method == 'POST' and body else f' -X {shlex.quote(method)}'}"]
    parts[0] += f" {shlex.quote(url)}"
    for name, value in sent_headers(headers):
        parts.append(f"-H {shlex.quote(f'{name}: {value}')}")
    if any(name == "authorization" for name, _ in headers):
        parts.append('-H "authorization: Bearer $OPENAI_API_KEY"')
    if body:
        parts.append(f"--data-binary {shlex.quote(text)}")
    return " \\\n  ".join(parts) + "\n"


def to_pytest(method: str, path: str, body: bytes, status: int | None, reply: Any) -> str:
    """A test with the fixture `fake_server` that asks the same; `reply` (None: the usual one) is queued first.

    Raises TooLong.
    """
    text = copied_text(body)
    lines = ["import httpx", "", "", "def test_request(fake_server):"]
    if reply is not None:
        lines.append(_indented(f"fake_server.reply({_literal(reply)})"))
    call = [f"{method!r}", f'f"{{fake_server.url}}{_in_format(path)}"']
    if body:
        value = _json_of(text)
        call.append(f"content={text!r}.encode()" if value is None else f"json={_literal(value)}")
    lines.append(_indented(f"reply = httpx.request({', '.join(call)})"))
    lines.append(f"    assert reply.status_code == {status or 200}")
    return "\n".join(lines) + "\n"


def sent_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields that matter to a server, without what each client makes itself and without credentials."""
    return [
        (name, value)
        for name, value in headers
        if value != REDACTED and name not in _MADE_BY_CLIENT and not name.startswith(_ABOUT_CLIENT)
    ]


def copied_text(body: bytes) -> str:
    """The body as text. Raises TooLong."""
    if len(body) > LARGEST:
        raise TooLong(f"its body of {len(body):,} bytes is too long to copy: at most {LARGEST:,}")
    return body.decode("utf-8", "replace")


def _json_of(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _literal(value: Any) -> str:
    return pprint.pformat(value, width=100, sort_dicts=False)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else line for line in text.split("\n"))


def _in_format(text: str) -> str:
    """A text inside an f-string with double quotes."""
    return json.dumps(text)[1:-1].replace("{", "{{").replace("}", "}}")
