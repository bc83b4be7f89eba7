"""Formats bytes as text that hides nothing, and as Markdown that displays it unchanged."""

from __future__ import annotations

import re
import textwrap

from contract_tests.report.visible import escape_invisible, format_inline_code
from contract_tests.rules.engine.view import View
from contract_tests.shrinking.spans import line_spans
from fake_server.wire.exchange import Ending, Exchange

MAX_BODY = 1600
"""Bytes up to which a body is shown whole."""
_BLANK_LINE = (b"\n\n", b"\r\n\r\n", b"\r\r")
_FENCE = re.compile(r"`{3,}")
_BLOCK = re.compile(r"[#>+*-]|\d+[.)] ")
"""What begins a block of Markdown."""
_LINE, _AROUND = 400, 160


def format_reply(exchange: Exchange, offset: int | None) -> str:
    """The head and body of the reply as received; of a long body, the lines around byte `offset`."""
    if exchange.status is None:
        return f"(no status line arrived: {exchange.ending.value})"
    head = [f"HTTP/{exchange.http_version} {exchange.status} {exchange.reason}".rstrip()]
    head += [f"{name}: {value}" for name, value in exchange.headers]
    body = _format_body(View(exchange).body, offset)
    return escape_invisible("\n".join(head).encode("utf-8", "surrogateescape")) + f"\n\n{body}"


def describe_end(exchange: Exchange) -> str:
    """What comes behind the body and is no part of it: trailer fields, and an end that is not as it should be."""
    if exchange.status is None:
        return ""
    said = [f"the trailer field {format_inline_code(f'{name}: {value}')}" for name, value in exchange.trailers]
    view = View(exchange)
    if exchange.ending not in (Ending.CLEAN, Ending.UNKNOWN):
        said.append(exchange.problem or f"the connection ended: {exchange.ending.value}")
    elif view.form == "events" and not view.body.endswith(_BLANK_LINE):
        said.append("the body ends, without a blank line")
    return f"Then: {'; '.join(said)}." if said else ""


def _format_body(body: bytes, offset: int | None) -> str:
    if len(body) <= MAX_BODY:
        return escape_invisible(body)
    at = min(offset or 0, len(body) - 1)
    event = body.rfind(b"\n\n", 0, max(0, at - _AROUND))
    start = max(0, event + 2 if event >= 0 else 0, at - MAX_BODY // 2)
    stop = min(len(body), at + MAX_BODY // 2)
    before = "…\n" if start else ""
    after = f"… ({len(body):,} bytes in all)"
    shown = body[start:stop]
    lines = (_format_line(shown[begin:end], at - start - begin) for begin, end in line_spans(shown))
    return before + "".join(lines) + after


def _format_line(line: bytes, at: int) -> str:
    """A line, or the start of a long line, or its part around offset `at`."""
    if len(line) <= _LINE:
        return escape_invisible(line)
    if not 0 <= at < len(line):
        return f"{escape_invisible(line[:_AROUND])} ... \n"
    begin = max(0, at - _AROUND)
    return f"…{escape_invisible(line[begin : begin + _LINE])}…\n"


def wrap_markdown(text: str, width: int) -> str:
    """A text with its paragraphs in rows of at most `width`; headings and what stands in fences stay as they are.

    A paragraph of which a row would begin like a list, a heading or a quotation is left whole.
    """
    rows: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence or mark or line.startswith("#"):
            rows.append(line)
            if mark and (not fence or (line == mark[0] and line.startswith(fence))):
                fence = "" if fence else mark[0]
            continue
        hang = "  " if line.startswith("- ") else ""
        parts = textwrap.wrap(line, width, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)
        rows += parts if not any(_BLOCK.match(part) for part in parts[1:]) else [line]
        rows += [] if parts else [line]
    return "\n".join(rows)
