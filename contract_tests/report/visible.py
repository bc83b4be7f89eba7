"""Formats text that hides nothing, and as Markdown that displays it unchanged."""

from __future__ import annotations

import re

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
