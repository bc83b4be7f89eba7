"""Bytes as text in which nothing is hidden, and as Markdown that shows them as they are."""

from __future__ import annotations

import re

from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Ending, Exchange

WHOLE = 1600
"""Bytes of a body that are shown whole."""
_BLANK_LINE = (b"\n\n", b"\r\n\r\n", b"\r\r")
_LINE, _AROUND = 400, 160
_HIDDEN = {"\r": "␍", "\t": "␉", "\ufeff": "\\ufeff", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def fenced(text: str, language: str = "") -> str:
    """A fenced code block that no line of the text can close."""
    ticks = max((len(run) for run in re.findall("`{3,}", text)), default=2) + 1
    return f"{'`' * ticks}{language}\n{text.rstrip(chr(10))}\n{'`' * ticks}"


def code(text: str) -> str:
    """A text as inline code, in one line."""
    line = " ".join(visible(text.encode("utf-8", "surrogatepass")).split())
    ticks = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def visible(data: bytes) -> str:
    """Bytes as text: line feeds as they are, what cannot be seen or is not UTF-8 as an escape."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(
        char if char == "\n" or char.isprintable() else _HIDDEN.get(char, _escaped(char)) for char in text
    )


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"


def shown_reply(exchange: Exchange, offset: int | None) -> str:
    """The head and the body as they came, long ones cut to the lines around byte `offset` of the body."""
    if exchange.status is None:
        return f"(no status line came: {exchange.ending.value})"
    head = [f"HTTP/{exchange.http_version} {exchange.status} {exchange.reason}".rstrip()]
    head += [f"{name}: {value}" for name, value in exchange.headers]
    tail = "" if exchange.ending in (Ending.CLEAN, Ending.UNKNOWN) else f"\n({_ended(exchange)})"
    body = _relevant(View(exchange).body, offset)
    if View(exchange).form == "events" and not View(exchange).body.endswith(_BLANK_LINE) and not tail:
        tail = "\n(the body ends here, without a blank line)"
    trailers = "".join(f"\n{name}: {value}" for name, value in exchange.trailers)
    return visible("\n".join(head).encode("utf-8", "surrogateescape")) + f"\n\n{body}{trailers}{tail}"


def _ended(exchange: Exchange) -> str:
    return exchange.problem or f"the connection ended: {exchange.ending.value}"


def _relevant(body: bytes, offset: int | None) -> str:
    if len(body) <= WHOLE:
        return visible(body)
    at = min(offset or 0, len(body) - 1)
    event = body.rfind(b"\n\n", 0, max(0, at - _AROUND))
    start = max(0, event + 2 if event >= 0 else 0, at - WHOLE // 2)
    stop = min(len(body), at + WHOLE // 2)
    before = "…\n" if start else ""
    after = f"… ({len(body):,} bytes in all)"
    lines = (_short(line, at - start) for line in _with_starts(body[start:stop]))
    return before + "".join(lines) + after


def _with_starts(data: bytes) -> list[tuple[int, bytes]]:
    found, start = [], 0
    for line in data.splitlines(keepends=True):
        found.append((start, line))
        start += len(line)
    return found


def _short(line: tuple[int, bytes], at: int) -> str:
    """A line, or the part of a long one where the place is."""
    start, data = line
    if len(data) <= _LINE or not start <= at < start + len(data):
        return visible(data if len(data) <= _LINE else data[:_AROUND] + b" ... ") + (
            "\n" if len(data) > _LINE else ""
        )
    begin = max(0, at - start - _AROUND)
    return f"…{visible(data[begin : begin + _LINE])}…\n"
