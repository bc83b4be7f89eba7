"""Events that differ in a text or two alone: rendered once, and then only their texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fake_server.api.render.style import Style, new_id

PLACEHOLDERS = (new_id("mark"), new_id("mark"))
"""What stands in a value where its texts will."""


class EventTemplate:
    """The event of a value that holds MARKS, or the first of them, once each."""

    def __init__(self, style: Style, value: Mapping[str, Any]) -> None:
        rest = style.format_event(style.serialize(value))
        self._text = style.serialize_text
        found = sorted((rest.find(b'"%s"' % mark.encode()), index) for index, mark in enumerate(PLACEHOLDERS))
        self._order = [index for place, index in found if place >= 0]
        self._between = []
        for index in self._order:
            before, _, rest = rest.partition(b'"%s"' % PLACEHOLDERS[index].encode())
            self._between.append(before)
        self._last = rest

    def events(self, *texts: Iterable[str]) -> Iterator[bytes]:
        """An event for each of the texts, which take the marks' places; those for both marks in step."""
        text, last, first = self._text, self._last, self._between[0]
        if len(self._order) == 1:
            return (first + text(one) + last for one in texts[0])
        second, (left, right) = self._between[1], (texts[index] for index in self._order)
        return (first + text(one) + second + text(two) + last for one, two in zip(left, right, strict=False))
