"""JSON that is looked for in bytes, however whoever wrote them put white space between its parts."""

from __future__ import annotations

import re

from fake_server.faults.base import encode

_STRING_OR_MARK = re.compile(r'"(?:[^"\\]|\\.)*"?|[ \t\r\n]*[:,{}\[\]][ \t\r\n]*')


def in_any_spacing(text: str) -> re.Pattern[bytes]:
    """What finds a text; from its first string on, it is JSON, which may be spaced in other ways."""
    start = text.find('"')
    opened = len(text[: max(start, 0)].rstrip(" {[")) if start >= 0 else len(text)  # `{` before it belongs to it
    pattern, place = re.escape(encode(text[:opened])), opened
    for part in _STRING_OR_MARK.finditer(text, opened):
        pattern += re.escape(encode(text[place : part.start()]))
        mark, place = part[0].strip(" \t\r\n"), part.end()
        if mark.startswith('"'):
            pattern += re.escape(encode(part[0]))
            continue
        before = b"[ \t\r\n]*+" if part.start() > 0 else b""
        after = b"[ \t\r\n]*+" if part.end() < len(text) else b""
        pattern += before + re.escape(encode(mark)) + after
    return re.compile(pattern + re.escape(encode(text[place:])))
