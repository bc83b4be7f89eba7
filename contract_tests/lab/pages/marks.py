"""Documents with a generated part: the text between two marks is made from code."""

from __future__ import annotations

START = "<!-- generated -->"
END = "<!-- end of the generated part -->"


class DocumentError(ValueError):
    """A document without its marks; the message names the missing one."""


def between(text: str) -> str:
    """The generated part of a document. Raises DocumentError."""
    start, end = _marks(text)
    return text[start + len(START) : end].strip("\n")


def replaced(text: str, generated: str) -> str:
    """The document with a new generated part. Raises DocumentError."""
    start, end = _marks(text)
    return f"{text[: start + len(START)]}\n\n{generated.strip()}\n\n{text[end:]}"


def _marks(text: str) -> tuple[int, int]:
    start = text.find(START)
    end = text.find(END, start)
    if start < 0 or end < 0:
        raise DocumentError(f"the document lacks the line {START if start < 0 else END}")
    return start, end
