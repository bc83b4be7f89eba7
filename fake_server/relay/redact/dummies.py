"""The dummies that replace secrets, and other values that look like one and are none."""

from __future__ import annotations

import re

WORD = "REDACTED"
_DUMMY = re.compile(r"(?:REDACTED|x)*")  # a secret that was split leaves several dummies in a row
_WRITTEN = re.compile(r"REDACTED|(?<=[-:=\"' ])[xX]{2,}(?![A-Za-z0-9])")
_IN_TEXT = re.compile("REDACTEDx*|[xX]{3,}")
_BLANK = frozenset("xX0*.-_…#/%")
"""Characters of blanked-out keys: `sk-XXXX`, `org-XX0xx…`, `****`."""
_PLACEHOLDER = re.compile(
    r"no-key-needed|<[^<>]*>|\[[^\[\]]*\]|\{+[^{}]*\}+|\$\{?\w+\}?|%\(?\w+\)?s?|[A-Z]+(?:_[A-Z]+)+"
)
"""Placeholders for keys in documentation: `<your key>`, `$OPENAI_API_KEY`, `{{key}}`, `API_KEY`."""


def dummy(length: int) -> str:
    """`REDACTED`, padded with `x` to `length` characters; `x` alone below eight characters."""
    return WORD.ljust(length, "x") if length >= len(WORD) else "x" * length


def fill(text: str) -> str:
    """A dummy whose characters have codes of as many digits, so that a text, its tokens and its bytes agree."""
    return "".join(["x" if char >= "d" else "X" for char in text])


def beside_dummies(value: str) -> str:
    """The longest part of a value that holds no dummy."""
    return max(_IN_TEXT.split(value), key=len)


def is_dummy(value: str) -> bool:
    """Whether a value is no secret: one of our dummies, a blanked-out key, a well-known placeholder."""
    return _BLANK.issuperset(value) or any(form.fullmatch(value) for form in (_DUMMY, _PLACEHOLDER))


def holds_dummy(text: str) -> bool:
    """Whether one of our dummies stands in a text, which may be JSON: what was there before is not known."""
    return _WRITTEN.search(text) is not None
