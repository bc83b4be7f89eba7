"""Values that name something and open nothing, though they look like keys."""

from __future__ import annotations

import re

_LONGEST_TOKEN = 300
_ID = re.compile(
    r"(?:chatcmpl|cmpl|call|toolu|resp|msg|rs|fc|fco|ws|ci|cu|ig|mcp[a-z]{0,2}|file|upload|run|thread|step|asst|vs|vsfs"
    r"|batch|ft|ftjob|ftevent|ftckpt|modr|req|conv|item|event|evt|fp|img|gen|eval|evalrun|cntr|cfile|video|ctc|lsh|apc"
    r"|checkpoint|embd|partition|cus|prompt|pmpt|model|user|tsc)[-_][A-Za-z0-9_-]*"
)
"""Ids as providers make them."""
_IDENTIFIER = re.compile(
    r"(?i:(?:sha[0-9]{1,3}[:-])?(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{7,128}))"
    r"|gAAAAA[A-Za-z0-9_=-]*"
)
"""A UUID, a digest; a Fernet token, which is what `encrypted_content` holds."""


def is_identifier(value: str) -> bool:
    """Whether a value names something and opens nothing: an id, a digest, a model, an encrypted reasoning."""
    if len(value) > _LONGEST_TOKEN or _IDENTIFIER.fullmatch(value) or _ID.fullmatch(value):
        return True
    return all(part.isalpha() or part.isdecimal() or _is_short_part(part) for part in re.split(r"[-_./:~+=]+", value))


def _is_short_part(part: str) -> bool:
    """Whether a part of a name is like `4o`, `70B` or `v2`."""
    return len(part) <= 4 and not has_all_kinds(part)


def is_id(value: str) -> bool:
    """Whether a value begins as the ids of providers do: `chatcmpl-…`, `call_…`."""
    return _ID.match(value) is not None


def has_all_kinds(value: str) -> bool:
    """Whether a value has small letters, capitals and digits, as no word has."""
    return all(re.search(kind, value) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
