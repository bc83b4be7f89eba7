"""JSON that is looked for in bytes, however whoever wrote them put white space between its parts."""

from __future__ import annotations

import re

from fake_server.faults.base import encode

_STRING_OR_MARK = re.compile(r'"(?:[^"\\]|\\.)*"?|[ \t\r\n]*[:,{}\[\]][ \t\r\n]*')
_VALUE = r"-?\d[\d.eE+-]*|true|false|null"
_WITHOUT_STRINGS = re.compile(rf"(?:(?<![\w.-])(?:{_VALUE})(?![\w.-])|[ \t\r\n:,{{}}\[\]])*\Z")
"""The end of a text that can be JSON though no string is in it: what stands before the first string, or all of it."""
_MARKED = re.compile(rf"[:,{{}}\[\]]\s*(?:{_VALUE})|(?:{_VALUE})\s*[:,{{}}\[\]]")
_SPACE = b"[ \t\r\n]*+"


def in_any_spacing(text: str) -> re.Pattern[bytes]:
    """What finds a text; the part of it that is JSON may be spaced in other ways.

    That is everything from its first string on, with the marks and values before that, and a text of marks and values
    alone, with a value beside a mark. What stands before, such as `data: `, is looked for as it is.
    """
    begin = _begin_of_json(text)
    pattern, place = re.escape(encode(text[:begin])), begin
    for part in _STRING_OR_MARK.finditer(text, begin):
        pattern += re.escape(encode(text[place : part.start()]))
        mark, place = part[0].strip(" \t\r\n"), part.end()
        if mark.startswith('"'):
            pattern += re.escape(encode(part[0]))
            continue
        before = _SPACE if part.start() > 0 else b""
        after = _SPACE if part.end() < len(text) else b""
        pattern += before + re.escape(encode(mark)) + after
    return re.compile(pattern + re.escape(encode(text[place:])))


def _begin_of_json(text: str) -> int:
    """Where the JSON of a text begins; its end where there is none."""
    first = text.find('"')
    head = text if first < 0 else text[:first]
    begin = next(found.start() for found in _WITHOUT_STRINGS.finditer(head))
    if begin:  # behind a name, such as that of a field of an event, a colon is no JSON
        begin += len(head) - begin - len(head[begin:].lstrip(":"))
    if first < 0 and (begin or not _MARKED.search(text)):
        return len(text)  # marks alone, or a number alone, can be anything
    return begin
