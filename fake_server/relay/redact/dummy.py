"""What stands in for a secret: as long as the secret, and known as a dummy when it is seen again."""

from __future__ import annotations

import re

WORD = "REDACTED"
_DUMMY = re.compile(r"(?:REDACTED|x)*")  # several where a secret was split
_BLANK = frozenset("xX0*.-_…#/%")
"""Characters that hold nothing: `sk-XXXX`, `org-XX0xx…`, `****`."""
_PLACEHOLDER = re.compile(
    r"no-key-needed|<[^<>]*>|\[[^\[\]]*\]|\{+[^{}]*\}+|\$\{?\w+\}?|%\(?\w+\)?s?|[A-Z]+(?:_[A-Z]+)+"
)
"""What documents write in place of a key: `<your key>`, `$OPENAI_API_KEY`, `{{key}}`, `API_KEY`."""


def dummy(length: int) -> str:
    """`REDACTED` and as many `x` as it takes; `x` alone below eight characters."""
    return WORD.ljust(length, "x") if length >= len(WORD) else "x" * length


def is_dummy(value: str) -> bool:
    """Whether a value holds no secret: our dummies, blanked-out keys, well-known placeholders."""
    return _BLANK.issuperset(value) or any(form.fullmatch(value) for form in (_DUMMY, _PLACEHOLDER))
