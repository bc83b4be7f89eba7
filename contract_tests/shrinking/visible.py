"""Formats bytes as text that hides nothing, and as Markdown that displays it unchanged."""

from __future__ import annotations

import re

from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Ending, Exchange

MAX_BODY = 1600
"""Bytes up to which a body is shown whole."""
_BLANK_LINE = (b"\n\n", b"\r\n\r\n", b"\r\r")
_LINE, _AROUND = 400, 160
_HIDDEN = {"\r": "␍", "\t": "␉", "\ufeff": "\\ufeff", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def format_code_block(text: str, language: str = "") -> str:
    """A fenced Markdown code block, with a fence that no line of the text can close."""
    ticks = max((len(run) for run in re.findall("`{3,}", text)), default=2) + 1
    return f"{'`' * ticks}{language}\n{text.rstrip(chr(10))}\n{'`' * ticks}"


def format_inline_code(text: str) -> str:
    """A text as inline Markdown code, on one line."""
    line = " ".join(escape_invisible(text.encode("utf-8", "surrogatepass")).split())
    ticks = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def escape_invisible(data: bytes) -> str:
    """Bytes as text: line feeds stay, invisible characters and bytes that are not UTF-8 become escapes."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(char if char == "\n" or char.isprintable() else _HIDDEN.get(char, _escaped(char)) for char in text)


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"


def format_reply(exchange: Exchange, offset: int | None) -> str:
    """The head and body of the reply as received; of a long body, the lines around byte `offset`."""
    if exchange.status is None:
        return f"(no status line arrived: {exchange.ending.value})"
    head = [f"HTTP/{exchange.http_version} {exchange.status} {exchange.reason}".rstrip()]
    head += [f"{name}: {value}" for name, value in exchange.headers]
    tail = "" if exchange.ending in (Ending.CLEAN, Ending.UNKNOWN) else f"\n({_ended(exchange)})"
    body = _format_body(View(exchange).body, offset)
    if View(exchange).form == "events" and not View(exchange).body.endswith(_BLANK_LINE) and not tail:
        tail = "\n(the body ends here, without a blank line)"
    trailers = "".join(f"\n{name}: {value}" for name, value in exchange.trailers)
    return escape_invisible("\n".join(head).encode("utf-8", "surrogateescape")) + f"\n\n{body}{trailers}{tail}"


def _ended(exchange: Exchange) -> str:
    return exchange.problem or f"the connection ended: {exchange.ending.value}"


def _format_body(body: bytes, offset: int | None) -> str:
    if len(body) <= MAX_BODY:
        return escape_invisible(body)
    at = min(offset or 0, len(body) - 1)
    event = body.rfind(b"\n\n", 0, max(0, at - _AROUND))
    start = max(0, event + 2 if event >= 0 else 0, at - MAX_BODY // 2)
    stop = min(len(body), at + MAX_BODY // 2)
    before = "…\n" if start else ""
    after = f"… ({len(body):,} bytes in all)"
    lines = (_format_line(line, at - start) for line in _with_starts(body[start:stop]))
    return before + "".join(lines) + after


def _with_starts(data: bytes) -> list[tuple[int, bytes]]:
    lines, start = [], 0
    for line in data.splitlines(keepends=True):
        lines.append((start, line))
        start += len(line)
    return lines


def _format_line(line: tuple[int, bytes], at: int) -> str:
    """A line, or the part of a long line around offset `at`."""
    start, data = line
    if len(data) <= _LINE or not start <= at < start + len(data):
        return escape_invisible(data if len(data) <= _LINE else data[:_AROUND] + b" ... ") + (
            "\n" if len(data) > _LINE else ""
        )
    begin = max(0, at - start - _AROUND)
    return f"…{escape_invisible(data[begin : begin + _LINE])}…\n"
