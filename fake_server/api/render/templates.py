"""Replies that are rendered once with marks in the places of what varies, and then filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any

from fake_server.api.render.style import Style, new_id

_MARK = new_id("mark")
PLACEHOLDERS = (new_id("mark"), new_id("mark"), new_id("mark"))
"""Stand in a value where the texts will go; for the last one there will be whole numbers."""
_NUMBER = 2


class EventTemplate:
    """The event of a value that contains some PLACEHOLDERS, each once: rendered once, then filled in."""

    def __init__(self, style: Style, value: Mapping[str, Any], name: str = "") -> None:
        rest = style.format_event(style.serialize(value), name)
        self._style = style
        places = sorted((rest.find(b'"%s"' % mark.encode()), index) for index, mark in enumerate(PLACEHOLDERS))
        self._order = [index for place, index in places if place >= 0]
        self._between = []
        for index in self._order:
            before, _, rest = rest.partition(b'"%s"' % PLACEHOLDERS[index].encode())
            self._between.append(before)
        self._last = rest

    def events(self, *texts: Iterable[str], numbers: Iterable[int] = ()) -> list[bytes]:
        """Make an event of each text, or of each pair of texts, and the number, if the value has a place for one."""
        serialize, last, first = self._style.serialize_texts, self._last, self._between[0]
        if len(self._order) == 1:
            return [first + text + last for text in serialize(texts[0])]
        if len(self._order) == 2 and _NUMBER not in self._order:
            left, right = (serialize(texts[index]) for index in self._order)
            second = self._between[1]
            return [first + text + second + other + last for text, other in zip(left, right, strict=True)]
        columns = [
            [b"%d" % number for number in numbers] if index == _NUMBER else serialize(texts[index])
            for index in self._order
        ]
        return [
            b"".join([piece for pair in zip(self._between, row, strict=True) for piece in pair]) + last
            for row in zip(*columns, strict=True)
        ]


def place(name: str) -> str:
    """What stands in a value where a BodyTemplate has the text or number of this name."""
    return f"{_MARK}.{name}."


class BodyTemplate:
    """The JSON of a value in which each of these names has its `place`."""

    def __init__(self, style: Style, value: Mapping[str, Any], names: Iterable[str]) -> None:
        text = style.serialize(value).decode().replace("%", "%%")
        for name in names:
            text = text.replace(f'"{place(name)}"', f"%({name})s")
        self._text = text
        self._encode = encode_basestring_ascii if style.escaped else encode_basestring

    def fill(self, values: Mapping[str, str | int]) -> bytes:
        """The JSON with these texts and numbers. Raises UnicodeEncodeError for a lone surrogate in a text."""
        encode = self._encode
        shown = {name: encode(value) if isinstance(value, str) else value for name, value in values.items()}
        return (self._text % shown).encode()
