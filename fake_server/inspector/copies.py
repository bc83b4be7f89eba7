"""A request in the words of other tools: curl, and a test of pytest."""

from __future__ import annotations

import json
import pprint
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LARGEST = 256 * 1024
"""Bytes of a body that is copied; nobody pastes more."""
MOST_STANDING_IN = 256 * 1024 * 1024
"""Bytes that stand for a body that was not read."""
REDACTED = "<redacted>"
"""What stands for a credential in the journal's header fields."""
_MADE_BY_CLIENT = ("host", "content-length", "connection", "accept-encoding", "user-agent", "cookie", "expect")
_ABOUT_CLIENT = ("x-stainless-", "sec-", "x-forwarded-", "traceparent", "te")


class TooLong(ValueError):
    """A body that is too long to copy."""


@dataclass(frozen=True)
class Unread:
    """A body that was not read: what is to be said of it, and how many bytes stand for it in a copy."""

    words: str
    size: int

    def stand_in(self) -> bytes:
        """As many bytes. Raises TooLong."""
        if self.size > MOST_STANDING_IN:
            raise TooLong(f"its body was {self.words}: at most {MOST_STANDING_IN:,} bytes can stand for it")
        return b" " * self.size


def to_curl(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    *,
    stream: bool = False,
    unread: Unread | None = None,
) -> str:
    """A command for a POSIX shell; its key is that of the environment. Raises TooLong.

    As many bytes are sent for a body that was not read, and the first line says so.
    """
    text = copied_text(body)
    sends = bool(body or unread)
    options = "sS" + ("N" if stream else "") + ("" if set("[]{}").isdisjoint(url) else "g")
    parts = [f"curl -{options}{'' if method == 'POST' and sends else f' -X {shlex.quote(method)}'}"]
    parts[0] += f" {shlex.quote(url)}"
    for name, value in sent_headers(headers):
        parts.append(f"-H {shlex.quote(f'{name}: {value}')}")
    if any(name == "authorization" for name, _ in headers):
        parts.append('-H "authorization: Bearer $OPENAI_API_KEY"')
    if body:
        parts.append(f"--data-binary {shlex.quote(text)}")
    before = ""
    if unread:
        size = len(unread.stand_in())
        parts.append("--data-binary @-")
        before = f": {shlex.quote(f'its body was {unread.words}: {size:,} zero bytes stand for it')}\n"
        before += f"head -c {size} /dev/zero | "
    return before + " \\\n  ".join(parts) + "\n"


def to_pytest(
    method: str,
    path: str,
    body: bytes,
    status: int | None,
    reply: Any,
    *,
    unread: Unread | None = None,
    content_type: str = "",
    breaks_off: bool = False,
) -> str:
    """A test with the fixture `fake_server` that asks the same; `reply` (None: the usual one) is queued first.

    `breaks_off`: the client cannot read the reply to its end. Raises TooLong.
    """
    text = copied_text(body)
    lines = ["import httpx", *(["import pytest"] if breaks_off else []), "", "", "def test_request(fake_server):"]
    if reply is not None:
        lines.append(_indented(f"fake_server.reply({_literal(reply)})"))
    call = [f"{method!r}", f'f"{{fake_server.url}}{_in_format(path)}"']
    value = _json_of(text) if body else None
    if value is not None:
        call.append(f"json={_literal(value)}")
    elif body or unread:
        call.append(f"content=b' ' * {len(unread.stand_in())}" if unread else f"content={text!r}.encode()")
        if content_type:
            call.append(f"headers={{'content-type': {content_type!r}}}")
    if unread:
        lines.append(f"    # its body was {unread.words}: as many blanks stand for it")
    if breaks_off:
        lines.append("    with pytest.raises(httpx.HTTPError):  # the reply breaks off, or does not come")
        lines.append(_indented(_indented(f"httpx.request({', '.join([*call, 'timeout=2'])})")))
    else:
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
